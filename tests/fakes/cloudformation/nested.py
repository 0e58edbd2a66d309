"""Nested stacks: real child stacks with their own events, driven by the resource in their parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.cloudformation import forward, lifecycle
from tests.fakes.cloudformation.errors import AwsError
from tests.fakes.cloudformation.stacks import Stack, as_json

if TYPE_CHECKING:
    from tests.fakes.cloudformation.resources import Definition
    from tests.fakes.cloudformation.run import Run
    from tests.fakes.cloudformation.versions import Version

Result = tuple[float, bool, bool]  # the moment, whether it failed, whether it hangs


def _child(run: Run, stack_id: str) -> Stack | None:
    return run.region.stacks.get(stack_id)


def child_version(run: Run, definition: Definition, name: str, when: float) -> Version:
    """What the parent hands to the child `name`, or the AwsError with which AWS would fail the resource."""
    properties = run.fill(dict(definition.properties), when)
    parent = run.stack.version(when)
    capabilities = parent.capabilities if parent else ()
    given = [
        {
            "ParameterKey": key,
            "ParameterValue": ",".join(map(str, value)) if isinstance(value, list) else str(value),
        }
        for key, value in (properties.get("Parameters") or {}).items()
    ]
    tags = {**(parent.tags if parent else {}), **{t["Key"]: t["Value"] for t in properties.get("Tags") or []}}
    body = definition.ground.get("TemplateBody") or run.world.template_at(
        str(properties.get("TemplateURL", ""))
    )
    return run.world.version(
        run.region,
        name,
        body if isinstance(body, str) else as_json(body),
        given,
        tags,
        capabilities=tuple(capabilities),
        disable_rollback=bool(parent and parent.disable_rollback),
        check_capabilities=True,
    )


def create_child(run: Run, definition: Definition, begin: float) -> Result:
    name = definition.logical_id
    run.emit(begin, definition, "CREATE_IN_PROGRESS")
    made = begin + run.lag(0.6, 0.9, name, "child")
    suffix = run.world.ids.suffix(13, run.stack.stack_id, name, round(made, 3))
    child_name = f"{run.stack.name}-{name}-{suffix}"
    try:
        version = child_version(run, definition, child_name, made)
    except AwsError as error:
        end = run.emit(made, definition, "CREATE_FAILED", error.message)
        return end, True, False
    child = run.world.new_stack(
        run.region, child_name, made,
        parent_id=run.stack.stack_id, root_id=run.stack.root_id or run.stack.stack_id,
    )  # fmt: skip
    run.emit(made, definition, "CREATE_IN_PROGRESS", "Resource creation Initiated", physical=child.stack_id)
    child_run = run.for_child(child, "CREATE_STACK", made)
    outcome = lifecycle.create_resources(child_run, version, made)
    if outcome.hangs and not outcome.failures:
        return made, False, True
    noticed = outcome.end + run.lag(1.5, 9.0, name, "noticed")
    if outcome.failures:
        reason = f"Embedded stack {child.stack_id} was not successfully created: {outcome.summary}"
        return run.emit(noticed, definition, "CREATE_FAILED", reason, physical=child.stack_id), True, False
    return run.emit(noticed, definition, "CREATE_COMPLETE", physical=child.stack_id), False, False


def update_child(run: Run, definition: Definition, stack_id: str, begin: float, visit_only: bool) -> Result:
    run.emit(begin, definition, "UPDATE_IN_PROGRESS", physical=stack_id)
    child = _child(run, stack_id)
    start = begin + run.lag(0.6, 0.8, definition.logical_id, "child")
    if child is not None:
        child.baseline = None
    try:
        version = child_version(run, definition, child.name if child else definition.logical_id, start)
    except AwsError as error:
        return run.emit(start, definition, "UPDATE_FAILED", error.message, physical=stack_id), True, False
    if child is None or not lifecycle.has_changes(run.world, child, version, start):
        return run.emit(start, definition, "UPDATE_COMPLETE", physical=stack_id), False, False
    child_run = run.for_child(child, "UPDATE_STACK", start)
    outcome = lifecycle.update_resources(child_run, version, start)
    if outcome.hangs and not outcome.failures:
        return start, False, True
    noticed = outcome.end + run.lag(1.5, 9.0, definition.logical_id, "noticed")
    if outcome.failures:
        reason = (
            f"Embedded stack {stack_id} was not successfully updated. "
            f"Currently in {child.status(outcome.end)} with reason: {outcome.summary}"
        )
        return run.emit(noticed, definition, "UPDATE_FAILED", reason, physical=stack_id), True, False
    return run.emit(noticed, definition, "UPDATE_COMPLETE", physical=stack_id), False, False


def restore_child(run: Run, definition: Definition, stack_id: str, begin: float) -> Result:
    """Roll a child back to what it was before its parent's update."""
    run.emit(begin, definition, "UPDATE_IN_PROGRESS", physical=stack_id)
    child = _child(run, stack_id)
    end = begin + run.lag(0.6, 0.8, definition.logical_id, "child")
    if child is not None and _was_updated(child, end):
        child_run = run.for_child(child, "ROLLBACK", end)
        outcome = lifecycle.rollback_resources(child_run, end, "", ())
        if outcome.failures:
            reason = f"Embedded stack {stack_id} was not successfully updated: {outcome.summary}"
            return (
                run.emit(outcome.end + 1, definition, "UPDATE_FAILED", reason, physical=stack_id),
                True,
                False,
            )
        end = outcome.end + run.lag(1.5, 6.0, definition.logical_id, "noticed")
    return run.emit(end, definition, "UPDATE_COMPLETE", physical=stack_id), False, False


def _was_updated(child: Stack, when: float) -> bool:
    """Whether the parent's update got as far as starting the child's."""
    last = child.last_stack_event(when)
    return child.baseline is not None and last is not None and last.time >= child.baseline.started


def finish_child(run: Run, definition: Definition, stack_id: str, when: float) -> float:
    """The parent cleans up: the child does too, and the resource reports once more."""
    child = _child(run, stack_id)
    end = when + run.lag(0.4, 1.2, definition.logical_id, "finish")
    if child is not None and child.status(end).endswith("CLEANUP_IN_PROGRESS"):
        end = lifecycle.clean_up(run.resume(child), end) + run.lag(1.0, 6.0, definition.logical_id, "cleaned")
    return run.emit(end, definition, "UPDATE_COMPLETE", physical=stack_id)


def delete_child(run: Run, stack_id: str, begin: float) -> tuple[float, str | None]:
    """Delete a child; the moment at which it ended, and the reason if it could not be deleted."""
    child = _child(run, stack_id)
    if child is None or child.deleted(begin):
        return begin + 0.5, None
    child_run = run.for_child(child, "DELETE_STACK", begin)
    end, failed = lifecycle.delete_resources(child_run, begin, ())
    if failed:
        told = child.last_stack_event(end)
        reason = told.reason if told else ""
        return end, f"Embedded stack {stack_id} was not successfully deleted: {reason}"
    return end + run.lag(1.0, 5.0, stack_id, "deleted"), None


def halt_child(run: Run, stack_id: str, when: float) -> None:
    """The parent gave up: cancel what the child has in flight."""
    child = _child(run, stack_id)
    if child is None or child.created > when:
        return
    status = child.status(when)
    if status not in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
        return
    child_run = run.resume(child)
    cancelled = forward.halt(child_run, when)
    if status == "CREATE_IN_PROGRESS":
        summary = forward.Outcome(when, cancelled).summary
        child_run.stack_event(when + 0.2, "CREATE_FAILED", summary or "Resource creation cancelled")
