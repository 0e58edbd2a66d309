"""Way 2: the user's own command, run by the launcher on the host, while the stacks are watched."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome, outcome_of
from deploy_action.cloudformation.retry import PATIENCE_SECONDS
from deploy_action.cloudformation.stacks import Verdict
from deploy_action.deploy.command_failure import failed_command
from deploy_action.deploy.deployment_result import CLEANUP_SUFFIX
from deploy_action.deploy.expected_changes import ExpectedChanges, places_of
from deploy_action.deploy.patience import patiently
from deploy_action.deploy.stack_sets import StackSetsOfJob
from deploy_action.deploy.unmatched_stacks import tell_unmatched
from deploy_action.errors import Cancelled, StackSourceError, TimedOut, VerdictUnknown
from deploy_action.estimation.planned_changes import plan_of
from deploy_action.job.job_log import optional
from deploy_action.job.state import EXIT_CODE_LOST
from deploy_action.locking.stack_activity import in_progress
from deploy_action.monitoring.baseline import Baseline, take_baseline
from deploy_action.monitoring.event_stream import SPACED_SECONDS, EventStream
from deploy_action.monitoring.final_status import outputs_of
from deploy_action.monitoring.stack_sets import PREFIX
from deploy_action.monitoring.status_comparison import ends_since, marks_of
from deploy_action.monitoring.status_polling import POLL_SECONDS as STATUS_POLL_SECONDS
from deploy_action.monitoring.watch_loop import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.common.instants import MonotonicTime
    from deploy_action.deploy.deployment import Deployment
    from deploy_action.deploy.expected_changes import Places
    from deploy_action.estimation.planned_changes import PlannedChanges

GRACE_SECONDS = 5.0
"""The runner leaves 10 s after a cancellation: so long the command's own end is waited for."""
SETTLE_SECONDS = 3.0
"""How long after a command's end an operation that it began may take to become visible."""
LATE_READ_SECONDS = 15.0
"""For so long a stack that looks as it did before may have changed: `DescribeStacks` can be late."""
UNREADABLE_SECONDS = 20.0
"""How long events are asked for again while there is no answer, once the command has ended; then the status
of the stacks decides."""
REFUSED_SECONDS = 10.0
"""The same where they are refused for good."""


def deploy(deployment: Deployment) -> int:
    """The command's exit code, unless a stack failed."""
    stack_sets = StackSetsOfJob(deployment)
    baseline = _begin(deployment, stack_sets)
    watcher = EventStream(deployment.looks, baseline, asked=deployment.settings.stacks)
    deployment.estimate.expect(*_plans(deployment, baseline))
    # Not to see the stacks is no reason to end a command: it goes on, watched or not.
    deployment.reporter.command_works = lambda: deployment.job.folder.command_exit_code() is None
    expected = ExpectedChanges(deployment.settings.places, deployment.settings.expect_changes_seconds)
    done = _Done(deployment, watcher, baseline, expected, stack_sets)
    if deployment.unwatched:
        end = deployment.watch.by_status(done.by_status, gives_up=False)
        poll = optional(
            deployment.reporter, "The look at the events", lambda: deployment.watch.read_all(watcher)
        )
        deployment.state.partly_unwatched |= poll is None
    else:
        end = deployment.watch.run(
            watcher,
            done,
            gives_up=False,
            hurry=lambda: deployment.job.folder.command_exit_code() is not None,
        )
    code = _exit_code(deployment)
    lost = code == EXIT_CODE_LOST
    deployment.report = replace(deployment.report, command_exit_code=None if lost else code)
    outcome = deployment.result.read(watcher, ours_only=False)
    if code is None:
        _cut_off(deployment, end)
    outcome, unseen = _read_by_status(deployment, watcher, baseline, outcome)
    outcome = stack_sets.judge(outcome)
    if end in {End.CANCELLED, End.TIMED_OUT}:
        deployment.result.judge(end, outcome)
        outcome = deployment.state.report.outcome
    if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
        deployment.result.fail(despite="" if code else ", although the command reported success")
    if lost:
        raise _gone(deployment)
    unclear = unseen or stack_sets.unclear or (watcher.began and outcome is Outcome.UNKNOWN)
    if code:
        deployment.report = replace(deployment.report, outcome=Outcome.FAILED)
        raise failed_command(deployment, code, seen=not unclear, since=baseline.taken_at)
    _tell_end(deployment, expected, unclear=unclear)
    if not deployment.closing.over():
        optional(
            deployment.reporter,
            "The look for stacks that are not there",
            lambda: tell_unmatched(deployment, watcher.operation, baseline.taken_at),
        )
    return 0


def _tell_end(deployment: Deployment, expected: ExpectedChanges, *, unclear: bool) -> None:
    """Of a command that ended well. Raises VerdictUnknown where nothing began that was expected to."""
    if not unclear:
        _check_expected(deployment, expected)
    if unclear:
        deployment.report = replace(deployment.report, outcome=Outcome.UNKNOWN)
        deployment.reporter.note(
            "The command ended well, but what it did to the stacks could not be seen in full: the outcome is "
            "`unknown`, and the exit code is the command's."
        )
    elif not (deployment.state.report.stacks or deployment.state.report.stack_sets):
        deployment.result.left_as_it_was()
        deployment.reporter.line("The command ended well; no watched stack changed.")


def _check_expected(deployment: Deployment, expected: ExpectedChanges) -> None:
    report = deployment.state.report
    changed = {(line.region, line.name) for line in report.stacks}
    changed |= {(line.region, f"{PREFIX}{line.name}") for line in report.stack_sets}
    try:
        expected.check(changed, note=deployment.reporter.note)
    except VerdictUnknown:
        deployment.report = replace(deployment.report, outcome=Outcome.UNKNOWN)
        raise


def _gone(deployment: Deployment) -> VerdictUnknown:
    deployment.report = replace(deployment.report, outcome=Outcome.UNKNOWN)
    return VerdictUnknown(
        "The command is gone and left no exit code: the process that waited for it was killed.",
        why="It may have succeeded or failed; unknown is not success.",
        remedy="Look at the stacks in the console before you deploy again. What kills processes is often "
        "a lack of memory on the runner.",
    )


def _read_by_status(
    deployment: Deployment, watcher: EventStream, baseline: Baseline, outcome: Outcome
) -> tuple[Outcome, bool]:
    """Read how it ended into the report where events tell it in part only; the outcome, and whether a part of
    it still is not known. `outcome`: by events."""
    if watcher.readable and not deployment.state.partly_unwatched:
        return outcome, False
    report, closing = deployment.state.report, deployment.closing
    began = deployment.job.clock.monotonic()
    while True:
        ends = ends_since(deployment.cloudformation, deployment.settings.stacks, baseline, stop=closing.over)
        waited = deployment.job.clock.monotonic() - began
        running = any(line.verdict is Verdict.RUNNING for line in ends.lines)
        settled = waited >= LATE_READ_SECONDS or (ends.complete and not ends.still)
        if (settled and not running) or not closing.pause(LATE_READ_SECONDS / 3):
            break
    by_status = {(line.region, line.name): line for line in ends.lines}
    # Events tell what an operation was begun as; where both tell the same end, they tell it better.
    told = {(line.region, line.name): line for line in report.stacks}
    same = {key: line for key, line in told.items() if by_status.get(key, line).status == line.status}
    lines = tuple((by_status | same).values())
    # Clean-up follows an end that is certain.
    ended = (replace(line, status=line.status.removesuffix(CLEANUP_SUFFIX)) for line in lines)
    outcome = outcome_of(tuple(ended))
    known = ends.complete and settled and (outcome is not Outcome.UNKNOWN or not lines)
    if not known and outcome.good:
        outcome = Outcome.UNKNOWN
    outputs = dict(report.outputs)
    for state in ends.states:
        outputs |= outputs_of(state, watcher.operation)
    deployment.report = replace(deployment.report, outcome=outcome, stacks=lines, outputs=outputs)
    if known and lines:
        deployment.reporter.note(
            "The events of the stacks could not be read in full; their status shows how they ended."
        )
    return outcome, not known


def _cut_off(deployment: Deployment, end: End) -> None:
    """The command still runs, and ends with this step: whatever the stacks say, it was not done."""
    deployment.report = replace(deployment.report, outcome=Outcome.UNKNOWN)
    if end is End.CANCELLED:
        raise Cancelled(
            "The job was cancelled while the command ran.",
            why="CloudFormation continues the operation by itself.",
            remedy="Look at the stacks in the console before you deploy again.",
        )
    raise TimedOut(
        "The command did not end within `timeout-in-minutes`, so it was ended.",
        why="CloudFormation continues the operation by itself.",
        remedy="Look at the stacks in the console, and raise `timeout-in-minutes` if the time was too short.",
    )


class _Done:
    """Whether both the command and all that it began have ended, as far as that can be seen."""

    def __init__(
        self,
        deployment: Deployment,
        watcher: EventStream,
        baseline: Baseline,
        expected: ExpectedChanges,
        stack_sets: StackSetsOfJob,
    ) -> None:
        self._stack_sets = stack_sets
        self._looked = False
        self._baseline = baseline
        self._expected = expected
        self._teller = deployment.reporter
        self._folder = deployment.job.folder
        self._clock = deployment.job.clock
        self._source = deployment.looks
        self._stacks = deployment.settings.stacks
        self._watcher = watcher
        self._closing = deployment.closing
        self._ended: float | None = None
        self._answered = self._clock.monotonic()
        self._unreadable: float | None = None

    def __call__(self) -> bool:
        self._stack_sets.look()
        now = self._clock.monotonic()
        if self._watcher.readable:
            self._answered = now
            if self._unreadable is not None:
                self._closing.again()
            self._unreadable = None
        elif self._unreadable is None:
            self._unreadable = now
        if self._folder.command_exit_code() is None:
            return False
        self._ended = now if self._ended is None else self._ended
        if self._unreadable is not None:
            self._closing.begin(answered_at=self._answered)
        if self._watcher.working or now - self._ended < SETTLE_SECONDS:
            return False
        if self._unreadable is not None:
            return self._ended_unseen(now - self._unreadable)
        return (
            not self._anything_in_progress()
            and not self._sets_at_work()
            and not self._to_come(now, lambda: places_of(self._watcher.operation))
        )

    def _ended_unseen(self, unreadable_seconds: float) -> bool:
        """The same by status where the events are not read; where nothing is, the budget ends it."""
        if self._closing.over():
            return True
        if unreadable_seconds < (REFUSED_SECONDS if self._watcher.refused else UNREADABLE_SECONDS):
            return False
        try:
            busy = in_progress(self._source, self._stacks)
        except StackSourceError as error:
            return not error.temporary or self._closing.over()
        if busy:
            self._answered = self._clock.monotonic()
            self._closing.again()
        return not busy

    def _sets_at_work(self) -> bool:
        """The command has ended, so an operation that it began is there by now."""
        if not self._looked:
            self._looked = True
            self._stack_sets.look(at_once=True)
        return self._stack_sets.working

    def _to_come(self, now: MonotonicTime, changed: Callable[[], Places]) -> bool:
        """Of a command that failed nothing more is expected."""
        if not self._expected or self._folder.command_exit_code() != 0:
            return False
        return self._expected.still_to_come(
            {*changed(), *self._stack_sets.places}, now, tell=self._teller.line
        )

    def by_status(self) -> bool:
        """The same without events."""
        self._stack_sets.look()
        now = self._clock.monotonic()
        if self._folder.command_exit_code() is None:
            return False
        self._ended = now if self._ended is None else self._ended
        if now - self._ended < SETTLE_SECONDS:
            return False
        try:
            busy = in_progress(self._source, self._stacks)
        except StackSourceError as error:
            self._unreadable = now if self._unreadable is None else self._unreadable
            self._closing.begin(answered_at=self._answered)
            if error.temporary:
                return self._closing.left_seconds() < STATUS_POLL_SECONDS
            return now - self._unreadable >= REFUSED_SECONDS
        self._closing.again()
        self._answered, self._unreadable = now, None
        return not busy and not self._sets_at_work() and not self._to_come(now, self._changed_by_status)

    def _changed_by_status(self) -> Places:
        ends = ends_since(self._source, self._stacks, self._baseline)
        return {(line.region, line.name) for line in ends.lines}

    def _anything_in_progress(self) -> bool:
        """Status and events may show different moments: an operation can be in one before the other."""
        try:
            return bool(in_progress(self._source, self._stacks))
        except StackSourceError:
            return False


def _plans(deployment: Deployment, baseline: Baseline) -> tuple[PlannedChanges, ...]:
    """The changes of a command are not known; a stack that exists is updated, or deleted by a teardown."""
    existing = "delete" if deployment.state.report.tears_down else "update"
    by_name = {str(stack): deployment.templates.before(stack) for stack in deployment.settings.stacks}
    return tuple(
        plan_of(
            None,
            stack=str(stack),
            kind="create" if newest is None else existing,
            template=by_name.get(str(stack)),
        )
        for stack, newest in baseline.newest
    )


def _begin(deployment: Deployment, stack_sets: StackSetsOfJob) -> Baseline:
    """Let the command go; after a restart of the watch, go on where it was."""
    state, folder, reporter = deployment.state, deployment.job.folder, deployment.reporter
    if folder.command_was_let_go:
        stack_sets.resume()
    if state.baseline is not None and folder.command_was_let_go:
        return state.baseline
    if folder.command_was_let_go:
        reporter.note(
            "Monitoring was restarted, and where it began was not kept: the stacks are not watched."
        )
        state.partly_unwatched = True
        return Baseline()
    # In this order: the fence may wait for others, and what they do meanwhile is not the command's.
    deployment.lock.fence()
    state.baseline = _baseline(deployment)
    stack_sets.begin()
    deployment.checkpoint()
    ticket = state.ticket
    if ticket is not None and ticket.holding:
        hold = {"DEPLOY_COORDINATOR_EPOCH": str(ticket.epoch), "DEPLOY_COORDINATOR_TICKET": ticket.nonce}
        optional(reporter, "Telling the command its epoch", lambda: folder.give_command(hold))
    folder.let_command_go()
    return state.baseline


def _baseline(deployment: Deployment) -> Baseline:
    """Stack by stack: one that may not be read does not leave the others unwatched. What AWS does not answer
    is asked again for PATIENCE_SECONDS in all."""
    parts: list[Baseline] = []
    marks: list[tuple[StackRef, tuple[tuple[str, float], ...]]] = []
    clock = deployment.job.clock
    deadline = clock.monotonic() + PATIENCE_SECONDS
    for stack in deployment.settings.stacks:
        if not stack.is_glob:
            with suppress(StackSourceError):
                marks.append((stack, marks_of(deployment.cloudformation, stack)))
        try:
            parts.append(_baseline_of(deployment, stack, max(0.0, deadline - clock.monotonic())))
        except StackSourceError as error:
            deployment.state.partly_unwatched = True
            deployment.reporter.note(f"{stack} cannot be watched while the command runs: {error}")
    taken = max((part.taken_at for part in parts if part.taken_at is not None), default=None)
    return Baseline(
        tuple(entry for part in parts for entry in part.newest),
        tuple(entry for part in parts for entry in part.glob_seen),
        taken if taken is not None else deployment.cloudformation.their_time(),
        tuple(marks),
    )


def _baseline_of(deployment: Deployment, stack: StackRef, seconds: float) -> Baseline:
    return patiently(
        deployment,
        lambda: take_baseline(
            deployment.cloudformation, (stack,), between=lambda: deployment.job.clock.sleep(SPACED_SECONDS)
        ),
        seconds=seconds,
    )


def _exit_code(deployment: Deployment) -> int | None:
    """None only where the command did not end in time after a cancellation."""
    folder, clock = deployment.job.folder, deployment.job.clock
    deadline = clock.monotonic() + GRACE_SECONDS
    while (code := folder.command_exit_code()) is None and clock.monotonic() < deadline:
        clock.sleep(0.2)
    return code
