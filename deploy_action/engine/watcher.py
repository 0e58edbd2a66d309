"""Streams the events of stacks: each once, in order a stack, nested stacks too, complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING

from deploy_action.core.events import Operation, StackEvent
from deploy_action.core.forecast import NoForecast
from deploy_action.core.pace import idle_pause_seconds, pause_seconds
from deploy_action.core.stacks import StackRef, Verdict, is_in_progress
from deploy_action.engine.baseline import after, before, change_mark, lived_since, never, operation_start
from deploy_action.engine.schedule import Schedule, Turn
from deploy_action.errors import CoordinatorError, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.core.forecast import Forecast
    from deploy_action.core.stacks import StackState
    from deploy_action.engine.baseline import Baseline, Stop
    from deploy_action.ports import StackSource


LISTING_SECONDS = 10.0
"""Between listings of all stacks, which globs cost."""
COARSE_SECONDS = 30.0
"""By so much a clock that is told with an answer may be ahead of the moment of the request."""
DEFECT_PAUSE_SECONDS = 2.0
RESCAN_STACKS_MAX = 20
"""Up to so many stacks are read whole at the end: an event may have become visible behind newer ones."""


@dataclass(slots=True)
class _Watched:
    ref: StackRef
    floor: Callable[[], Stop]
    """Makes a fresh test for the first event that is older than the deployment."""
    turn: Turn
    from_glob: bool = False
    seen: set[int] = field(default_factory=set)
    """Hashes of event ids, which need a third of the memory."""
    finished: bool = False
    owed: bool = False
    """A look that its root's new phase asks for has not succeeded yet."""
    unreadable: bool = False
    refused: bool = False
    """Reading is refused for good. Of a nested stack: it is not asked for again."""

    @property
    def root(self) -> bool:
        return self.turn.root


@dataclass(slots=True)
class _OwnOperation:
    """Of a root stack's events, those from the first with our token to the end of that operation.

    What somebody else does to the stack meanwhile (a deletion, a cancelled update) belongs to its story; what
    they begin after its end does not. Times are unix seconds of CloudFormation.
    """

    token: str
    began: float | None = None
    over: float | None = None

    def part_of(self, events: Iterable[StackEvent]) -> list[StackEvent]:
        taken = []
        for event in events:
            if event.token == self.token:
                self.began = min(self.began or event.timestamp, event.timestamp)
            if self.began is None or event.timestamp < self.began:
                continue
            if self.over is None or event.timestamp <= self.over:
                taken.append(event)
            if self.over is None and event.is_stack and not is_in_progress(event.status):
                self.over = event.timestamp
        return taken


@dataclass(frozen=True, slots=True)
class Poll:
    """One look: new events in order, and what could not be read."""

    events: tuple[StackEvent, ...]
    errors: tuple[StackSourceError, ...]


class Watcher:
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
        self._own = _OwnOperation(token) if token else None
        self._baseline = baseline
        self._globs = [(pattern, dict(seen)) for pattern, seen in baseline.glob_seen]
        self._deleted_known = False
        """The last listing of deleted stacks showed nothing new."""
        self._deleted_failed: StackSourceError | None = None
        self._watched: dict[str, _Watched] = {}
        globs = tuple(pattern for pattern, _ in baseline.glob_seen)
        self.operation = Operation((*asked, *(stack for stack, _ in baseline.newest), *globs))
        self.forecast: Forecast = forecast or NoForecast()
        self._schedule = schedule or Schedule()
        self._listing_due = 0.0
        self._listing_failed: StackSourceError | None = None
        self._offset: float | None = None
        for stack, newest in baseline.newest:
            floor = operation_start if baseline.attach else after(newest)
            self._watched[str(stack)] = _Watched(stack, floor, Turn(root=True))

    def poll(self, now: float, *, complete: bool = False, stop: Callable[[], bool] = lambda: False) -> Poll:
        """Read the stacks whose turn it is; with `complete`, everything that is not finished.

        `stop` is asked before each read: what is left then keeps its turn. Never raises StackSourceError: it
        is in the answer.
        """
        errors: list[StackSourceError] = []
        if self._globs and (complete or now >= self._listing_due) and not stop():
            self._discover(now, errors)
        if complete and not self._deleted_known and not stop():
            self._discover_deleted(now, errors)
        self._deleted_known = self._deleted_known and complete
        if complete:
            pending = [watched for _, watched in self._unfinished()]
            self._schedule.budget.spend(now, len(pending))
        else:
            self._schedule.budget.serve(len({watched.ref.region for _, watched in self._unfinished()}))
            turns = ((key, watched.turn) for key, watched in self._unfinished())
            pending = [self._watched[key] for key in self._schedule.due(turns, now)]
        whole = complete and len(self._watched) <= RESCAN_STACKS_MAX
        return self._look(pending, now, errors, whole=whole, stop=stop)

    def poll_roots(self, now: float) -> Poll:
        """Read what is new of the root stacks, whoever's turn it is."""
        pending = self._roots()
        self._schedule.budget.spend(now, len(pending))
        return self._look(pending, now, [], whole=False, stop=lambda: False, follow=False)

    def _look(
        self,
        pending: list[_Watched],
        now: float,
        errors: list[StackSourceError],
        *,
        whole: bool,
        stop: Callable[[], bool],
        follow: bool = True,
    ) -> Poll:
        events: list[StackEvent] = []
        asked: list[_Watched] = []
        while pending:
            # Events of a parent name nested stacks, which are read in the same look.
            batches: list[list[StackEvent]] = []
            for watched in pending:
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
            self._schedule.budget.spend(now, len(pending))
        if asked:
            self._retire(events, now)
            self._succeed_deleted(now)
        for watched in asked:
            if not watched.turn.failures:
                watched.turn.due = now + self._pause(watched, now)
        return Poll(tuple(events), tuple(errors))

    def next_look(self, now: float) -> float:
        """Seconds until the next `poll` has something to do."""
        wait = self._schedule.next_look((watched.turn for _, watched in self._unfinished()), now)
        return min(wait, max(0.0, self._listing_due - now)) if self._globs else wait

    def hurry(self, now: float) -> None:
        """Something is about to show: everybody's turn comes at once."""
        self._listing_due = now
        for _, watched in self._unfinished():
            watched.turn.due = min(watched.turn.due, now)
            watched.turn.heard = now

    def their_now(self, now: float) -> float | None:
        """CloudFormation's clock, unix seconds, never ahead of it; None before the first event.

        Clocks are not compared: an event that is read now has a time of theirs that is past.
        """
        return None if self._offset is None else now + self._offset

    def _learn_time(self, now: float, newest: float | None) -> None:
        """By the newest event; where it is old (a watch that begins midway), by what their answers say,
        which may run ahead of the look by as long as the answer took."""
        told = self._source.their_time()
        offsets = [offset for offset in (self._offset,) if offset is not None]
        if newest is not None:
            offsets.append(newest - now)
        if told is not None and offsets and told - now > max(offsets) + COARSE_SECONDS:
            offsets.append(told - now - COARSE_SECONDS / 2)
        self._offset = max(offsets, default=None)

    def _unfinished(self) -> Iterable[tuple[str, _Watched]]:
        return ((key, watched) for key, watched in self._watched.items() if not watched.finished)

    def _pause(self, watched: _Watched, now: float) -> float:
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
                now=theirs if theirs is not None else progress.phase_began,
                silent_seconds=silent,
            )
        except CoordinatorError:
            raise
        except Exception:  # noqa: BLE001 - a defect in what is expected costs some requests, not the watch
            return DEFECT_PAUSE_SECONDS

    @property
    def readable(self) -> bool:
        """Every root stack could be read at the last look, and globs listed at the last listing."""
        listed = self._listing_failed is None and self._deleted_failed is None
        return listed and not any(root.unreadable for root in self._roots())

    @property
    def refused(self) -> bool:
        """Nothing can be read any more, for good: credentials, permissions."""
        listing = self._listing_failed
        gone = not self._globs or (listing is not None and not listing.temporary)
        return gone and all(root.refused for root in self._roots())

    @property
    def working(self) -> bool:
        """A stack that can be read is in progress."""
        seen = (self.operation.stacks.get(root.ref.name) for root in self._roots() if not root.unreadable)
        return any(progress is not None and progress.in_progress for progress in seen)

    def _roots(self) -> list[_Watched]:
        return [watched for _, watched in self._unfinished() if watched.root]

    @property
    def began(self) -> bool:
        """An operation was seen; a stack under review has none."""
        return any(stack.verdict is not Verdict.NONE for stack in self.operation.roots)

    @property
    def at_rest(self) -> bool:
        """An operation was seen, and none is in progress."""
        return self.began and not any(stack.in_progress for stack in self.operation.roots)

    def _discover(self, now: float, errors: list[StackSourceError]) -> None:
        self._listing_failed = None
        self._listing_due = now + LISTING_SECONDS
        for pattern, seen in self._globs:
            try:
                states = self._source.matching(pattern)
            except StackSourceError as error:
                errors.append(error)
                self._listing_failed = error
                self._listing_due = now + 2 * LISTING_SECONDS
                continue
            self._schedule.budget.spend(now)
            for state in states:
                if seen.get(state.stack_id) != change_mark(state) or state.in_progress:
                    self._found(state, now, new=state.stack_id not in seen)
            missing = seen.keys() - {state.stack_id for state in states} - self._watched.keys()
            for stack_id in sorted(missing):
                self._look_for(StackRef(pattern.region, stack_id), seen[stack_id], now, errors)

    def _look_for(self, stack: StackRef, mark: float, now: float, errors: list[StackSourceError]) -> None:
        """A listing leaves out what is deleted, and may leave out what it does not show yet."""
        self._schedule.budget.spend(now)
        try:
            state = self._source.describe(stack)
        except StackSourceError as error:
            errors.append(error)
            self._listing_failed = error
            return
        if state is not None and (state.status.startswith("DELETE_") or change_mark(state) != mark):
            self._found(state, now, new=False)

    def _discover_deleted(self, now: float, errors: list[StackSourceError]) -> None:
        """What was created and deleted again between two looks: no listing of living stacks shows it."""
        if self._own is not None or self._baseline.attach:
            return
        names = [root.ref for root in self._roots() if not root.ref.name.startswith("arn:")]
        self._deleted_failed, before = None, len(self._watched)
        for pattern in [*(pattern for pattern, _ in self._globs), *names]:
            self._schedule.budget.spend(now)
            try:
                deleted = self._source.deleted(pattern)
            except StackSourceError as error:
                errors.append(error)
                self._deleted_failed = error
                return
            for state in deleted:
                if lived_since(self._baseline, state):
                    self._found(state, now, new=True)
        self._deleted_known = len(self._watched) == before

    def _found(self, state: StackState, now: float, *, new: bool) -> None:
        """`new`: all of its events belong to the deployment."""
        ref = StackRef(state.ref.region, state.stack_id)
        if all(watched.ref != ref for watched in self._watched.values()):
            floor = never if new else operation_start
            self._watched[state.stack_id] = _Watched(ref, floor, Turn(root=True, due=now), from_glob=True)

    def _read(
        self, watched: _Watched, now: float, errors: list[StackSourceError], *, whole: bool
    ) -> list[StackEvent]:
        floor = watched.floor()

        def stop(event: StackEvent) -> bool:
            return floor(event) or (not whole and hash(event.event_id) in watched.seen)

        try:
            read = self._source.events(watched.ref, stop=stop)
        except StackSourceError as error:
            errors.append(error)
            watched.unreadable, watched.refused = True, not error.temporary
            self._schedule.failed(watched.turn, now, throttled=error.throttled)
            return []
        watched.unreadable = watched.refused = watched.owed = False
        found: list[StackEvent] = []
        for event in read:
            # Paging while events arrive may show one twice.
            if hash(event.event_id) not in watched.seen:
                watched.seen.add(hash(event.event_id))
                found.append(event)
        self._schedule.answered(watched.turn, now, events=bool(found))
        self._learn_time(now, found[-1].timestamp if found else None)
        if found:
            watched.ref = StackRef(watched.ref.region, found[-1].stack_id)
        if watched.root and self._own is not None:
            return self._own.part_of(found)
        return found

    def _follow(self, event: StackEvent, now: float) -> None:
        nested = event.nested_stack_id
        if nested is None or nested in self._watched or not event.status.endswith("_IN_PROGRESS"):
            return
        started = event.timestamp
        for activity in reversed(self.operation.stacks[event.stack_id].activities):
            if activity.logical_id == event.logical_id:
                started = activity.started
                break
        floor = never if event.action == "CREATE" else before(started)
        self._watched[nested] = _Watched(StackRef(event.region, nested), floor, Turn(root=False, due=now))

    def _succeed_deleted(self, now: float) -> None:
        """A deleted stack is done with; one of the same name may follow it."""
        for watched in list(self._watched.values()):
            progress = self.operation.stacks.get(watched.ref.name)
            deleted = progress is not None and progress.status == "DELETE_COMPLETE"
            if watched.root and deleted and not watched.finished:
                watched.finished = True
                if watched.from_glob:
                    continue
                successor = StackRef(watched.ref.region, watched.ref.short_name)
                turn = Turn(root=True, due=now)
                self._watched[f"after {watched.ref.name}"] = _Watched(successor, never, turn)

    def _retire(self, events: list[StackEvent], now: float) -> None:
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
