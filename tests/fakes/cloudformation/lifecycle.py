"""The life of a stack: create, update, roll back, clean up, delete; all planned at once, ahead of time."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from tests.fakes.cloudformation import nested as children
from tests.fakes.cloudformation.changes import plan_actions
from tests.fakes.cloudformation.errors import AwsError
from tests.fakes.cloudformation.forward import CREATE, IMPORT, RESTORE, Failure, Outcome, forward, halt
from tests.fakes.cloudformation.removal import Doomed, remove
from tests.fakes.cloudformation.run import Run
from tests.fakes.cloudformation.stacks import Baseline, ResourceState, Stack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.fakes.cloudformation.versions import Version
    from tests.fakes.cloudformation.world import World

CANNOT_DELETE = "Update successful. One or more resources could not be deleted."


def has_changes(world: World, stack: Stack, version: Version, when: float) -> bool:
    """Whether an update to `version` would do anything."""
    current = stack.version(when)
    if current is None:
        return True
    plan = plan_actions(
        stack.resources(when),
        current,
        version,
        nested_changes=nested_changes(world, stack, version, when),
    )
    return bool(plan.real or plan.removed)


def nested_changes(world: World, stack: Stack, version: Version, when: float) -> set[str]:
    """The nested stacks whose own template or parameters changed."""
    changed = set()
    run = Run(world, stack, "", None)
    for state in stack.resources(when).values():
        definition = version.definitions.get(state.logical_id)
        child = world.region(stack.region).stacks.get(state.physical_id or "")
        if definition is None or child is None or not definition.is_nested or not state.exists:
            continue
        try:
            if has_changes(world, child, children.child_version(run, definition, child.name, when), when):
                changed.add(state.logical_id)
        except AwsError:
            changed.add(state.logical_id)
    return changed


# Creation


def create(run: Run, version: Version, when: float) -> None:
    """Plan a top-level creation and, if it fails, what follows from it."""
    outcome = create_resources(run, version, when, nested=False)
    if not outcome.failures:
        return
    if version.disable_rollback or version.on_failure == "DO_NOTHING":
        run.stack_event(outcome.end + 0.3, "CREATE_FAILED", outcome.summary)
        return
    reason = f"{outcome.summary}Rollback requested by user."
    if version.on_failure == "DELETE":
        again = Run.begin(run.world, run.stack, "DELETE_STACK", outcome.end, run.token)
        delete_resources(again, outcome.end + 0.3, (), reason=outcome.summary + "Delete requested by user.")
        return
    roll_back_creation(run, outcome.end + run.lag(0.3, 0.4, "rollback"), reason)


def create_resources(run: Run, version: Version, when: float, *, nested: bool = True) -> Outcome:
    """Play a creation; a nested stack reports its own failure, a top-level one leaves that to its caller."""
    stack = run.stack
    run.settle(version, [], when)
    run.stack_event(when, "CREATE_IN_PROGRESS", "User Initiated")
    start = when + run.lag(2.0, 3.4, "start")
    actions = dict.fromkeys(version.definitions, CREATE)
    preserve = version.disable_rollback or version.on_failure == "DO_NOTHING"
    outcome = forward(run, version.definitions, actions, start, preserve=preserve)
    outcome = _limit(run, version, when, outcome)
    outcome = _stack_level_failure(version, outcome)
    if outcome.failures:
        if nested:
            outcome.end = run.stack_event(outcome.end + 0.3, "CREATE_FAILED", outcome.summary)
        return outcome
    if not outcome.hangs:
        outcome.end = run.stack_event(outcome.end + run.lag(0.55, 1.3, "end"), "CREATE_COMPLETE")
        stack.outputs.append((outcome.end, run.world.outputs(stack, version, outcome.end)))
    return outcome


class _Told(Outcome):
    """An outcome with a summary that names no resource."""

    told = ""

    @property
    def summary(self) -> str:
        return self.told


def _told(end: float, text: str) -> Outcome:
    outcome = _Told(end, [Failure(end, "", "stack")])
    outcome.told = text
    return outcome


def _limit(run: Run, version: Version, when: float, outcome: Outcome) -> Outcome:
    if not version.timeout_minutes:
        return outcome
    deadline = when + 60.0 * version.timeout_minutes
    if not outcome.hangs and outcome.end <= deadline:
        return outcome
    run.region.forget_after(run.stack, deadline)
    halt(run, deadline)
    return _told(deadline + 0.2, "Stack creation time exceeded the specified timeout. ")


def _stack_level_failure(version: Version, outcome: Outcome) -> Outcome:
    ground = (version.template.data.get("Metadata") or {}).get("TestGround") or {}
    reason = ground.get("StackFail")
    if reason and not outcome.failures and not outcome.hangs:
        return _told(outcome.end + 0.5, f"{reason}. ")
    return outcome


def roll_back_creation(run: Run, when: float, reason: str) -> None:
    stack = run.stack
    again = Run.begin(run.world, stack, "ROLLBACK", when, run.token)
    again.stack_event(when, "ROLLBACK_IN_PROGRESS", reason)
    version = stack.version(when)
    keep_all = not (version and version.retain_except_on_create)
    doomed = [
        Doomed(
            state.definition,
            state.physical_id,
            keep=keep_all and state.definition.deletion_policy == "Retain",
        )
        for state in stack.resources(when).values()
        if state.definition is not None and state.exists
    ]
    end, failed = remove(again, doomed, when + again.lag(1.7, 2.6, "start"))
    if failed:
        text = f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
        again.stack_event(end + 0.4, "ROLLBACK_FAILED", text)
    else:
        again.stack_event(end + 0.35, "ROLLBACK_COMPLETE")


# Update


def update(run: Run, version: Version, when: float, *, importing: Mapping[str, str] | None = None) -> None:
    """Plan a top-level update and what follows from it."""
    outcome = update_resources(run, version, when, nested=False, importing=importing)
    if outcome.failures:
        if version.disable_rollback:
            run.stack_event(outcome.end + 0.3, "UPDATE_FAILED", outcome.summary)
            return
        again = Run.begin(run.world, run.stack, "ROLLBACK", outcome.end + 0.3, run.token)
        roll_back_update(again, outcome.end + run.lag(0.31, 0.4, "rollback"), outcome.summary, ())
    elif not outcome.hangs and not importing:
        clean_up(run, outcome.end)


def remember(stack: Stack, when: float) -> Baseline:
    """Keep what a rollback would go back to; a stack left half updated keeps what it had."""
    version = stack.version(when)
    assert version is not None
    if stack.baseline is None or stack.status(when) not in {"UPDATE_FAILED", "CREATE_FAILED"}:
        states = {name: copy(state) for name, state in stack.resources(when).items() if state.exists}
        stack.baseline = Baseline(when, version, states, stack.outputs_at(when))
    return stack.baseline


def update_resources(
    run: Run,
    version: Version,
    when: float,
    *,
    nested: bool = True,
    importing: Mapping[str, str] | None = None,
) -> Outcome:
    """Play an update up to its clean-up; a nested stack also reports that it starts to roll back."""
    stack = run.stack
    before = stack.version(when)
    changed_children = nested_changes(run.world, stack, version, when)
    remember(stack, when)
    assert before is not None
    states = {name: state for name, state in stack.resources(when).items() if state.exists}
    plan = plan_actions(states, before, version, nested_changes=changed_children)
    actions = dict(plan.actions)
    for name, physical in (importing or {}).items():
        actions[name] = IMPORT
        states[name] = ResourceState(name, version.definitions[name].type, "", when, "", physical)
    word = "IMPORT" if importing else "UPDATE"
    run.settle(version, stack.outputs_at(when), when)
    run.stack_event(when, f"{word}_IN_PROGRESS", "User Initiated")
    outcome = forward(
        run, version.definitions, actions, when + run.lag(2.4, 3.9, "start"),
        preserve=version.disable_rollback, before=states,
    )  # fmt: skip
    outcome = _stack_level_failure(version, outcome)
    if outcome.failures:
        if nested and not version.disable_rollback:
            outcome.end = run.stack_event(outcome.end + 0.3, "UPDATE_ROLLBACK_IN_PROGRESS", outcome.summary)
        elif nested:
            outcome.end = run.stack_event(outcome.end + 0.3, "UPDATE_FAILED", outcome.summary)
        return outcome
    if not outcome.hangs:
        moment = outcome.end + run.lag(1.0, 2.6, "end")
        outputs = run.world.outputs(stack, version, moment)
        status = "IMPORT_COMPLETE" if importing else "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        outcome.end = run.stack_event(moment, status)
        stack.outputs.append((outcome.end, outputs))
    return outcome


def clean_up(run: Run, when: float) -> float:
    """Delete what the update, or its rollback, left over; gives the moment at which the stack is done."""
    stack = run.stack
    rolling_back = stack.status(when).startswith("UPDATE_ROLLBACK")
    version, baseline = stack.version(when), stack.baseline
    assert version is not None
    assert baseline is not None
    states = stack.resources(when)
    doomed = _left_over(stack, baseline, version, states, when)
    pause = 0.95 if doomed and not rolling_back else run.lag(0.4, 0.6, "cleanup")
    end, failed = remove(run, doomed, when + pause, attempts=3, cleanup=True)
    for name, definition in version.definitions.items():
        state = states.get(name)
        if definition.is_nested and state and state.physical_id and state.status == "UPDATE_COMPLETE":
            end = max(end, children.finish_child(run, definition, state.physical_id, when + 0.6))
    stack.events.sort(key=lambda event: event.time)
    status = "UPDATE_ROLLBACK_COMPLETE" if rolling_back else "UPDATE_COMPLETE"
    done = run.lag(0.2, 0.4, "done") if rolling_back else run.lag(0.13, 0.2, "done")
    return run.stack_event(end + done, status, CANNOT_DELETE if failed else "")


def _left_over(
    stack: Stack, baseline: Baseline, version: Version, states: dict[str, ResourceState], when: float
) -> list[Doomed]:
    kept = {(name, states[name].physical_id) for name in version.definitions if name in states}
    found: dict[tuple[str, str | None], Doomed] = {}
    for state in baseline.resources.values():
        if state.definition is not None:
            found[state.logical_id, state.physical_id] = _doom(state, version, created_here=False)
    for event in stack.visible(when):
        if event.time < baseline.started or event.about_stack or event.definition is None:
            continue
        if event.physical_id is not None:
            found.pop((event.logical_id, None), None)
        elif any(name == event.logical_id for name, _ in found):
            continue
        key = (event.logical_id, event.physical_id)
        state = ResourceState(
            event.logical_id, event.type, event.status, event.time, "", event.physical_id, event.definition
        )
        found.setdefault(key, _doom(state, version, created_here=True))
    return [item for key, item in found.items() if key not in kept]


def _doom(state: ResourceState, version: Version, *, created_here: bool) -> Doomed:
    assert state.definition is not None
    replaced = state.logical_id in version.definitions
    policy = state.definition.replace_policy if replaced else state.definition.deletion_policy
    keep = policy == "Retain" and not (created_here and version.retain_except_on_create)
    return Doomed(state.definition, state.physical_id, keep)


# Rollback of an update


def roll_back_update(run: Run, when: float, reason: str, skip: Collection[str]) -> None:
    outcome = rollback_resources(run, when, reason, skip)
    if not outcome.failures and not outcome.hangs:
        clean_up(run, outcome.end)


def rollback_resources(run: Run, when: float, reason: str, skip: Collection[str]) -> Outcome:
    """Put back what the update touched, up to the clean-up."""
    stack = run.stack
    baseline = stack.baseline
    assert baseline is not None
    if stack.status(when) != "UPDATE_ROLLBACK_IN_PROGRESS":
        run.stack_event(when, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
    stack.versions.append((when, baseline.version))
    states = stack.resources(when)
    touched = [
        name
        for name, old in baseline.resources.items()
        if name in states
        and states[name].time >= baseline.started
        and not (
            states[name].definition is old.definition
            and states[name].status == "UPDATE_COMPLETE"
            and not _is_nested(old)
        )
    ]
    definitions = {
        name: state.definition for name, state in baseline.resources.items() if state.definition is not None
    }
    for name in [name for name in touched if name in skip]:
        run.emit(
            when + 0.5, definitions[name], "UPDATE_COMPLETE", physical=baseline.resources[name].physical_id
        )
    actions = {name: RESTORE for name in touched if name not in skip}
    outcome = forward(
        run,
        definitions,
        actions,
        when + run.lag(1.9, 2.2, "restore"),
        preserve=True,
        before=baseline.resources,
    )
    if outcome.failures:
        outcome.end = run.stack_event(outcome.end + 0.4, "UPDATE_ROLLBACK_FAILED", outcome.summary)
    elif not outcome.hangs:
        moment = outcome.end + run.lag(0.1, 0.4, "restored")
        outcome.end = run.stack_event(moment, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        stack.outputs.append((outcome.end, baseline.outputs))
    return outcome


def _is_nested(state: ResourceState) -> bool:
    return state.definition is not None and state.definition.is_nested


# Deletion


def refuse_deletion(run: Run, when: float, before: str, why: str) -> None:
    """Play a deletion that CloudFormation gives up before it touches a resource."""
    run.stack_event(when, "DELETE_IN_PROGRESS", "User Initiated")
    run.stack_event(when + run.lag(1.6, 2.4, "refused"), before, f"Delete canceled. {why}")


def delete_resources(
    run: Run, when: float, retain: Collection[str], reason: str = "User Initiated"
) -> tuple[float, list[str]]:
    """Play a deletion; gives its end and the logical ids that could not be deleted."""
    stack = run.stack
    run.stack_event(when, "DELETE_IN_PROGRESS", reason)
    doomed = [
        Doomed(
            state.definition,
            state.physical_id,
            keep=state.definition.deletion_policy == "Retain" or state.logical_id in retain,
        )
        for state in stack.resources(when).values()
        if state.definition is not None and state.exists
    ]
    end, failed = remove(run, doomed, when + run.lag(1.6, 2.4, "start"))
    if failed:
        text = f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
        end = run.stack_event(end + 0.4, "DELETE_FAILED", text)
    else:
        end = run.stack_event(end + run.lag(0.28, 0.35, "done"), "DELETE_COMPLETE")
    return end, failed
