"""How far it is and what is usual, in words."""

from __future__ import annotations

import pytest

from deploy_action.cloudformation.operation import Operation
from deploy_action.common.times import brief, roughly
from deploy_action.history.estimate import Basis, Estimate, Usual
from deploy_action.reporting.log.progress import Progress, expected, left, took, usually
from tests.cloudformation.story import DATABASE, nested, resource, stack

AT = 1_790_000_000.0
LEARNED = Usual(240.0, 300.0, 360.0, 7, Basis.RESOURCE)
PRIOR = Usual(240.0, 300.0, 360.0, 0, Basis.PRIOR)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (40, "40s"), (240, "4m"), (340, "5m40s"), (7200, "2h"), (7260, "2h01m"), (36_000, "10h")],
)
def test_durations_have_no_empty_units(seconds: float, text: str) -> None:
    assert brief(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "10s"), (34, "30s"), (89, "1m30s"), (91, "2m"), (227, "4m"), (3599, "1h"), (4000, "1h05m")],
)
def test_guesses_show_no_false_precision(seconds: float, text: str) -> None:
    assert roughly(seconds) == text


def test_what_is_usual() -> None:
    assert usually(None) == ""
    assert usually(LEARNED) == "usually 4m to 6m"
    assert usually(Usual(1.5, 3.0, 8.0, 0, Basis.PRIOR)) == "usually 2s to 8s"
    assert usually(Usual(78.0, 156.0, 388.0, 0, Basis.PRIOR)) == "usually 1m20s to 6m"
    assert usually(Usual(156.0, 311.0, 778.0, 0, Basis.PRIOR)) == "usually 3m to 13m"
    assert usually(Usual(3.0, 3.1, 3.2, 7, Basis.TYPE)) == "usually 3s"


def test_what_was_learned_stands_beside_every_duration() -> None:
    assert took(340.0, LEARNED) == "5m40s, usually 4m to 6m"
    assert took(20.0, None) == "20s"


def test_published_averages_are_told_only_of_what_took_longer() -> None:
    assert took(20.0, PRIOR) == "20s"
    assert took(360.0, PRIOR) == "6m00s"
    assert took(390.0, PRIOR) == "6m30s"
    assert took(391.0, PRIOR) == "6m31s, usually 4m to 6m"
    assert took(1200.0, PRIOR) == "20m00s"
    assert took(1200.0, LEARNED) == "20m00s, usually 4m to 6m"


def test_what_is_left() -> None:
    assert left(Estimate(180.0, 240.0, 360.0, "x")) == "about 4m left (3m to 6m)"
    assert left(Estimate(0.0, 0.0, 0.0, "x")) == ""
    assert left(None) == ""
    assert expected(Estimate(600.0, 720.0, 900.0, "x")) == "about 12m (10m to 15m)"


class TestProgress:
    def counted(self, *events: object) -> list[tuple[int, int] | None]:
        operation, progress = Operation(), Progress()
        found = []
        for event in events:
            activity = operation.apply(event)  # type: ignore[arg-type]  # events, shortly
            if progress.take(event, activity, operation):  # type: ignore[arg-type]
                found.append(progress.of(3))
        assert progress.of(None) is None
        return found

    def test_it_counts_what_the_plan_counts(self) -> None:
        assert self.counted(
            stack(AT, "CREATE_IN_PROGRESS"),
            nested(AT, "Database", "CREATE_IN_PROGRESS"),
            stack(AT, "CREATE_IN_PROGRESS", of=DATABASE),
            resource(AT, "Instance", "CREATE_COMPLETE", of=DATABASE),
            stack(AT, "CREATE_COMPLETE", of=DATABASE),
            nested(AT + 1, "Database", "CREATE_COMPLETE"),
            resource(AT + 1, "Bucket", "CREATE_IN_PROGRESS"),
            resource(AT + 2, "Bucket", "CREATE_COMPLETE"),
            resource(AT + 2, "Topic", "CREATE_FAILED"),
        ) == [(1, 3), (2, 3)]

    def test_it_never_runs_backwards(self) -> None:
        names = "ABCDE"
        events = [stack(AT, "CREATE_IN_PROGRESS")]
        events += [resource(AT + 1, name, "CREATE_COMPLETE") for name in names]
        events += [stack(AT + 2, "ROLLBACK_IN_PROGRESS")]
        events += [resource(AT + 3, name, "DELETE_COMPLETE") for name in names]
        events += [stack(AT + 4, "ROLLBACK_COMPLETE"), stack(AT + 5, "UPDATE_IN_PROGRESS")]
        events += [resource(AT + 6, "A", "UPDATE_COMPLETE"), resource(AT + 6, "F", "CREATE_COMPLETE")]
        assert self.counted(*events) == [(1, 3), (2, 3), (3, 3), (4, 4), (5, 5), (5, 5), (6, 6)]
