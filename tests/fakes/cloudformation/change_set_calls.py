"""Handlers of change sets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation import lifecycle, parameters
from tests.fakes.cloudformation.changes import Plan, describe_changes, plan_actions
from tests.fakes.cloudformation.changesets import NO_CHANGES, ChangeSet
from tests.fakes.cloudformation.errors import (
    AwsError,
    cannot_be_updated,
    change_set_not_found,
    change_set_status,
    insufficient_capabilities,
    stack_does_not_exist,
    validation,
)
from tests.fakes.cloudformation.nested import child_version
from tests.fakes.cloudformation.property_values import drift_of_stack, with_drift, with_values
from tests.fakes.cloudformation.run import Run
from tests.fakes.cloudformation.stacks import Event, Stack
from tests.fakes.cloudformation.templates import missing_capabilities
from tests.fakes.cloudformation.writing import check_rollback_disabled, check_updatable, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.cloudformation.call import Call, Params
    from tests.fakes.cloudformation.versions import Version

Answer = dict[str, Any]
_VALIDATION_FAILED = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot "
    "Early Validation errors, use the DescribeEvents API for detailed failure information."
)


def create_change_set(call: Call, params: Params) -> Answer:
    kind = params.get("ChangeSetType") or "UPDATE"
    stack = _stack_for(call, params, kind)
    before = stack.version(call.now) if stack else None
    name = params["StackName"] if stack is None else stack.name
    version = version_of(call, params, name, before, check=False)
    missing = missing_capabilities(version.template, list(version.capabilities))
    if missing:
        raise insufficient_capabilities(missing)
    if stack is None:
        stack = _review(call, name)
    for known in stack.change_sets.values():
        if known.name == params["ChangeSetName"] and known.deleted is None:
            if params.get("ClientToken") and known.client_token == params["ClientToken"]:
                return {"Id": known.change_set_id, "StackId": stack.stack_id}
            raise AwsError("AlreadyExistsException", f"ChangeSet [{params['ChangeSetName']}] already exists")
    change_set = _prepare(call, params, stack, before, version)
    stack.change_sets[change_set.change_set_id] = change_set
    return {"Id": change_set.change_set_id, "StackId": stack.stack_id}


def _stack_for(call: Call, params: Params, kind: str) -> Stack | None:
    name = params["StackName"]
    stack = call.region.find(name, call.now)
    if stack is not None and stack.deleted(call.now):
        stack = None
    if kind == "UPDATE" and stack is None:
        raise stack_does_not_exist(name)
    if stack is None:
        return None
    status = stack.status(call.now)
    if kind == "CREATE" and status != "REVIEW_IN_PROGRESS":
        raise validation(
            f"Stack [{name}] already exists and cannot be created again with the changeSet "
            f"[{params['ChangeSetName']}]."
        )
    if kind == "UPDATE":
        if status == "REVIEW_IN_PROGRESS":
            raise cannot_be_updated(stack.stack_id, status)
        check_updatable(call, stack)
    return stack


def _review(call: Call, name: str) -> Stack:
    stack = call.world.new_stack(call.region, name, call.now)
    moment = stack.created
    stack.events.append(
        Event(
            time=moment,
            event_id=call.world.ids.time_uuid(moment, stack.stack_id, "REVIEW_IN_PROGRESS"),
            logical_id=name,
            type="AWS::CloudFormation::Stack",
            status="REVIEW_IN_PROGRESS",
            reason="User Initiated",
            physical_id=stack.stack_id,
            about_stack=True,
        )
    )
    return stack


def _prepare(call: Call, params: Params, stack: Stack, before: Version | None, version: Version) -> ChangeSet:
    name, now = params["ChangeSetName"], call.now
    states = {n: s for n, s in stack.resources(now).items() if s.exists}
    imports = {
        item["LogicalResourceId"]: next(
            iter((item.get("ResourceIdentifier") or {}).values()), item["LogicalResourceId"]
        )
        for item in params.get("ResourcesToImport") or ()
    }
    if before is None:
        plan = Plan(actions=dict.fromkeys(version.definitions, "create"), real=set(version.definitions))
    else:
        children = lifecycle.nested_changes(call.world, stack, version, now)
        plan = plan_actions(states, before, version, nested_changes=children)
    changes = describe_changes(states, version, plan, imports)
    nested: list[tuple[Stack, ChangeSet]] = []
    if params.get("IncludeNestedStacks"):
        changes, nested = _nested(call, params, stack, version, changes)
    problems = [
        {
            "LogicalResourceId": definition.logical_id,
            "ResourceType": definition.type,
            "Reason": str(definition.ground[kind]),
            "Path": f"/Resources/{definition.logical_id}/Properties",
            "Kind": kind,
        }
        for definition in version.definitions.values()
        for kind in ("Validation", "Hook")
        if definition.ground.get(kind) and definition.logical_id in plan.real
    ]
    if params.get("DeploymentMode") == "REVERT_DRIFT":
        changes = with_drift(states, version, changes)
    failure = NO_CHANGES if not changes else None
    if problems and not params.get("DisableValidation"):
        failure = _VALIDATION_FAILED
    unique = call.world.ids.random_uuid("change set", stack.stack_id, name, now, len(stack.change_sets))
    change_set_id = f"arn:aws:cloudformation:{stack.region}:{call.world.account}:changeSet/{name}/{unique}"
    for owner, child in nested:
        child.parent = change_set_id
        for _, inside in _tree(owner, child):
            inside.root = change_set_id
    return ChangeSet(
        change_set_id=change_set_id,
        name=name,
        stack_id=stack.stack_id,
        stack_name=stack.name,
        created=now,
        ready=now + call.world.change_set_seconds * call.world.ids.between(0.8, 1.2, unique),
        kind=params.get("ChangeSetType") or "UPDATE",
        version=version,
        changes=changes,
        failure=failure,
        description=params.get("Description"),
        on_stack_failure=params.get("OnStackFailure"),
        client_token=params.get("ClientToken"),
        operation_id=call.world.ids.random_uuid("change set operation", unique),
        include_nested=bool(params.get("IncludeNestedStacks")),
        imports=imports,
        before=before,
        states=states,
        deployment_mode=params.get("DeploymentMode"),
        children=nested,
        validation_errors=problems if failure == _VALIDATION_FAILED else [],
    )


def _nested(
    call: Call, params: Params, stack: Stack, version: Version, changes: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[tuple[Stack, ChangeSet]]]:
    """The changes with the ids of the nested stacks' change sets, and these. Assumed: a nested stack in which
    nothing changes is left out, and one that goes away as a whole has no change set."""
    kept: list[dict[str, Any]] = []
    made: list[tuple[Stack, ChangeSet]] = []
    run = Run(call.world, stack, "", None)
    for row in changes:
        change = row["ResourceChange"]
        definition = version.definitions.get(change["LogicalResourceId"])
        if definition is None or not definition.is_nested or change["Action"] == "Remove":
            kept.append(row)
            continue
        child = call.region.stacks.get(change.get("PhysicalResourceId", ""))
        if child is None:
            suffix = call.world.ids.suffix(13, stack.stack_id, definition.logical_id, "planned")
            name = f"{stack.name}-{definition.logical_id}-{suffix}"
            unique = call.world.ids.time_uuid(call.now, name)
            stack_id = f"arn:aws:cloudformation:{stack.region}:{call.world.account}:stack/{name}/{unique}"
            child = Stack(name, stack_id, stack.region, call.now, stack.stack_id, stack.stack_id)
        before = child.version(call.now)
        after = child_version(run, definition, child.name, call.now)
        found = _prepare(
            call, {**params, "ChangeSetName": f"{params['ChangeSetName']}-{definition.logical_id}"},
            child, before, after,
        )  # fmt: skip
        if found.failure == NO_CHANGES and change.get("Replacement") != "True":
            continue
        made.append((child, found))
        kept.append({**row, "ResourceChange": {**change, "ChangeSetId": found.change_set_id}})
    return kept, made


def _tree(stack: Stack, change_set: ChangeSet) -> Iterator[tuple[Stack, ChangeSet]]:
    yield stack, change_set
    for child, nested in change_set.children:
        yield from _tree(child, nested)


def _find(call: Call, params: Params, now: float) -> tuple[Stack, ChangeSet]:
    name, stack_name = params["ChangeSetName"], params.get("StackName")
    if not name.startswith("arn:") and not stack_name:
        raise validation("StackName must be specified if ChangeSetName is not specified as an ARN.")
    stacks = list(call.region.every(now))
    if stack_name:
        named = call.region.find(stack_name, now)
        if named is None:
            raise (
                stack_does_not_exist(stack_name)
                if not name.startswith("arn:")
                else change_set_not_found(name)
            )
        stacks = [named]
    for stack in stacks:
        for root in reversed(stack.change_sets.values()):
            alive = root.deleted is None or root.deleted > now
            if not alive or root.created > now:
                continue
            for owner, change_set in _tree(stack, root):
                by_name = root is change_set and name == change_set.name
                if by_name or name == change_set.change_set_id:
                    return owner, change_set
    raise change_set_not_found(name)


def describe_change_set(call: Call, params: Params) -> Answer:
    stack, change_set = _find(call, params, call.seen)
    status = change_set.status(call.seen)
    ready = change_set.ready <= call.seen
    numbered = list(enumerate(change_set.changes)) if ready and not change_set.failure else []
    page, token = call.page(numbered, lambda item: str(item[0]), params.get("NextToken"))
    if params.get("IncludePropertyValues"):
        page = [(number, with_values(change_set, row)) for number, row in page]
    version = change_set.version
    return {
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.change_set_id,
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "Description": change_set.description,
        "Parameters": parameters.shown(version.template.parameters, version.parameters),
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution_status(stack, call.seen),
        "Status": status,
        "StatusReason": change_set.failure if ready else None,
        "NotificationARNs": list(version.notification_arns),
        "RollbackConfiguration": version.rollback,
        "Capabilities": list(version.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in version.tags.items()],
        "Changes": [change for _, change in page],
        "NextToken": token,
        "IncludeNestedStacks": change_set.include_nested,
        "OnStackFailure": change_set.on_stack_failure,
        "ParentChangeSetId": change_set.parent,
        "RootChangeSetId": change_set.root,
        "DeploymentMode": change_set.deployment_mode,
        "StackDriftStatus": drift_of_stack(change_set),
    }


def list_change_sets(call: Call, params: Params) -> Answer:
    stack = call.region.find(params["StackName"], call.seen)
    if stack is None:
        raise stack_does_not_exist(params["StackName"])
    listed = [
        item
        for root in call.region.every(call.seen)
        for change_set in root.change_sets.values()
        if change_set.deleted is None
        for owner, item in _tree(root, change_set)
        if owner is stack
    ]
    alive = [item for item in listed if item.created <= call.seen and item.deleted is None]
    page, token = call.page(alive, lambda item: item.change_set_id, params.get("NextToken"))
    summaries = [
        {
            "StackId": stack.stack_id,
            "StackName": stack.name,
            "ChangeSetId": item.change_set_id,
            "ChangeSetName": item.name,
            "ExecutionStatus": item.execution_status(stack, call.seen),
            "Status": item.status(call.seen),
            "StatusReason": item.failure if item.ready <= call.seen else None,
            "CreationTime": item.created,
            "Description": item.description,
            "IncludeNestedStacks": item.include_nested,
            "ParentChangeSetId": item.parent,
            "RootChangeSetId": item.root,
        }
        for item in page
    ]
    return {"Summaries": summaries, "NextToken": token}


def execute_change_set(call: Call, params: Params) -> Answer:
    stack, change_set = _find(call, params, call.now)
    if call.repeats(stack, params):
        return {}
    _check_executable(call, stack, change_set)
    version = change_set.version
    check_rollback_disabled(
        call, stack, disabled=bool(params.get("DisableRollback", version.disable_rollback))
    )
    if params.get("DisableRollback") is not None:
        version = version.with_rollback(bool(params["DisableRollback"]))
    if params.get("RetainExceptOnCreate"):
        version = replace(version, retain_except_on_create=True)
    call.note(stack, params)
    change_set.executed = call.now
    stack.executed_change_set = change_set.change_set_id
    for sibling in stack.change_sets.values():
        if sibling is not change_set and sibling.deleted is None:
            sibling.deleted = call.now
    token = params.get("ClientRequestToken")
    creating = stack.status(call.now) == "REVIEW_IN_PROGRESS"
    if creating and change_set.kind == "CREATE":
        run = Run.begin(call.world, stack, "CREATE_STACK", call.now, token)
        lifecycle.create(run, version, call.now)
        return {}
    if creating:
        stack.versions.append((call.now, replace(version, definitions={})))
    run = Run.begin(call.world, stack, "UPDATE_STACK", call.now, token)
    lifecycle.update(run, version, call.now, importing=change_set.imports)
    return {}


def _check_executable(call: Call, stack: Stack, change_set: ChangeSet) -> None:
    status = change_set.status(call.now)
    if status != "CREATE_COMPLETE":
        raise change_set_status(change_set.change_set_id, "executed", status)
    execution = change_set.execution_status(stack, call.now)
    if change_set.executed is not None or execution == "OBSOLETE":
        raise AwsError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current execution status of "
            f"[{execution}]",
        )
    if change_set.parent is not None:
        raise validation("Operation on nested ChangeSets is not supported: execute the root change set")
    if stack.status(call.now) != "REVIEW_IN_PROGRESS":
        check_updatable(call, stack)


def delete_change_set(call: Call, params: Params) -> Answer:
    try:
        stack, change_set = _find(call, params, call.now)
    except AwsError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    status = change_set.status(call.now)
    if (
        status == "CREATE_IN_PROGRESS"
        or change_set.execution_status(stack, call.now) == "EXECUTE_IN_PROGRESS"
    ):
        raise change_set_status(change_set.change_set_id, "deleted", status)
    change_set.deleted = call.now
    return {}
