"""Handlers that change stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation import lifecycle
from tests.fakes.cloudformation.errors import (
    already_exists,
    cannot_be_updated,
    stack_does_not_exist,
    validation,
)
from tests.fakes.cloudformation.forward import halt
from tests.fakes.cloudformation.run import Run

if TYPE_CHECKING:
    from tests.fakes.cloudformation.call import Call, Params
    from tests.fakes.cloudformation.stacks import Stack
    from tests.fakes.cloudformation.versions import Version

Answer = dict[str, Any]
UPDATABLE = frozenset(
    (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    )
)
_HALF_DONE = frozenset(("CREATE_FAILED", "UPDATE_FAILED"))


def tags_of(params: Params) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}


def body_of(call: Call, params: Params, previous: Version | None = None) -> str:
    if params.get("TemplateBody"):
        return str(params["TemplateBody"])
    if params.get("TemplateURL"):
        return call.world.template_at(params["TemplateURL"])
    if params.get("UsePreviousTemplate") and previous is not None:
        return previous.template.body
    raise validation("Either Template URL or Template Body must be specified.")


def version_of(
    call: Call, params: Params, stack_name: str, previous: Version | None = None, *, check: bool = True
) -> Version:
    """The version that a create, update or change set call describes."""
    on_failure = params.get("OnFailure") or params.get("OnStackFailure") or "ROLLBACK"
    tags = tags_of(params) if params.get("Tags") is not None or previous is None else previous.tags
    return call.world.version(
        call.region,
        stack_name,
        body_of(call, params, previous),
        params.get("Parameters") or (),
        tags,
        previous=previous,
        check_capabilities=check,
        capabilities=tuple(params.get("Capabilities") or ()),
        notification_arns=_kept(
            params.get("NotificationARNs"), previous.notification_arns if previous else ()
        ),
        rollback={**(previous.rollback if previous else {}), **(params.get("RollbackConfiguration") or {})},
        role_arn=params.get("RoleARN") or (previous.role_arn if previous else None),
        disable_rollback=bool(params.get("DisableRollback")) or on_failure == "DO_NOTHING",
        on_failure=on_failure,
        timeout_minutes=params.get("TimeoutInMinutes"),
        retain_except_on_create=bool(params.get("RetainExceptOnCreate")),
    )


def _kept(given: list[str] | None, before: tuple[str, ...]) -> tuple[str, ...]:
    """What is not given stays."""
    return before if given is None else tuple(given)


def create_stack(call: Call, params: Params) -> Answer:
    name = params["StackName"]
    existing = call.region.find(name, call.now)
    if existing is not None:
        if call.repeats(existing, params):
            return {"StackId": existing.stack_id, "OperationId": existing.operations[0].operation_id}
        raise already_exists(name)
    if params.get("OnFailure") and params.get("DisableRollback") is not None:
        raise validation("You can specify either DisableRollback or OnFailure, but not both.")
    version = version_of(call, params, name)
    stack = call.world.new_stack(call.region, name, call.now)
    stack.protected = bool(params.get("EnableTerminationProtection"))
    call.note(stack, params)
    run = Run.begin(call.world, stack, "CREATE_STACK", call.now, params.get("ClientRequestToken"))
    lifecycle.create(run, version, call.now)
    return {"StackId": stack.stack_id, "OperationId": run.operation_id}


def check_updatable(call: Call, stack: Stack) -> None:
    status = stack.status(call.now)
    if status not in UPDATABLE | _HALF_DONE:
        raise cannot_be_updated(stack.stack_id, status)


def check_rollback_disabled(call: Call, stack: Stack, *, disabled: bool) -> None:
    """A stack that was left half done is updated with rollback disabled only (AWS's words)."""
    status = stack.status(call.now)
    if status in _HALF_DONE and not disabled:
        raise validation(
            f"This stack is currently in a non-terminal [{status}] state. To update the stack from this "
            "state, please use the disable-rollback parameter with update-stack API. To rollback to the last "
            "known good state, use the rollback-stack API"
        )


def update_stack(call: Call, params: Params) -> Answer:
    stack = call.stack_to_change(params["StackName"])
    if call.repeats(stack, params):
        return {"StackId": stack.stack_id, "OperationId": stack.operations[-1].operation_id}
    check_updatable(call, stack)
    check_rollback_disabled(call, stack, disabled=bool(params.get("DisableRollback")))
    version = version_of(call, params, stack.name, stack.version(call.now))
    if not lifecycle.has_changes(call.world, stack, version, call.now):
        raise validation("No updates are to be performed.")
    call.note(stack, params)
    stack.executed_change_set = None
    run = Run.begin(call.world, stack, "UPDATE_STACK", call.now, params.get("ClientRequestToken"))
    lifecycle.update(run, version, call.now)
    return {"StackId": stack.stack_id, "OperationId": run.operation_id}


def delete_stack(call: Call, params: Params) -> Answer:
    stack = call.region.find(params["StackName"], call.now)
    if stack is None or stack.deleted(call.now) or call.repeats(stack, params):
        return {}
    if stack.protected:
        raise validation(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    status = stack.status(call.now)
    retain = params.get("RetainResources") or ()
    if retain and status != "DELETE_FAILED":
        raise validation(
            f"Invalid operation on stack [{stack.stack_id}]. The retain resources option is valid only for "
            "stacks in the DELETE_FAILED state"
        )
    if status == "DELETE_IN_PROGRESS":
        return {}
    if status.startswith("UPDATE") and stack.in_progress(call.now):
        raise validation(f"Stack [{stack.name}] cannot be deleted while in status {status}")
    call.note(stack, params)
    call.region.forget_after(stack, call.now)
    run = Run.begin(call.world, stack, "DELETE_STACK", call.now, params.get("ClientRequestToken"))
    in_use = call.world.export_in_use(call.region, stack, call.now)
    if in_use:
        lifecycle.refuse_deletion(run, call.now, status, in_use)
    else:
        lifecycle.delete_resources(run, call.now, retain)
    return {}


def cancel_update_stack(call: Call, params: Params) -> Answer:
    stack = call.stack_to_change(params["StackName"])
    if call.repeats(stack, params):
        return {}
    if stack.status(call.now) != "UPDATE_IN_PROGRESS":
        raise validation("CancelUpdateStack cannot be called from current stack status")
    call.note(stack, params)
    running = stack.last_stack_event(call.now)
    call.region.forget_after(stack, call.now)
    token = params.get("ClientRequestToken") or (running.token if running else None)
    operation = stack.operations[-1]
    current = Run(call.world, stack, operation.operation_id, running.token if running else None)
    cancelled = halt(current, call.now)
    moment = max([call.now, *(failure.time for failure in cancelled)]) + 0.3
    run = Run.begin(call.world, stack, "ROLLBACK", call.now, token)
    lifecycle.roll_back_update(run, moment, "User Initiated", ())
    return {}


def continue_update_rollback(call: Call, params: Params) -> Answer:
    stack = call.stack_to_change(params["StackName"])
    if call.repeats(stack, params):
        return {}
    status = stack.status(call.now)
    if status != "UPDATE_ROLLBACK_FAILED":
        raise validation(f"Stack:{stack.stack_id} is in {status} state and can not continue update rollback.")
    skip = list(params.get("ResourcesToSkip") or ())
    states = stack.resources(call.now)
    wrong = [name for name in skip if name not in states or states[name].status != "UPDATE_FAILED"]
    if wrong:
        raise validation(
            f"The following resource(s) [{', '.join(wrong)}] cannot be skipped as they are not in the "
            "UPDATE_FAILED state"
        )
    call.note(stack, params)
    run = Run.begin(call.world, stack, "CONTINUE_ROLLBACK", call.now, params.get("ClientRequestToken"))
    lifecycle.roll_back_update(run, call.now, "User Initiated", skip)
    return {}


def rollback_stack(call: Call, params: Params) -> Answer:
    stack = call.stack_to_change(params["StackName"])
    if call.repeats(stack, params):
        return {"StackId": stack.stack_id, "OperationId": stack.operations[-1].operation_id}
    status = stack.status(call.now)
    if status not in _HALF_DONE:
        raise validation(f"Stack:{stack.stack_id} is in {status} state and can not be rolled back.")
    call.note(stack, params)
    token = params.get("ClientRequestToken")
    if status == "CREATE_FAILED":
        run = Run(call.world, stack, "", token)
        lifecycle.roll_back_creation(run, call.now, "User Initiated")
    else:
        run = Run.begin(call.world, stack, "ROLLBACK", call.now, token)
        lifecycle.roll_back_update(run, call.now, "User Initiated", ())
    return {"StackId": stack.stack_id, "OperationId": stack.operations[-1].operation_id}


def set_stack_policy(call: Call, params: Params) -> Answer:
    stack = call.stack_to_change(params["StackName"])
    if stack.status(call.now) == "REVIEW_IN_PROGRESS":
        raise validation(f"Stack [{stack.name}] is in REVIEW_IN_PROGRESS")  # an assumption
    stack.policy = params["StackPolicyBody"]
    return {}


def get_stack_policy(call: Call, params: Params) -> Answer:
    return {"StackPolicyBody": call.stack_to_read(params["StackName"]).policy}


def update_termination_protection(call: Call, params: Params) -> Answer:
    stack = call.region.find(params["StackName"], call.now)
    if stack is None:
        raise stack_does_not_exist(params["StackName"])
    stack.protected = bool(params["EnableTerminationProtection"])
    return {"StackId": stack.stack_id}
