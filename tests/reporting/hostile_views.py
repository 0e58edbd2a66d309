"""Views of deployments in which every text may be hostile and every number odd."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import strategies as st

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.history.estimate import Estimate
from deploy_action.reporting.report import Failure, Links
from deploy_action.slack import view as channel
from deploy_action.slack.view import DeploymentView, NotificationEvent
from tests.common.test_escape import hostile

OURS = "https://github.com/acme/shop/actions/runs/1"
THEIRS = "https://evil.example/login"
FLOOD = "<!channel> ```&*_~" * 160
MENTIONS = [
    "U0ANA",
    "S0ONCALL",
    "here",
    "channel",
    "@U1; <!here>",
    "<!channel>",
    "everyone",
    "*",
    "C0DEPLOYS",
]

texts = hostile | st.just("") | st.just(FLOOD)
urls = (
    hostile
    | st.sampled_from(
        [
            OURS,
            THEIRS,
            "",
            "javascript:alert(1)",
            "https://github.com@evil.example/",
            "https://x|y>z",
            "https://",
            "https://[::1",
            "https://github.com/" + "x" * 4000,
        ]
    )
    | hostile.map(lambda text: f"https://github.com/{text}")
)
seconds = st.floats(-1.0, 1e7) | st.just(0.0)
times = st.none() | st.floats(1.6e9, 2e9) | st.sampled_from([-1e12, 0.0, 1e15, float("inf"), float("-inf")])
counts = st.integers(-1, 10_000)


def poisoned(part: Any, text: str) -> Any:
    """The same view with `text` in place of each text of it, whom it calls excepted."""
    if isinstance(part, str):
        return text
    if isinstance(part, tuple):
        return tuple(poisoned(one, text) for one in part)
    if is_dataclass(part) and not isinstance(part, type):
        kept = {"mentions"}
        return replace(
            part,
            **{f.name: poisoned(getattr(part, f.name), text) for f in fields(part) if f.name not in kept},
        )
    return part


def some(of: st.SearchStrategy[object], most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=most).map(tuple)


def maybe(of: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | of


estimates = st.builds(
    Estimate, low_seconds=seconds, mid_seconds=seconds, high_seconds=seconds, basis=texts, samples=counts
)
resources = st.builds(
    channel.ResourceSeen,
    label=texts,
    resource_type=texts,
    action=texts,
    seconds=seconds,
    usual_low_seconds=maybe(seconds),
    usual_high_seconds=maybe(seconds),
    samples=counts,
    status=texts,
    console=urls,
)
causes = st.builds(
    channel.CauseSeen, name=texts, resource_type=texts, status=texts, message=texts, advice=texts, source=urls
)
ahead = st.builds(
    channel.Ahead,
    correlation_id=texts,
    actor=texts,
    url=urls,
    holding=st.booleans(),
    since=times,
    expected_end=times,
)
queues = st.builds(
    channel.QueueSeen,
    position=counts,
    ahead=some(ahead),
    waited_seconds=seconds,
    since=times,
    gives_up=times,
    frozen=maybe(st.builds(channel.Frozen, by=texts, reason=texts, until=times)),
    remarks=some(texts),
    away_seconds=maybe(seconds),
)
hostile_views = st.builds(
    DeploymentView,
    correlation_id=texts,
    moment=st.sampled_from(NotificationEvent),
    at=st.floats(1.6e9, 2e9) | st.sampled_from([0.0, 1e15]),
    environment=texts,
    stacks=some(st.builds(channel.StackSeen, region=texts, name=texts, status=texts, console=urls)),
    origin=st.builds(
        channel.Origin,
        repository=texts,
        actor=texts,
        ref=texts,
        workflow=texts,
        server=st.sampled_from(["", "https://github.com"]),
    ),
    links=st.builds(Links, run=st.sampled_from(["", OURS]), commit=urls, commit_id=texts),
    thread=urls,
    locks=some(texts),
    mentions=some(st.sampled_from(MENTIONS)),
    queue=maybe(queues),
    queue_seconds=seconds,
    started=times,
    estimate=maybe(estimates),
    left=maybe(estimates),
    done=counts,
    planned=maybe(counts),
    rolling_back=st.booleans(),
    running=some(resources),
    running_count=counts,
    stalled=some(resources),
    late=st.booleans(),
    subject=maybe(resources),
    warning=maybe(causes),
    gap=maybe(st.builds(channel.Gap, seconds=maybe(seconds), restarts=counts)),
    remark=texts,
    outcome=maybe(st.sampled_from(Outcome)),
    duration_seconds=maybe(seconds),
    causes=some(causes),
    cause_count=counts,
    failure=maybe(
        st.builds(Failure, what=texts, why=texts, remedy=texts, parts=some(texts), tail=some(texts))
    ),
    exit_code=maybe(st.integers(0, 255)),
    outputs=some(st.tuples(texts, texts | urls), 10),
    fallback=texts,
    notes=some(texts),
)
