"""Streams the events of stacks: each once, in order a stack, nested stacks too, complete."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import StackRef, Verdict, is_in_progress
from deploy_action.common.instants import CloudFormationTime
from deploy_action.errors import CoordinatorError, StackSourceError
from deploy_action.estimation.forecast import NoForecast
from deploy_action.monitoring.baseline import OwnOperation, after, before, never, operation_start
from deploy_action.monitoring.doorbell_watch import DoorbellWatch
from deploy_action.monitoring.poll_interval import idle_pause_seconds, pause_seconds
from deploy_action.monitoring.poll_scheduler import PollSlot, Schedule
from deploy_action.monitoring.stack_listing import StackListing
from deploy_action.monitoring.watched_stack import Poll, WatchedStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.common.instants import MonotonicTime
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.monitoring.baseline import Baseline
    from deploy_action.monitoring.stack_listing import Listed


COARSE_SECONDS = 30.0
"""By so much a clock that is told with an answer may be ahead of the moment of the request."""
DEFECT_PAUSE_SECONDS = 2.0
RESCAN_STACKS_MAX = 20
"""Up to so many stacks are read whole at the end: an event may have become visible behind newer ones."""
SPACED_SECONDS, SPACED_AFTER = 0.2, 5
"""Between the requests of a look at everything, and how many of them may come at once."""
ENDED_HEAD_START_SECONDS = 3600.0
"""By which a stack that a list shows to have ended is read before all others."""


class EventStream:
    """Call `poll` until `at_rest`; `operation` is the fold of all that was seen.

    `asked`: all stacks that were asked for, where `baseline` names fewer. With `token`, only the operation
    that carries it counts. A failing read of one stack does not keep the
    others from being read; a nested stack that may not be read is told once and left out. All `now` are
    seconds of this machine's monotonic clock.
    """

    def __init__(
        self,
        source: StackSource,
        baseline: Baseline,
        *,
        token: str = "",
        forecast: Forecast | None = None,
        schedule: Schedule | None = None,
        asked: Iterable[StackRef] = (),
    ) -> None:
        self._source = source
        self._own = OwnOperation(token) if token else None
        self._baseline = baseline
        self._listing = StackListing(source, baseline)
        self._whole_known = self._deleted_known = False
        """The last list of all stacks, of deleted ones, showed nothing new."""
        self._watched: dict[str, WatchedStack] = {}
        globs = tuple(pattern for pattern, _ in baseline.glob_seen)
        self.operation = Operation((*asked, *(stack for stack, _ in baseline.newest), *globs))
        self.forecast: Forecast = forecast or NoForecast()
        self._schedule = schedule or Schedule()
        self.bell = DoorbellWatch()
        self._offset: float | None = None
        for stack, newest in baseline.newest:
            floor = operation_start if baseline.attach else after(newest)
            self._watched[str(stack)] = WatchedStack(stack, floor, PollSlot(root=True))

    def poll(
        self,
        now: MonotonicTime,
        *,
        complete: bool = False,
        stop: Callable[[], bool] = lambda: False,
        pause: Callable[[float], object] = lambda _seconds: None,
    ) -> Poll:
        """Read the stacks whose turn it is; with `complete`, everything that is not finished.

        `stop` is asked before each read: what is left then keeps its turn. `pause` waits so many seconds
        between the requests of a `complete` look. Never raises StackSourceError: it is in the answer.
        """
        errors: list[StackSourceError] = []
        self._schedule.charge(self._source.traffic(), now)
        self.bell.hear(self._watched, self.operation, now)
        at_rest: set[str] = set()
        if complete:
            at_rest = self._list_all(now, errors, stop=stop, pause=pause)
        else:
            self._whole_known = self._deleted_known = False
            if self._listing.due(now) and not stop():
                self._note(self._listing.in_progress(now, errors), now)
        unfinished = list(self._unfinished())
        if complete:
            many = len(self._watched) > RESCAN_STACKS_MAX
            pending = [watched for key, watched in unfinished if not (many and key in at_rest)]
        else:
            self._schedule.budget.serve(len({one.ref.region for _, one in unfinished}), len(unfinished))
            due = self._schedule.due(((key, watched.turn) for key, watched in unfinished), now)
            pending = [self._watched[key] for key in due]
        whole = complete and len(self._watched) <= RESCAN_STACKS_MAX
        poll = self._look(pending, now, errors, whole=whole, stop=stop, pause=pause)
        self._schedule.charge(self._source.traffic(), now)
        return poll

    def _list_all(
        self,
        now: MonotonicTime,
        errors: list[StackSourceError],
        *,
        stop: Callable[[], bool],
        pause: Callable[[float], object],
    ) -> set[str]:
        """All that lists tell at the end; the keys of stacks that a list shows as they are known, at rest."""
        before, statuses = len(self._watched), None

        def spaced() -> None:
            pause(SPACED_SECONDS)

        if self._listing and not stop():
            if self._whole_known:
                listed = self._listing.in_progress(now, errors)
            else:
                listed = self._listing.whole(now, self._watched, errors, spaced)
                statuses = listed.statuses
            self._note(listed, now)
            self._whole_known = len(self._watched) == before and self._listing.failed is None
        asks_for_deleted = self._own is None and not self._baseline.attach
        if asks_for_deleted and not self._deleted_known and not stop():
            for state in self._listing.deleted((root.ref for root in self._roots()), errors, spaced):
                self._found(state, now, new=True)
            self._deleted_known = len(self._watched) == before and self._listing.deleted_known
        stacks = self.operation.stacks
        return {
            key
            for key, status in (statuses or {}).items()
            if key in stacks and stacks[key].status == status and stacks[key].verdict is Verdict.SUCCEEDED
        }

    def _note(self, listed: Listed, now: MonotonicTime) -> None:
        """Watch what a list shows to be the deployment's, and read first what it shows to have ended."""
        for state, new in listed.found:
            self._found(state, now, new=new)
        for key, watched in self._unfinished():
            progress = self.operation.stacks.get(key)
            if listed.statuses is None or not watched.from_glob or progress is None:
                continue
            if progress.in_progress and not is_in_progress(listed.statuses.get(key, "")):
                watched.turn.due = min(watched.turn.due, now - ENDED_HEAD_START_SECONDS)

    def poll_roots(self, now: MonotonicTime) -> Poll:
        """Read what is new of the root stacks, whoever's turn it is."""
        return self._look(self._roots(), now, [], whole=False, stop=lambda: False, follow=False)

    def _look(
        self,
        pending: list[WatchedStack],
        now: MonotonicTime,
        errors: list[StackSourceError],
        *,
        whole: bool,
        stop: Callable[[], bool],
        pause: Callable[[float], object] = lambda _seconds: None,
        follow: bool = True,
    ) -> Poll:
        events: list[StackEvent] = []
        asked: list[WatchedStack] = []
        while pending:
            # Events of a parent name nested stacks, which are read in the same look.
            batches: list[list[StackEvent]] = []
            for watched in pending:
                if len(asked) >= SPACED_AFTER:
                    pause(SPACED_SECONDS)
                if stop():
                    break
                batches.append(self._read(watched, now, errors, whole=whole))
                asked.append(watched)
            known = set(self._watched)
            # merge keeps CloudFormation's order within each stack, whatever the timestamps say.
            for event in merge(*batches, key=lambda event: event.timestamp):
                self.operation.apply(event)
                self._follow(event, now)
                events.append(event)
            pending = [self._watched[key] for key in self._watched if key not in known] if follow else []
        if asked:
            self._retire(events, now)
            self._succeed_deleted(now)
        for watched in asked:
            if not watched.turn.failures:
                usual = self._pause(watched, now)
                watched.turn.due = now + self.bell.pause_seconds(watched, usual, self.operation, now)
        return Poll(tuple(events), tuple(errors))

    def next_look(self, now: MonotonicTime) -> float:
        """Seconds until the next `poll` has something to do."""
        wait = self._schedule.next_look((watched.turn for _, watched in self._unfinished()), now)
        return min(wait, self._listing.wait_seconds(now)) if self._listing else wait

    def hurry(self, now: MonotonicTime) -> None:
        """Something is about to show: everybody's turn comes at once. Of the stacks of a glob, a list says
        which have ended."""
        self._listing.hurry(now)
        self._schedule.budget.hurry(now)
        for _, watched in self._unfinished():
            watched.turn.heard = now
            if not watched.from_glob:
                watched.turn.due = min(watched.turn.due, now)

    def their_now(self, now: MonotonicTime) -> CloudFormationTime | None:
        """CloudFormation's clock, unix seconds, never ahead of it; None before the first event.

        Clocks are not compared: an event that is read now has a time of theirs that is past.
        """
        return None if self._offset is None else CloudFormationTime(now + self._offset)

    def _learn_time(self, now: MonotonicTime, newest: float | None) -> None:
        """By the newest event; where it is old (a watch that begins midway), by what their answers say,
        which may run ahead of the look by as long as the answer took."""
        told = self._source.their_time()
        offsets = [offset for offset in (self._offset,) if offset is not None]
        if newest is not None:
            offsets.append(newest - now)
        if told is not None and offsets and told - now > max(offsets) + COARSE_SECONDS:
            offsets.append(told - now - COARSE_SECONDS / 2)
        self._offset = max(offsets, default=None)

    def _unfinished(self) -> Iterable[tuple[str, WatchedStack]]:
        return ((key, watched) for key, watched in self._watched.items() if not watched.finished)

    def _pause(self, watched: WatchedStack, now: MonotonicTime) -> float:
        progress = self.operation.stacks.get(watched.ref.name)
        silent = watched.turn.silent_seconds(now)
        if progress is None or not progress.in_progress:
            return idle_pause_seconds(silent, root=watched.root)
        theirs = self.their_now(now)
        try:
            return pause_seconds(
                progress,
                self.operation,
                self.forecast,
                now=theirs if theirs is not None else CloudFormationTime(progress.phase_began),
                silent_seconds=silent,
            )
        except CoordinatorError:
            raise
        except Exception:  # noqa: BLE001 - a defect in what is expected costs some requests, not the watch
            return DEFECT_PAUSE_SECONDS

    @property
    def readable(self) -> bool:
        """Every root stack could be read at the last look, and globs listed at the last listing."""
        return self._listing.readable and not any(root.unreadable for root in self._roots())

    @property
    def refused(self) -> bool:
        """Nothing can be read any more, for good: credentials, permissions."""
        listing = self._listing.failed
        gone = not self._listing or (listing is not None and not listing.temporary)
        return gone and all(root.refused for root in self._roots())

    @property
    def working(self) -> bool:
        """A stack that can be read is in progress."""
        seen = (self.operation.stacks.get(root.ref.name) for root in self._roots() if not root.unreadable)
        return any(progress is not None and progress.in_progress for progress in seen)

    def _roots(self) -> list[WatchedStack]:
        return [watched for _, watched in self._unfinished() if watched.root]

    @property
    def began(self) -> bool:
        """An operation was seen; a stack under review has none."""
        return any(stack.verdict is not Verdict.NONE for stack in self.operation.roots)

    @property
    def at_rest(self) -> bool:
        """An operation was seen, and none is in progress."""
        return self.began and not any(stack.in_progress for stack in self.operation.roots)

    def _found(self, state: StackState, now: MonotonicTime, *, new: bool) -> None:
        """`new`: all of its events belong to the deployment."""
        ref = StackRef(state.ref.region, state.stack_id)
        if all(watched.ref != ref for watched in self._watched.values()):
            floor = never if new else operation_start
            self._watched[state.stack_id] = WatchedStack(
                ref, floor, PollSlot(root=True, due=now), from_glob=True
            )

    def _read(
        self, watched: WatchedStack, now: MonotonicTime, errors: list[StackSourceError], *, whole: bool
    ) -> list[StackEvent]:
        floor = watched.floor()

        def stop(event: StackEvent) -> bool:
            return floor(event) or (not whole and hash(event.event_id) in watched.seen)

        try:
            read = self._source.events(watched.ref, stop=stop)
        except StackSourceError as error:
            errors.append(error)
            watched.unreadable, watched.refused = True, not error.temporary
            self._schedule.failed(watched.turn, now)
            return []
        watched.unreadable = watched.refused = watched.owed = False
        found: list[StackEvent] = []
        for event in read:
            # Paging while events arrive may show one twice.
            if hash(event.event_id) not in watched.seen and event.stack_id != watched.after:
                watched.seen.add(hash(event.event_id))
                found.append(event)
        if found and watched.turn.heard is not None:
            self.bell.saw(StackRef(watched.ref.region, found[-1].stack_id), now)
        self._schedule.answered(watched.turn, now, events=bool(found))
        self._learn_time(now, found[-1].timestamp if found else None)
        if found:
            watched.ref = StackRef(watched.ref.region, found[-1].stack_id)
        if watched.root and self._own is not None:
            return self._own.part_of(found)
        return found

    def _follow(self, event: StackEvent, now: MonotonicTime) -> None:
        nested = event.nested_stack_id
        if nested is None or nested in self._watched or not event.status.endswith("_IN_PROGRESS"):
            return
        started = event.timestamp
        for activity in reversed(self.operation.stacks[event.stack_id].activities):
            if activity.logical_id == event.logical_id:
                started = activity.started
                break
        floor = never if event.action == "CREATE" else before(started)
        self._watched[nested] = WatchedStack(
            StackRef(event.region, nested), floor, PollSlot(root=False, due=now)
        )

    def _succeed_deleted(self, now: MonotonicTime) -> None:
        """A deleted stack is done with; one of the same name may follow it."""
        for watched in list(self._watched.values()):
            progress = self.operation.stacks.get(watched.ref.name)
            if progress is None or progress.status != "DELETE_COMPLETE":
                continue
            if watched.root and not watched.finished:
                watched.finished = True
                if watched.from_glob:
                    continue
                successor = StackRef(watched.ref.region, watched.ref.short_name)
                turn = PollSlot(root=True, due=now)
                self._watched[f"after {watched.ref.name}"] = WatchedStack(
                    successor, never, turn, after=progress.stack_id
                )

    def _retire(self, events: list[StackEvent], now: MonotonicTime) -> None:
        """Nested stacks at rest are not read again, until they are worked on again, or their root enters a
        new phase or ends: what they did last may become visible only then."""
        roots = {root.stack_id for root in self.operation.roots}
        new_phase = any(event.is_stack and event.stack_id in roots for event in events)
        for key, watched in self._watched.items():
            if not watched.root:
                watched.owed = watched.owed or new_phase
                wanted = watched.owed or self.operation.is_working_on(key)
                if watched.finished and wanted:
                    watched.turn.due = now
                watched.finished = watched.refused or not wanted
