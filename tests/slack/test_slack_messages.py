"""Messages in Slack: true, within its limits, and harmless whatever stands in them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from slack_sdk.models.blocks import Block, HeaderBlock, RichTextBlock

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.instants import WallTime
from deploy_action.common.links import openable
from deploy_action.locking.document import Ticket
from deploy_action.locking.transitions import Waiting
from deploy_action.reporting.report import Failure
from deploy_action.slack import view_updates as views
from deploy_action.slack.messages import entry, parent, single, words
from deploy_action.slack.messages.push import PUSH_MAX
from deploy_action.slack.view import (
    CauseSeen,
    DeploymentView,
    Frozen,
    NotificationEvent,
    QueueSeen,
    ResourceSeen,
    StackSeen,
)
from tests.fakes.slack import blockkit
from tests.reporting.hostile_views import OURS, THEIRS, hostile_views, poisoned
from tests.reporting.readers import slack_acts
from tests.slack.storyboard import (
    HOLDER,
    NOON,
    REPORT,
    RUN,
    STORIES,
    Scene,
    bad_story,
    good_story,
    side_scenes,
)

if TYPE_CHECKING:
    from deploy_action.slack.ports import Announcement

MESSAGE_CHARACTERS = 8000
"""Of all texts of one message together."""
CONFIGURED = {"@U0ANA", "!subteam^S0ONCALL", "!here", "!channel"}
PERSON = r"(<@U0ANA>|<!subteam\^S0ONCALL>|<!here>|<!channel>)"
TIME = r"<!date\^\d+\^\{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>"
OWN_MRKDWN = re.compile(
    rf"(As of|At|Ended|Began|Delivered [\w ]+ late\. This was at) {TIME}|{PERSON}( {PERSON})*"
)
many = settings(
    max_examples=40,
    deadline=None,
    # Views are large: what fails is told as it is. The poisoned scenes below are the readable cases.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
SCENES = {scene.name: scene for story in STORIES for scene in story()}


def all_of(view: DeploymentView, now: float) -> dict[str, Announcement]:
    """Every message that may be made of a view at its moment."""
    return {
        "parent": parent(view, now=WallTime(now)),
        "single": single(view, now=WallTime(now)),
        "entry": entry(view.moment, view, now=WallTime(now)),
        "alert": entry(view.moment, view, now=WallTime(now), alone=True),
    }


def problems(message: Announcement) -> list[str]:
    return blockkit.message_problems(asdict(message))


def seen(message: Announcement) -> list[str]:
    return blockkit.seen(asdict(message)).splitlines()


def texts_of(part: Any) -> list[str]:
    """All texts below a part, as they are sent."""
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for value in part.values() for text in texts_of(value)]
    return [text for item in part for text in texts_of(item)] if isinstance(part, list | tuple) else []


def mrkdwn_of(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if part.get("type") == "mrkdwn" else []
        return own + [text for value in part.values() for text in mrkdwn_of(value)]
    return [text for item in part for text in mrkdwn_of(item)] if isinstance(part, list | tuple) else []


class TestHostileViews:
    @many
    @given(hostile_views)
    def test_slack_takes_every_message(self, view: DeploymentView) -> None:
        for name, message in all_of(view, view.at + 1).items():
            assert problems(message) == [], name
            assert message.blocks, name
            assert sum(map(len, texts_of(message.blocks))) <= MESSAGE_CHARACTERS, name

    @many
    @given(hostile_views)
    def test_nobody_is_called_but_by_configuration_and_where_somebody_is_needed(
        self, view: DeploymentView
    ) -> None:
        for name, message in all_of(view, view.at + 1).items():
            called = set(blockkit.called(asdict(message)))
            assert called <= (CONFIGURED if message.alert else set()), name
        assert blockkit.called(asdict(parent(view, now=WallTime(view.at)))) == []

    @many
    @given(hostile_views)
    def test_marks_are_made_of_our_own_words_alone(self, view: DeploymentView) -> None:
        for name, message in all_of(view, view.at + 1000).items():
            for text in mrkdwn_of(message.blocks):
                assert OWN_MRKDWN.fullmatch(text), name

    @many
    @given(hostile_views)
    def test_a_link_leads_where_it_says(self, view: DeploymentView) -> None:
        """The registry's addresses are links to our own server alone; an output is shown as its address."""
        outputs = {value for _, value in view.outputs}
        trusted = {view.thread, view.links.run, view.links.commit}
        trusted |= {stack.console for stack in view.stacks}
        trusted |= {resource.console for resource in (view.subject, *view.running) if resource}
        trusted |= {cause.source for cause in (*view.causes, view.warning) if cause}
        for name, message in all_of(view, view.at).items():
            for said, address in blockkit.addresses(asdict(message)):
                own_server = address.startswith("https://github.com/")
                assert address in trusted or own_server or (address in outputs and said == address), name
                assert "@" not in address.split("/")[2], name

    @many
    @given(hostile_views)
    def test_a_notification_is_one_harmless_line(self, view: DeploymentView) -> None:
        for name, message in all_of(view, view.at).items():
            assert 0 < len(message.text) <= PUSH_MAX, name
            assert len(message.text.splitlines()) == 1, name
            assert not re.search(r"[<>]", message.text), name
            assert slack_acts(message.text) == [], name

    @many
    @given(hostile_views)
    def test_nothing_hides_or_turns_around(self, view: DeploymentView) -> None:
        """No control, bidirectional or invisible character."""
        for name, message in all_of(view, view.at).items():
            for text in (message.text, *texts_of(message.blocks)):
                odd = {c for c in text if unicodedata.category(c)[0] == "C"}
                assert not odd, name
                assert len(text.splitlines()) == 1, name

    @many
    @given(hostile_views)
    def test_only_what_went_well_has_a_green_sign(self, view: DeploymentView) -> None:
        """Whatever the moment says: names may hold the sign, the first character is ours."""
        for moment in NotificationEvent:
            told = replace(view, moment=moment)
            for message in (parent(told, now=WallTime(view.at)), single(told, now=WallTime(view.at))):
                green = any(text.startswith("✅") for text in (message.text, *seen(message)[:1]))
                assert green is (moment is NotificationEvent.COMPLETE)


POISONS = [
    "<!channel> <@U0ANA> @here *b* _i_ `c` ```d``` :tada: &lt; <https://evil.example|run>",
    "prod\u202eetnorf\u2066\u200b\x1b[31m\r\n> quote\n```\n\x00",
    "https://evil.example/\u202e#general",
    "<!channel>" * 1000,
    "😀" * 1000,
    "",
]


class TestPoisonedScenes:
    """The same without chance: each scene with such a text wherever a text stands."""

    @pytest.mark.parametrize("poison", POISONS, ids=["marks", "control", "address", "flood", "wide", "empty"])
    @pytest.mark.parametrize("name", SCENES)
    def test_it_stays_harmless(self, name: str, poison: str) -> None:
        view = replace(poisoned(SCENES[name].view, poison), mentions=("S0ONCALL",))
        for message in all_of(view, view.at + 1000).values():
            assert problems(message) == []
            assert blockkit.called(asdict(message)) == blockkit.called({"blocks": message.blocks})
            assert set(blockkit.called(asdict(message))) <= {"!subteam^S0ONCALL"}
            assert all(OWN_MRKDWN.fullmatch(text) for text in mrkdwn_of(message.blocks))
            assert all(said == address for said, address in blockkit.addresses(asdict(message)))
            for text in texts_of(message.blocks):
                assert not {c for c in text if unicodedata.category(c)[0] == "C"}
                assert len(text.splitlines()) == 1


class TestEveryScene:
    @pytest.mark.parametrize("name", SCENES)
    def test_slack_takes_it_and_so_does_its_own_library(self, name: str) -> None:
        scene = SCENES[name]
        for message in all_of(scene.view, scene.now).values():
            assert problems(message) == []
            for block in message.blocks:
                parsed = Block.parse(block)
                assert parsed is not None
                if isinstance(parsed, HeaderBlock | RichTextBlock):
                    parsed.validate_json()

    @pytest.mark.parametrize("name", SCENES)
    def test_it_is_found_again_by_its_correlation_id(self, name: str) -> None:
        metadata = SCENES[name].parent().metadata
        assert metadata["event_type"] == "deployment"
        payload = metadata["event_payload"]
        assert isinstance(payload, dict)
        assert payload["correlation_id"] in {REPORT.correlation_id, "20260921-141330-b07e44"}
        assert payload["moment"] == SCENES[name].view.moment.value

    @pytest.mark.parametrize("name", SCENES)
    def test_every_button_is_a_link_with_an_identity(self, name: str) -> None:
        for block in SCENES[name].parent().blocks:
            if block["type"] == "actions":
                elements = block["elements"]
                assert isinstance(elements, list)
                assert all(element["url"] and element["action_id"] for element in elements)
                assert elements[0]["url"] == RUN

    def test_all_moments_are_told_apart(self) -> None:
        view = replace(SCENES["progress"].view, queue=SCENES["queued"].view.queue)
        firsts = [
            seen(entry(moment, view, now=WallTime(view.at)))[0]
            for moment in NotificationEvent
            if not moment.final
        ]
        assert len(set(firsts)) == len(firsts)


def shown(name: str) -> list[str]:
    """A parent message without small print and buttons."""
    return [line for line in seen(SCENES[name].parent()) if "eu-west-1" not in line and line[0] != "["]


class TestTheParent:
    def test_queued(self) -> None:
        assert shown("queued") == [
            "⏳ shop → production waits in the queue",
            "Next in line, behind bo's deployment, running since 14:10 UTC, expected to end about 14:15 UTC",
            "Waiting since 14:13 UTC. Gives up at 14:43 UTC.",
        ]

    def test_queued_behind_somebody_without_an_estimate(self) -> None:
        view = SCENES["queued"].view
        assert view.queue is not None
        ahead = replace(view.queue.ahead[0], expected_end=None, url="https://evil.example/run")
        message = parent(replace(view, queue=replace(view.queue, ahead=(ahead,))), now=WallTime(view.at))
        assert "no estimate of its end" in blockkit.seen(asdict(message))
        assert "evil" not in str(blockkit.addresses(asdict(message)))

    def test_a_waiter_behind_several_is_given_a_time_of_its_own(self) -> None:
        next_one = Ticket("n2", "c2", ("production",), actor="cy", stacks=("eu-west-1/web", "eu-west-1/db"))
        holder = replace(HOLDER, stacks=("eu-west-1/shop",))
        waiting = Waiting((holder, next_one), 15.0, 1800.0, turn_seconds=600.0)
        view = SCENES["queued"].view
        told = seen(parent(views.queued(view, waiting, at=NOON), now=WallTime(NOON)))
        assert "Expected to start about 14:23 UTC." in told
        assert any("bo's deployment of shop" in line for line in told)
        assert any("cy's deployment of web, db" in line for line in told)
        away = replace(waiting, away_seconds=90.0)
        for other in (away, replace(waiting, turn_seconds=None), replace(waiting, ahead=(holder,))):
            told = seen(parent(views.queued(view, other, at=NOON), now=WallTime(NOON)))
            assert not any("Expected to start" in line for line in told)

    def test_progress(self) -> None:
        assert shown("progress") == [
            "🚀 Deploying shop → production",
            "▰▰▰▱▱▱▱▱▱▱  11 of 30",
            "About 2m left (1m20s to 4m), done about 14:20 UTC",
            "Creating Database for 2m09s, and 1 more",
        ]

    def test_stalled_and_moving_again(self) -> None:
        assert shown("stalled") == [
            "⚠️ shop → production may be stuck",
            "▰▰▰▰▱▱▱▱▱▱  12 of 30",
            "Database is silent, 7m after it began; usually 2m to 5m",
        ]
        assert shown("moving")[0] == "🚀 Deploying shop → production"

    def test_complete(self) -> None:
        assert shown("complete") == [
            "✅ shop → production is deployed",
            "Took 8m30s, expected 4m to 6m.",
            "Waited 2m25s in the queue before.",
            "• ApiUrl  https://api.shop.example/v2",
            "• DatabaseHost  db.shop.internal:5432",
        ]

    def test_an_output_that_was_not_asked_for_stays_in_the_stack(self) -> None:
        assert not any("s3cr3t" in str(message) for message in all_of(SCENES["complete"].view, NOON).values())

    def test_failed(self) -> None:
        assert shown("rolled back")[:3] == [
            "❌ shop → production failed and was rolled back",
            "Orders · AWS::SNS::Topic",
            "> Topic already exists with different tags",
        ]
        assert shown("rolled back")[3].startswith("Next: Delete or import")
        assert shown("rolling back")[0] == "↩️ shop → production failed and rolls back"

    def test_what_kept_it_from_starting(self) -> None:
        failure = Failure("The lock `production` is held.", "Nothing was changed.", "Raise `wait-timeout`.")
        view = replace(SCENES["busy"].view, failure=failure)
        assert seen(parent(view, now=WallTime(view.at)))[:4] == [
            "🚧 shop → production is busy, not deployed",
            "The lock production is held.",
            "Nothing was changed.",
            "Next: Raise wait-timeout.",
        ]

    def test_what_nobody_knows_has_not_ended(self) -> None:
        for name in ("unknown", "timed out", "cancelled"):
            lines = seen(SCENES[name].parent())
            assert not any("Ended" in line or "Took" in line for line in lines)
        assert shown("unknown")[0] == "❓ Outcome unknown: shop → production"

    def test_a_takeover_while_waiting_leaves_it_in_the_queue(self) -> None:
        assert shown("takeover")[0] == "⏳ shop → production waits in the queue"

    def test_a_name_for_what_has_no_environment(self) -> None:
        view = replace(SCENES["progress"].view, environment="")
        assert seen(parent(view, now=WallTime(view.at)))[0] == "🚀 Deploying shop"


class TestEntries:
    def test_told_late_it_says_so(self) -> None:
        view = SCENES["stalled"].view
        late = seen(entry(NotificationEvent.STALLED, view, now=WallTime(view.at + 600)))
        assert late[-1] == "Delivered 10m late. This was at 2026-09-21 14:23 UTC"
        assert "late" not in seen(entry(NotificationEvent.STALLED, view, now=WallTime(view.at + 60)))[-1]

    def test_the_alert_channel_gets_what_a_thread_has_around_it(self) -> None:
        message = asdict(bad_story()[-1].entry(alone=True))
        assert [words for words, _ in blockkit.addresses(message)] == [
            "more",
            "Thread",
            "Run",
            "Stack",
            "Commit",
        ]
        assert blockkit.called(message) == ["!subteam^S0ONCALL"]
        alone = seen(SCENES["stalled"].entry(alone=True))
        assert alone[0] == "shop → production:"
        assert REPORT.correlation_id in alone[-2]

    def test_the_gap_of_a_restart_is_told(self) -> None:
        assert seen(SCENES["restarted"].entry()) == [
            "🔁 Monitoring was restarted (restart 2).",
            (
                "Events were not monitored for 42s; CloudFormation went on meanwhile, and nothing of it "
                "is lost."
            ),
        ]

    def test_the_start_tells_what_its_estimate_rests_on(self) -> None:
        assert seen(SCENES["started"].entry())[1:] == [
            "Expected to take 4m to 6m, done about 14:20 UTC.",
            "Based on: median of the same resources, 12 deployments",
        ]

    def test_before_the_plan_is_known_there_is_no_estimate_and_no_claim_why(self) -> None:
        view = replace(SCENES["started"].view, estimate=None)
        assert seen(entry(NotificationEvent.STARTED, view, now=WallTime(view.at)))[1:] == ["No estimate yet."]
        assert seen(parent(view, now=WallTime(view.at)))[1] == "No estimate yet."

    def test_a_mark_in_the_name_of_the_alarm_calls_nobody(self) -> None:
        view = replace(bad_story()[-1].view, mentions=("<!channel>", "everyone", "C0DEPLOYS", "u0ana"))
        assert blockkit.called(asdict(entry(NotificationEvent.FAILED, view, now=WallTime(view.at)))) == []


class TestTheWebhook:
    def test_its_start_stays_true_since_nothing_updates_it(self) -> None:
        lines = seen(SCENES["started"].single())
        assert lines[0] == "🚀 Deployment of shop → production began"
        assert "Another message reports how it ends." in lines

    def test_its_end_calls_whom_it_should(self) -> None:
        assert blockkit.called(asdict(bad_story()[-1].single())) == ["!subteam^S0ONCALL"]
        assert blockkit.called(asdict(good_story()[-1].single())) == []

    def test_a_stall_stands_alone(self) -> None:
        scene: Scene = SCENES["stalled"]
        assert seen(scene.single()) == seen(scene.entry(alone=True))


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_went_well_is_green(outcome: Outcome) -> None:
    scene = next(scene for scene in side_scenes() if scene.name == outcome.value)
    assert scene.parent().text.startswith("✅") is outcome.good
    assert scene.parent().alert is (outcome in {Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.UNKNOWN})


def test_hostile_addresses_are_hostile() -> None:
    """The strategies above hold what they are for."""
    assert THEIRS.startswith("https://evil")
    assert OURS.startswith("https://github.com/")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://github.com@evil.example/x",
        "https://user:word@evil.example",
        "https://x.example/a|b",
        "https://x.example/<!here>",
        "https://x.example/\u202egpj",
        "https://gıthub.com/",
        "https://x.example/a b",
        "https://[::1",
        "https://",
        "https://x.example/" + "x" * 2000,
        "HTTPS//x",
        "",
    ],
)
def test_an_address_that_may_deceive_is_no_link(url: str) -> None:
    assert not openable(url)


def test_names_cannot_turn_the_line_around() -> None:
    view = replace(
        SCENES["progress"].view, environment="prod\u202edetcerid\u2066", correlation_id="\x1b[31mred"
    )
    message = parent(view, now=WallTime(view.at))
    assert seen(message)[0] == "🚀 Deploying shop → prod detcerid"
    assert "\u202e" not in str(message)
    assert "\x1b" not in str(message.blocks)


def test_an_emoji_in_a_name_is_no_sign_of_ours() -> None:
    view = replace(SCENES["failed"].view, environment=":white_check_mark: production")
    first = parent(view, now=WallTime(view.at)).blocks[0]
    assert ":white_check_mark:" not in str(first)
    assert seen(parent(view, now=WallTime(view.at)))[0].startswith("❌ ")


def test_nobody_is_called_by_what_needs_nobody() -> None:
    view = replace(SCENES["progress"].view, mentions=("U0ANA", "here"))
    for moment in NotificationEvent:
        called = blockkit.called(asdict(entry(moment, view, now=WallTime(view.at))))
        assert called == (["@U0ANA", "!here"] if moment.needs_somebody else [])
    complete = replace(SCENES["complete"].view, mentions=("U0ANA",))
    assert blockkit.called(asdict(single(complete, now=WallTime(NOON)))) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (180, 360, "3m to 6m"),
        (40, 130, "40s to 2m"),
        (1, 9, "10s"),
        (235, 245, "4m"),
        (3000, 5000, "50m to 1h25m"),
        (3600, 7200, "1h to 2h"),
    ],
)
def test_an_interval_as_people_say_it(low: float, high: float, expected: str) -> None:
    assert words.between(low, high) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (float("-inf"), "0s"),
        (float("inf"), "1157d09h"),
        (0.4, "0s"),
        (59.4, "59s"),
        (60, "1m"),
        (250, "4m10s"),
        (3840, "1h04m"),
        (7200, "2h"),
    ],
)
def test_a_duration_as_people_say_it(seconds: float, expected: str) -> None:
    assert words.span(seconds) == expected


@pytest.mark.parametrize(
    ("done", "planned", "filled"), [(0, 30, 0), (1, 30, 1), (12, 30, 4), (29, 30, 9), (30, 30, 10), (3, 0, 0)]
)
def test_the_bar_is_full_only_where_all_is_done(done: int, planned: int, filled: int) -> None:
    assert words.bar(done, planned) == "▰" * filled + "▱" * (10 - filled)


@pytest.mark.parametrize("story", [good_story, bad_story])
def test_the_notification_of_the_end_names_the_environment_once(story: Any) -> None:
    assert story()[-1].entry(alone=True).text.count("production") == 1


@pytest.mark.parametrize("name", ["\x1b]0;title", "shop\x1b]0;title"])
@pytest.mark.parametrize("moment", [NotificationEvent.QUEUED, NotificationEvent.STALLED])
def test_a_name_takes_nothing_along_of_what_is_said_after_it(name: str, moment: NotificationEvent) -> None:
    view = DeploymentView(correlation_id="", moment=moment, at=NOON, environment=name)
    own = replace(view, environment="shop")
    said, wanted = (
        entry(moment, one, now=WallTime(NOON), alone=True).text.partition(" · ") for one in (view, own)
    )
    assert said[2] == wanted[2] != ""
    assert said[0].split(" ", 1)[1] == name.replace("\x1b", " ").strip(), (
        "an unterminated sequence takes nothing of the name along"
    )


TOPIC = CauseSeen("Topic", "AWS::SNS::Topic", "CREATE_FAILED", "Access denied")
DATABASE = ResourceSeen("Database", "AWS::RDS::DBInstance", "CREATE", 300.0)


@pytest.mark.parametrize(
    ("moment", "changes", "push"),
    [
        (
            NotificationEvent.ROLLED_BACK,
            {"outcome": Outcome.ROLLED_BACK, "causes": (TOPIC,)},
            "❌ acme/shop: production failed and was rolled back · api · Topic: Access denied",
        ),
        (
            NotificationEvent.TIMED_OUT,
            {"outcome": Outcome.UNKNOWN, "running": (DATABASE,), "failure": Failure("It took over 30m00s.")},
            "⌛ acme/shop: production did not end in time · api · Database: It took over 30m00s.",
        ),
        (
            NotificationEvent.UNKNOWN,
            {"outcome": Outcome.UNKNOWN, "failure": Failure("The credentials have expired.")},
            "❓ acme/shop: Outcome unknown: production · api · The credentials have expired.",
        ),
        (
            NotificationEvent.TAKEOVER,
            {"remark": "Took over from bo: the job is done."},
            "🔓 acme/shop: production · api · Took the lock over. Took over from bo: the job is done.",
        ),
        (
            NotificationEvent.QUEUED,
            {"queue": QueueSeen(1, frozen=Frozen("ana", "Black Friday"))},
            "⏳ acme/shop: production · api · 🧊 Frozen by ana until somebody lifts it. Black Friday.",
        ),
        (
            NotificationEvent.STALLED,
            {"subject": replace(DATABASE, label="Topic", resource_type="")},
            "⚠️ acme/shop: production · api · Topic is silent, 5m after it began. It may still end well.",
        ),
    ],
)
def test_a_phone_shows_where_what_and_why(
    moment: NotificationEvent, changes: dict[str, Any], push: str
) -> None:
    view = SCENES["progress"].view
    stacks = (StackSeen("eu-west-1", "api", "UPDATE_ROLLBACK_COMPLETE"),)
    view = replace(view, stacks=stacks, running=(), stalled=(), planned=None)
    view = replace(view, moment=moment, **changes)
    assert entry(moment, view, now=WallTime(view.at), alone=True).text == push


def test_what_a_phone_has_no_room_for_is_cut_by_importance() -> None:
    view = replace(
        SCENES["progress"].view,
        moment=NotificationEvent.ROLLED_BACK,
        outcome=Outcome.ROLLED_BACK,
        environment="production-of-the-shop-in-frankfurt-and-dublin",
        stacks=(
            StackSeen("eu-west-1", "network"),
            StackSeen("eu-west-1", f"{'s' * 90}-api", "CREATE_FAILED"),
        ),
        causes=(replace(TOPIC, name=f"Database{'r' * 90}", message="denied & " * 60),),
        running=(),
    )
    text = parent(view, now=WallTime(view.at)).text
    assert len(text) <= PUSH_MAX
    wanted = [
        "❌ shop: produ",
        "dublin failed and was rolled back · ss",
        "-api and 1 more · Data",
        ": denied",
    ]
    at = [text.find(part) for part in wanted]
    assert at == sorted(at), text
    assert -1 not in at, text
