"""Way 3: watch what is in progress, whoever began it. Nothing is locked and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.common.times import duration
from deploy_action.deploy.expected_changes import nothing_began
from deploy_action.deploy.stack_sets import StackSetsOfJob
from deploy_action.deploy.unmatched_stacks import tell_unmatched
from deploy_action.errors import StackSourceError, VerdictUnknown
from deploy_action.job.job_log import optional
from deploy_action.locking.stack_activity import in_progress
from deploy_action.monitoring.baseline import Baseline, attach_to, operation_start, take_baseline
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.watch_loop import End

if TYPE_CHECKING:
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.deploy.deployment import Deployment


def deploy(deployment: Deployment) -> int:
    state = deployment.state
    expected = deployment.settings.expect_changes_seconds
    stack_sets = StackSetsOfJob(deployment)
    if state.baseline is None:
        stack_sets.begin(ended_only=True)
        stack_sets.look(at_once=True)
        state.baseline = _attach(deployment)
    else:
        stack_sets.resume()
    if state.baseline is None and stack_sets.working:
        state.baseline = Baseline(attach=True)
        deployment.checkpoint()
    if state.baseline is None and expected is not None:
        state.baseline = _wait_for(deployment, expected)
    if state.baseline is None:
        if stack_sets.unclear:
            raise VerdictUnknown(
                "Could not read the stack sets, so what is in progress on them is unknown.",
                why="Unknown is not success.",
                remedy="See the warning above for what keeps them from being read.",
            )
        deployment.result.left_as_it_was()
        deployment.reporter.line("Nothing is in progress, so there is nothing to watch.")
        optional(
            deployment.reporter,
            "The look for stacks that are not there",
            lambda: tell_unmatched(deployment, Operation()),
        )
        return 0
    source, refs = deployment.cloudformation, tuple(ref for ref, _ in state.baseline.newest)
    watcher = EventStream(deployment.looks, state.baseline, asked=deployment.settings.stacks)
    deployment.estimate.expect()
    if deployment.unwatched:
        end = deployment.watch.by_status(
            lambda: not (stack_sets.still_working() or in_progress(source, refs))
        )
        optional(deployment.reporter, "The look at the events", lambda: deployment.watch.read_all(watcher))
    else:
        end = deployment.watch.run(
            watcher,
            lambda: not stack_sets.still_working() and (watcher.at_rest or _only_sets(watcher, stack_sets)),
            first_event_seconds=None if state.baseline.attach or stack_sets.places else expected,
        )
    if end is End.NEVER_BEGAN and expected is not None:
        raise nothing_began(deployment.settings.places, expected)
    if deployment.restarts and state.baseline.attach:
        _only_what_was_found(deployment, refs)
    deployment.result.judge(end, stack_sets.judge(deployment.result.read(watcher, ours_only=False)))
    return 0


def _only_sets(watcher: EventStream, stack_sets: StackSetsOfJob) -> bool:
    """Operations on stack sets were seen, and on no stack."""
    return bool(stack_sets.places) and not watcher.began


def _attach(deployment: Deployment) -> Baseline | None:
    """None where nothing is in progress."""
    job, source = deployment.job, deployment.cloudformation
    try:
        running = retry_while_unavailable(
            lambda: in_progress(source, deployment.settings.stacks), job.clock, cancelled=job.cancelled
        )
    except StackSourceError as error:
        raise VerdictUnknown(
            f"Could not see which operations are in progress. {error.what}",
            why=error.why,
            remedy=error.remedy,
        ) from error
    if not running:
        return None
    baseline = attach_to(running)
    deployment.state.baseline = baseline
    for ref, _ in baseline.newest:
        deployment.state.attached[ref.name] = _first_event(deployment, ref)
    deployment.checkpoint()
    return baseline


def _wait_for(deployment: Deployment, seconds: float) -> Baseline:
    """Nothing is in progress yet: what begins from now on is watched."""
    job, source, stacks = deployment.job, deployment.cloudformation, deployment.settings.stacks
    try:
        baseline = retry_while_unavailable(
            lambda: take_baseline(source, stacks), job.clock, cancelled=job.cancelled
        )
    except StackSourceError as error:
        raise VerdictUnknown(
            f"The stacks could not be read. {error.what}", why=error.why, remedy=error.remedy
        ) from error
    names = ", ".join(str(place) for place in deployment.settings.places)
    deployment.reporter.line(
        f"Nothing is in progress on {names}. Waiting up to {duration(seconds)} for a change to begin, as "
        "`expect-changes-within` asks."
    )
    deployment.state.baseline = baseline
    deployment.checkpoint()
    return baseline


def _first_event(deployment: Deployment, ref: StackRef) -> str:
    """The id of the event with which the stack's newest operation began; empty where it cannot be read."""
    try:
        events = deployment.cloudformation.events(ref, stop=operation_start())
    except StackSourceError:
        return ""
    return next((event.event_id for event in events if event.starts_operation), "")


def _only_what_was_found(deployment: Deployment, refs: tuple[StackRef, ...]) -> None:
    """An operation that began while the watch was down says nothing of the one before. Raises
    VerdictUnknown."""
    known = deployment.state.attached
    for ref in refs:
        first = _first_event(deployment, ref)
        if not first or first != known.get(ref.name):
            raise VerdictUnknown(
                f"Something else may have begun on {ref} while nobody watched.",
                why="How the operation before it ended was not seen; unknown is not success.",
                remedy="Look at the stack's events in the console.",
            )
