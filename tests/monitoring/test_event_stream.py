"""What a watcher makes of what it is shown: late, twice, or not at all."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.cloudformation.ports import Traffic
from deploy_action.cloudformation.stacks import StackRef, StackState
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.baseline import Baseline
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.poll_scheduler import Schedule
from deploy_action.monitoring.watch_loop import End, WatchLoop
from tests.clock import VirtualClock
from tests.cloudformation.story import DATABASE, ROOT, nested, resource, stack
from tests.listener import SilentListener

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.common.instants import CloudFormationTime

REF = StackRef("eu-west-1", ROOT)


@dataclass
class Cloud:
    """Implements ports.StackSource: `shown` maps a stack to (from when on it can be seen, event)."""

    clock: VirtualClock
    shown: list[tuple[float, StackEvent]] = field(default_factory=list)
    broken: Callable[[], bool] = lambda: False
    broken_for: Callable[[str], bool] = lambda _stack_id: False
    throttled: bool = False
    reads: int = 0
    refusals: int = 0
    reads_to_end: int = 0

    @property
    def ended(self) -> bool:
        return self.reads_to_end > 0

    def show(self, event: StackEvent, *, at: float) -> None:
        self.shown.append((at, event))

    def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
        self.reads += 1
        if self.broken() or self.broken_for(stack.name):
            self.refusals += self.throttled
            raise StackSourceError("AWS answered with Throttling.", throttled=self.throttled)
        visible = [e for at, e in self.shown if at <= self.clock.elapsed and e.stack_id == stack.name]
        found: list[StackEvent] = []
        for event in sorted(visible, key=lambda event: -event.timestamp):
            if stop(event):
                break
            found.append(event)
        if not self.ended and any(event.status == "CREATE_COMPLETE" and event.is_stack for event in found):
            self.reads_to_end = self.reads
        return found[::-1]

    def describe(self, stack: StackRef) -> StackState | None:
        raise NotImplementedError

    def their_time(self) -> CloudFormationTime | None:
        return None

    def deleted(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        raise AssertionError("nobody asked for deleted stacks")

    def matching(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        raise NotImplementedError

    def in_progress(self, pattern: StackRef) -> Sequence[StackState]:
        raise NotImplementedError

    def traffic(self) -> Traffic:
        return Traffic(self.reads, self.refusals)


class Listener(SilentListener):
    def __init__(self) -> None:
        self.seen: list[StackEvent] = []
        self.troubles: list[str] = []

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:
        self.seen += events

    def trouble(self, sentence: str, error: object = None) -> None:
        self.troubles.append(sentence)


def watch(cloud: Cloud, *, timeout_seconds: float = 600.0) -> tuple[Listener, EventStream, End]:
    listener = Listener()
    watcher = EventStream(cloud, Baseline(((REF, None),)), schedule=Schedule(random=random.Random(1)))
    session = WatchLoop(
        watcher,
        cloud.clock,
        listener,
        done=lambda: watcher.at_rest,
        cancelled=lambda: False,
        timeout_seconds=timeout_seconds,
    )
    return listener, watcher, session.run()


def test_what_becomes_visible_behind_newer_events_is_told_at_the_end() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock)
    cloud.show(stack(1, "CREATE_IN_PROGRESS"), at=1)
    cloud.show(resource(3, "Topic", "CREATE_IN_PROGRESS"), at=28)
    cloud.show(resource(4, "Topic", "CREATE_FAILED", "no such thing"), at=29)
    cloud.show(resource(9, "Queue", "CREATE_IN_PROGRESS"), at=9)
    cloud.show(resource(20, "Queue", "CREATE_FAILED", "Resource creation cancelled"), at=20)
    cloud.show(stack(30, "ROLLBACK_COMPLETE"), at=30)
    listener, watcher, end = watch(cloud)
    assert end is End.DONE
    assert {event.event_id for event in listener.seen} == {event.event_id for _, event in cloud.shown}
    assert len(listener.seen) == len(cloud.shown)
    assert watcher.operation.stacks[ROOT].status == "ROLLBACK_COMPLETE"
    assert [failure.reason for failure in watcher.operation.stacks[ROOT].failures if failure.reason][-1:] == [
        "no such thing"
    ]


def test_a_late_start_does_not_begin_anew_what_has_ended() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock)
    cloud.show(stack(1, "CREATE_IN_PROGRESS"), at=20)
    cloud.show(resource(3, "Topic", "CREATE_IN_PROGRESS"), at=20)
    cloud.show(resource(9, "Topic", "CREATE_COMPLETE"), at=9)
    cloud.show(stack(30, "CREATE_COMPLETE"), at=30)
    _, watcher, end = watch(cloud)
    assert end is End.DONE
    root = watcher.operation.stacks[ROOT]
    assert (root.status, root.ended) == ("CREATE_COMPLETE", 30)
    assert not watcher.operation.running


def test_throttling_is_answered_by_asking_less_and_told_once() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock, broken=lambda: clock.elapsed < 300, throttled=True)
    cloud.show(stack(1, "CREATE_IN_PROGRESS"), at=1)
    cloud.show(stack(320, "CREATE_COMPLETE"), at=320)
    listener, _, end = watch(cloud)
    assert end is End.DONE
    assert len(listener.troubles) == 1
    assert cloud.reads < 60
    assert len(listener.seen) == 2


def test_last_looks_that_fail_are_repeated() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock, broken=lambda: cloud.ended and cloud.reads - cloud.reads_to_end < 3)
    cloud.show(stack(1, "CREATE_IN_PROGRESS"), at=1)
    cloud.show(resource(2, "Topic", "CREATE_IN_PROGRESS"), at=33)
    cloud.show(stack(31, "CREATE_COMPLETE"), at=31)
    listener, _, end = watch(cloud)
    assert end is End.DONE
    assert "Topic" in {event.logical_id for event in listener.seen}


def test_a_nested_stack_whose_last_read_fails_is_asked_again() -> None:
    clock = VirtualClock()
    failures = iter([True])
    cloud = Cloud(
        clock, broken_for=lambda name: name == DATABASE and clock.elapsed > 30 and next(failures, False)
    )
    cloud.show(stack(1, "UPDATE_IN_PROGRESS"), at=1)
    cloud.show(nested(2, "Database", "UPDATE_IN_PROGRESS"), at=2)
    cloud.show(stack(3, "UPDATE_IN_PROGRESS", of=DATABASE), at=3)
    cloud.show(stack(9, "UPDATE_COMPLETE", of=DATABASE), at=9)
    cloud.show(nested(12, "Database", "UPDATE_COMPLETE"), at=12)
    cloud.show(resource(28, "Old", "DELETE_COMPLETE", of=DATABASE), at=28)
    cloud.show(stack(30, "UPDATE_COMPLETE"), at=30)
    listener, _, end = watch(cloud)
    assert end is End.DONE
    assert next(failures, None) is None
    assert "Old" in {event.logical_id for event in listener.seen}


def test_a_phase_of_the_root_is_followed_in_all_its_nested_stacks() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock)
    ids = [DATABASE.replace("Database", f"Part{number}") for number in range(30)]
    cloud.show(stack(1, "UPDATE_IN_PROGRESS"), at=1)
    for number, nested_id in enumerate(ids):
        cloud.show(nested(2, f"Part{number}", "UPDATE_IN_PROGRESS", of=ROOT, id_=nested_id), at=2)
        cloud.show(stack(3, "UPDATE_IN_PROGRESS", of=nested_id), at=3)
        cloud.show(stack(9, "UPDATE_COMPLETE", of=nested_id), at=9)
        cloud.show(nested(12, f"Part{number}", "UPDATE_COMPLETE", of=ROOT, id_=nested_id), at=12)
        cloud.show(resource(110, "Old", "DELETE_COMPLETE", of=nested_id), at=110)
    cloud.show(stack(120, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), at=120)
    cloud.show(stack(600, "UPDATE_COMPLETE"), at=600)
    late: list[float] = []
    listener = Listener()
    listener.events = lambda events, operation: late.extend(  # type: ignore[method-assign]
        clock.elapsed for event in events if event.logical_id == "Old"
    )
    watcher = EventStream(cloud, Baseline(((REF, None),)))
    WatchLoop(watcher, clock, listener, done=lambda: watcher.at_rest, cancelled=lambda: False).run()
    assert len(late) == len(ids)
    assert max(late) < 200


def test_a_deleted_stack_that_still_answers_to_its_name_is_not_taken_for_one_that_follows_it() -> None:
    class Late(Cloud):
        def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
            return super().events(REF if stack.name == REF.short_name else stack, stop=stop)

    cloud = Late(VirtualClock())
    before = (stack(1, "CREATE_IN_PROGRESS"), stack(2, "CREATE_COMPLETE"))
    own = (stack(10, "DELETE_IN_PROGRESS"), stack(20, "DELETE_COMPLETE"))
    for event in before + own:
        cloud.show(event, at=event.timestamp - before[0].timestamp)
    watcher = EventStream(cloud, Baseline(((REF, before[1].event_id),)))
    cloud.clock.sleep(60)
    seen = [event for _ in range(3) for event in watcher.poll(cloud.clock.monotonic()).events]
    assert [event.event_id for event in seen] == [event.event_id for event in own]
    assert watcher.operation.roots[0].status == "DELETE_COMPLETE"
