"""An outbox as data: order, finality, retries, and what may have been posted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.common.instants import WallTime
from deploy_action.slack import outbox
from deploy_action.slack.outbox import Kind, Message, Outbox, Trouble
from deploy_action.slack.outbox_log import Record, Step, after

DOWN = Trouble("Slack answered 503.")
NOW = 1_800_000_000.0


def parent(name: str = "p", *, final: bool = False, at: float = NOW) -> Message:
    return Message(name, Kind.PARENT, "C1", f"state {name}", at=at, final=final)


def reply(name: str = "r", *, final: bool = False, at: float = NOW) -> Message:
    return Message(name, Kind.REPLY, "C1", f"reply {name}", at=at, final=final)


def post(name: str = "a", channel: str = "C2", *, final: bool = False, at: float = NOW) -> Message:
    return Message(name, Kind.POST, channel, f"post {name}", at=at, final=final)


def box_of(*entries: Message, ts: str = "") -> Outbox:
    box = Outbox("id", ts=ts, channel_id="C1" if ts else "")
    for entry in entries:
        box = outbox.accept(box, entry)
    return box


def due(box: Outbox, now: float = NOW) -> list[str]:
    return [entry.id for entry in outbox.due(box, now=WallTime(now))]


def names(entries: tuple[Message, ...]) -> list[str]:
    return [entry.id for entry in entries]


class TestOrder:
    def test_what_was_accepted_first_goes_first(self) -> None:
        box = box_of(reply("1"), reply("2"), post("3"), post("4"), ts="1.0")
        assert due(box) == ["1", "3"]
        assert due(outbox.sent(box, "1")) == ["2", "3"] or due(outbox.sent(box, "1")) == ["3", "2"]

    def test_one_that_fails_keeps_those_behind_it_back(self) -> None:
        box = box_of(reply("1"), reply("2"), ts="1.0")
        box = outbox.failed(box, "1", "C1", DOWN, now=WallTime(NOW))
        assert due(box) == []
        assert due(box, NOW + 5) == ["1"]

    def test_one_channel_does_not_wait_for_another(self) -> None:
        box = outbox.failed(box_of(reply(), post(), ts="1.0"), "r", "C1", DOWN, now=WallTime(NOW))
        assert due(box) == ["a"]

    def test_replies_wait_for_the_message_that_they_belong_to(self) -> None:
        box = box_of(reply("1"), post("3"))
        assert due(box) == ["3"]
        box = outbox.accept(box, parent())
        assert due(box) == ["p", "3"]
        box = outbox.sent(box, "p", ts="1.0", channel_id="C1")
        assert due(box) == ["1", "3"]

    def test_the_newest_state_goes_first_and_takes_the_place_of_older_ones(self) -> None:
        box = box_of(parent("1"), reply(), parent("2"), ts="1.0")
        assert due(box) == ["2"]
        assert names(box.pending) == ["r", "2"]


class TestFinality:
    def test_nothing_passing_is_accepted_after_the_end(self) -> None:
        box = box_of(parent("end", final=True), ts="1.0")
        for late in (parent("late"), reply("late"), post("late")):
            assert outbox.accept(box, late) is box

    def test_what_is_final_still_is(self) -> None:
        box = box_of(parent("end", final=True), reply("end of thread", final=True), ts="1.0")
        assert names(box.pending) == ["end", "end of thread"]

    def test_a_webhook_is_not_told_of_the_beginning_after_the_end(self) -> None:
        start = Message("start", Kind.WEBHOOK, "", "started")
        end = Message("end", Kind.WEBHOOK, "", "complete", final=True)
        assert names(box_of(start, end).pending) == ["end"]
        begun = outbox.begun(box_of(start), "start", now=WallTime(NOW))
        assert names(outbox.accept(begun, end).pending) == ["start", "end"]


class TestRetries:
    def test_the_pauses_grow_and_the_sixth_failure_is_the_last(self) -> None:
        box, now, pauses = box_of(post()), NOW, []
        while box.pending:
            box = outbox.failed(box, "a", "C2", DOWN, now=WallTime(now))
            wait = outbox.wait_seconds(box, now=WallTime(now))
            pauses.append(wait)
            now += wait or 0.0
        assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, None]
        (dead,) = box.dead
        assert (dead.id, dead.tries, dead.reason) == ("a", 6, "Slack answered 503.")

    @pytest.mark.parametrize(("asked", "wait"), [(1.0, 5.0), (30.0, 30.0), (1e9, 600.0)])
    def test_slack_may_ask_for_a_longer_pause(self, asked: float, wait: float) -> None:
        box = outbox.failed(box_of(post()), "a", "C2", replace(DOWN, retry_seconds=asked), now=WallTime(NOW))
        assert outbox.wait_seconds(box, now=WallTime(NOW)) == wait

    def test_in_a_hurry_only_what_slack_asked_for_is_waited_for(self) -> None:
        box = box_of(post("1"), post("2", "C3"))
        box = outbox.failed(box, "1", "C2", DOWN, now=WallTime(NOW))
        box = outbox.failed(box, "2", "C3", replace(DOWN, retry_seconds=30.0), now=WallTime(NOW))
        assert due(outbox.hurried(box)) == ["1"]

    def test_a_permanent_error_is_dead_at_once_and_keeps_nobody_back(self) -> None:
        box = box_of(post("1"), post("2"))
        box = outbox.failed(box, "1", "C2", Trouble("no such channel", permanent=True), now=WallTime(NOW))
        assert (names(box.dead), due(box)) == (["1"], ["2"])

    def test_a_layout_that_slack_refuses_is_given_up_before_the_words_are(self) -> None:
        entry = replace(post(), blocks=({"type": "divider"},))
        trouble = Trouble("invalid_blocks", permanent=True, text_only=True)
        box = outbox.failed(box_of(entry), "a", "C2", trouble, now=WallTime(NOW))
        assert [(one.blocks, one.text) for one in box.pending] == [((), "post a")]
        box = outbox.failed(box, "a", "C2", trouble, now=WallTime(NOW))
        assert names(box.dead) == ["a"]

    def test_success_ends_the_pauses_of_a_channel(self) -> None:
        box = box_of(post("1"), post("2"))
        for _ in range(3):
            box = outbox.failed(box, "1", "C2", DOWN, now=WallTime(NOW))
        box = outbox.sent(box, "1")
        assert due(box) == ["2"]
        box = outbox.failed(box, "2", "C2", DOWN, now=WallTime(NOW))
        assert outbox.wait_seconds(box, now=WallTime(NOW)) == 5.0

    def test_a_clock_that_was_set_back_keeps_nothing_back(self) -> None:
        box = outbox.failed(box_of(post()), "a", "C2", DOWN, now=WallTime(NOW))
        assert due(box, NOW - 86_400) == ["a"]

    def test_a_newer_state_has_all_its_tries(self) -> None:
        box = box_of(parent("1"))
        for _ in range(5):
            box = outbox.failed(box, "1", "C1", DOWN, now=WallTime(NOW))
        box = outbox.accept(box, parent("2"))
        box = outbox.failed(box, "2", "C1", DOWN, now=WallTime(NOW))
        assert names(box.pending) == ["2"]
        assert outbox.wait_seconds(box, now=WallTime(NOW)) == 80.0


class TestWhatMayHaveBeenPosted:
    def test_a_begun_request_whose_end_is_unknown_is_doubtful(self) -> None:
        box = outbox.begun(box_of(post()), "a", now=WallTime(NOW))
        (entry,) = outbox.reopened(box).pending
        assert (entry.doubtful, entry.begun, entry.tried_at) == (True, False, NOW)

    def test_a_clear_refusal_is_not(self) -> None:
        box = outbox.begun(box_of(post()), "a", now=WallTime(NOW))
        box = outbox.failed(box, "a", "C2", DOWN, now=WallTime(NOW))
        (entry,) = outbox.reopened(box).pending
        assert not entry.doubtful

    def test_doubt_stays_until_somebody_looked(self) -> None:
        box = outbox.begun(box_of(post()), "a", now=WallTime(NOW))
        box = outbox.failed(box, "a", "C2", replace(DOWN, doubtful=True), now=WallTime(NOW))
        box = outbox.begun(box, "a", now=WallTime(NOW + 5))
        box = outbox.failed(box, "a", "C2", DOWN, now=WallTime(NOW + 5))
        assert box.pending[0].doubtful
        assert not outbox.absent(box, "a").pending[0].doubtful

    def test_doubt_goes_over_to_the_state_that_takes_its_place(self) -> None:
        box = outbox.begun(box_of(parent("1")), "1", now=WallTime(NOW))
        box = outbox.accept(box, parent("2", at=NOW + 20))
        assert (box.pending[0].doubtful, box.pending[0].tried_at) == (True, NOW)
        assert not outbox.sent(box, "1", ts="1.0", channel_id="C1").pending[0].doubtful

    def test_an_update_that_is_repeated_harms_nobody(self) -> None:
        box = outbox.begun(box_of(parent("1"), ts="1.0"), "1", now=WallTime(NOW))
        assert not outbox.accept(box, parent("2")).pending[0].doubtful


class TestFolding:
    def test_old_entries_of_a_stream_are_told_as_one_in_order(self) -> None:
        box = box_of(reply("1"), post("x"), reply("2"), reply("end", final=True), ts="1.0")
        assert outbox.stale(box, now=WallTime(NOW + 59)) == ()
        old = outbox.stale(box, now=WallTime(NOW + 60))
        assert names(old) == ["1", "2"]
        new = Message("new", Kind.REPLY, "C1", "both", lines=outbox.lines_of(old))
        box = outbox.folded(box, names(old), new)
        assert names(box.pending) == ["new", "x", "end"]
        assert [text for _, text in box.pending[0].lines] == ["reply 1", "reply 2"]

    def test_what_was_folded_is_folded_again_with_what_came_later(self) -> None:
        first = Message("1", Kind.REPLY, "C1", "both", lines=((1.0, "a"), (2.0, "b")), at=NOW)
        old = outbox.stale(box_of(first, reply("2"), ts="1.0"), now=WallTime(NOW + 60))
        assert [text for _, text in outbox.lines_of(old)] == ["a", "b", "reply 2"]

    def test_a_crowd_is_told_as_one_at_once(self) -> None:
        few = [post(str(number)) for number in range(outbox.CROWD - 1)]
        assert outbox.stale(box_of(*few), now=WallTime(NOW)) == ()
        crowd = (*few, post("last"))
        assert outbox.stale(box_of(*crowd), now=WallTime(NOW)) == crowd
        other = (*few, post("last", "C9"))
        assert outbox.stale(box_of(*other), now=WallTime(NOW)) == ()

    def test_after_the_end_a_single_one_is_told_as_something_of_the_past(self) -> None:
        stalled = post("stalled")
        box = box_of(stalled, ts="1.0")
        assert outbox.stale(box, now=WallTime(NOW + 60)) == (), "it may still be true"
        box = outbox.accept(box, parent(final=True))
        assert outbox.stale(box, now=WallTime(NOW + 60)) == (stalled,)
        told = replace(stalled, lines=outbox.lines_of([stalled]))
        assert outbox.stale(outbox.folded(box, ["stalled"], told), now=WallTime(NOW + 60)) == (), "once"
        assert outbox.stale(box_of(post(final=True), parent(final=True)), now=WallTime(NOW + 60)) == ()

    def test_what_may_have_been_posted_is_left_as_it_is(self) -> None:
        box = outbox.begun(box_of(reply("1"), reply("2"), reply("3"), ts="1.0"), "1", now=WallTime(NOW))
        assert names(outbox.stale(box, now=WallTime(NOW + 60))) == ["2", "3"]
        assert names(outbox.stale(outbox.reopened(box), now=WallTime(NOW + 60))) == ["2", "3"]


def test_at_the_end_replies_to_nothing_are_dead() -> None:
    box = outbox.closed(box_of(reply("1"), post("2")))
    assert (names(box.pending), names(box.dead)) == (["2"], ["1"])
    assert box.dead[0].reason
    assert outbox.closed(box_of(reply("1"), ts="1.0")).dead == ()
    assert outbox.closed(box_of(reply("1"), parent())).dead == ()


def test_dead_letters_come_back_in_their_place() -> None:
    box = box_of(post("1"), post("2", at=NOW + 1))
    box = outbox.failed(box, "1", "C2", Trouble("no", permanent=True), now=WallTime(NOW))
    assert names(outbox.revived(box).pending) == ["1", "2"]
    assert names(outbox.revived(box, ["other"]).dead) == ["1"]
    assert outbox.dropped(box).empty
    assert names(outbox.dropped(box, ["1"]).pending) == ["2"]
    assert outbox.dropped(box, ["1"]).dead == ()
    assert names(outbox.dropped(box, ["2"]).dead) == ["1"]


def test_there_is_always_room_for_the_end() -> None:
    box = box_of(*(post(str(number)) for number in range(outbox.PENDING_MAX + 3)))
    assert (len(box.pending), box.refused) == (outbox.PENDING_MAX, 3)
    assert outbox.accept(box, post("end", final=True)).entry("end")


def test_a_record_that_does_not_fit_changes_nothing() -> None:
    box = box_of(post())
    for step in Step:
        if step is not Step.HURRY:
            assert after(box, Record(step, id="nobody")).pending == box.pending


ENTRIES = st.builds(
    lambda kind, final: (kind, final), st.sampled_from([Kind.PARENT, Kind.REPLY, Kind.POST]), st.booleans()
)
FATES = st.sampled_from(["sent", "down", "refused", "killed"])


@given(st.lists(ENTRIES, max_size=20), st.lists(FATES, max_size=60))
def test_whatever_happens_order_is_kept_and_nothing_is_lost(
    wanted: list[tuple[Kind, bool]], fates: list[str]
) -> None:
    box, now = Outbox("id"), NOW
    told: list[Message] = []
    accepted: list[Message] = []
    queue = [
        Message(str(n), kind, "C1", str(n), at=NOW + n, final=final) for n, (kind, final) in enumerate(wanted)
    ]
    for fate in fates:
        if queue:
            entry = queue.pop(0)
            before = box
            box = outbox.accept(box, entry)
            if box is not before:
                accepted.append(entry)
        now += 100
        ready = outbox.due(box, now=WallTime(now))
        if not ready:
            continue
        entry = ready[0]
        box = outbox.begun(box, entry.id, now=WallTime(now))
        if fate == "sent":
            told.append(entry)
            ts = "1.0" if entry.kind is Kind.PARENT else ""
            box = outbox.sent(box, entry.id, ts=ts, channel_id="C1" if ts else "")
        elif fate == "killed":
            box = outbox.reopened(box)
        else:
            trouble = Trouble("no", permanent=fate == "refused")
            box = outbox.failed(box, entry.id, "C1", trouble, now=WallTime(now))
    for kind in (Kind.REPLY, Kind.POST):
        order = [int(entry.id) for entry in told if entry.kind is kind]
        assert order == sorted(order)
    states = [int(entry.id) for entry in told if entry.kind is Kind.PARENT]
    assert states == sorted(states)
    kept = {entry.id for entry in (*told, *box.pending, *box.dead)}
    assert {entry.id for entry in accepted if entry.kind is not Kind.PARENT} <= kept
    finals = [entry for entry in accepted if entry.kind is Kind.PARENT]
    if finals:
        assert finals[-1].id in kept
