"""Handlers that only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation import parameters, templates
from tests.fakes.cloudformation.errors import AwsError, change_set_not_found, validation

if TYPE_CHECKING:
    from tests.fakes.cloudformation.call import Call, Params
    from tests.fakes.cloudformation.stacks import Event, ResourceState, Stack

Answer = dict[str, Any]
_STARTS = frozenset(("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS",
                     "UPDATE_ROLLBACK_IN_PROGRESS", "IMPORT_IN_PROGRESS"))  # fmt: skip


def describe_stacks(call: Call, params: Params) -> Answer:
    name = params.get("StackName")
    if name:
        return {"Stacks": [_stack(call, call.stack_to_read(name))]}
    stacks, token = call.page(
        list(call.region.alive(call.seen)), lambda s: s.stack_id, params.get("NextToken")
    )
    return {"Stacks": [_stack(call, stack) for stack in stacks], "NextToken": token}


def _stack(call: Call, stack: Stack) -> Answer:
    now = call.seen
    last = stack.last_stack_event(now)
    version = stack.version(now)
    started = [op for op in stack.operations if op.started <= now and op.kind != "CREATE_STACK"]
    answer: Answer = {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": stack.executed_change_set,
        "CreationTime": stack.created,
        "StackStatus": last.status if last else "REVIEW_IN_PROGRESS",
        "StackStatusReason": (last.reason or None) if last else None,
        "DisableRollback": bool(version and version.disable_rollback),
        "NotificationARNs": list(version.notification_arns) if version else [],
        "RollbackConfiguration": version.rollback if version else {},
        "Tags": [{"Key": key, "Value": value} for key, value in (version.tags if version else {}).items()],
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        "ParentId": stack.parent_id,
        "RootId": stack.root_id,
        "LastUpdatedTime": started[-1].started if started else None,
        "DeletionTime": last.time if last and last.status.startswith("DELETE") else None,
    }
    if version:
        declared = version.template.parameters
        answer |= {
            "Description": version.template.description,
            "Parameters": parameters.shown(declared, version.parameters) or None,
            "Capabilities": list(version.capabilities) or None,
            "Outputs": stack.outputs_at(now) or None,
            "RoleARN": version.role_arn,
            "TimeoutInMinutes": version.timeout_minutes,
            "RetainExceptOnCreate": version.retain_except_on_create or None,
        }
    operations = [op for op in stack.operations if op.started <= now]
    if operations:
        answer["LastOperations"] = [
            {"OperationType": op.kind, "OperationId": op.operation_id} for op in reversed(operations[-2:])
        ]
    return answer


def list_stacks(call: Call, params: Params) -> Answer:
    wanted = set(params.get("StackStatusFilter") or ())
    every = [s for s in call.region.every(call.seen) if not wanted or s.status(call.seen) in wanted]
    stacks, token = call.page(every, lambda s: s.stack_id, params.get("NextToken"))
    kept = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus",
            "StackStatusReason", "ParentId", "RootId", "DriftInformation", "LastOperations")  # fmt: skip
    summaries = []
    for stack in stacks:
        full = _stack(call, stack)
        summary = {name: full.get(name) for name in kept}
        summary["TemplateDescription"] = full.get("Description")
        summaries.append(summary)
    return {"StackSummaries": summaries, "NextToken": token}


def describe_stack_events(call: Call, params: Params) -> Answer:
    name = params["StackName"]
    stack = call.region.find(name, call.seen)
    if stack is None:
        raise validation(f"Stack [{name}] does not exist")
    newest_first = stack.visible(call.seen)[::-1]
    page, token = call.page(newest_first, lambda event: event.event_id, params.get("NextToken"))
    return {"StackEvents": [_event(stack, event) for event in page], "NextToken": token}


def _event(stack: Stack, event: Event) -> Answer:
    return {
        "StackId": stack.stack_id,
        "EventId": event.event_id,
        "StackName": stack.name,
        "OperationId": event.operation_id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id or "",
        "ResourceType": event.type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.token,
        "DetailedStatus": event.detailed_status,
    }


def describe_events(call: Call, params: Params) -> Answer:
    if not call.world.describe_events:
        raise AwsError("InvalidAction", "Could not find operation DescribeEvents for version 2010-05-15")
    events = (
        _validation_events(call, params) if params.get("ChangeSetName") else _operation_events(call, params)
    )
    if (params.get("Filters") or {}).get("FailedEvents"):
        events = [event for event in events if event["EventType"] not in {"STACK_EVENT", "PROGRESS_EVENT"}]
    page, token = call.page(events, lambda event: str(event["EventId"]), params.get("NextToken"))
    return {"OperationEvents": page, "NextToken": token}


def _operation_events(call: Call, params: Params) -> list[Answer]:
    wanted = params.get("OperationId")
    if params.get("StackName"):
        stacks = [call.stack_to_read(params["StackName"])]
    elif wanted:
        stacks = [
            s for s in call.region.every(call.seen) if any(op.operation_id == wanted for op in s.operations)
        ]
        if not stacks:
            raise validation(f"Operation {wanted} does not exist")
    else:
        raise validation("Either StackName or OperationId must be specified")
    found: list[Answer] = []
    for stack in stacks:
        kinds = {op.operation_id: op.kind for op in stack.operations}
        found += [
            _operation_event(stack, event, kinds.get(event.operation_id, "UPDATE_STACK"))
            for event in reversed(stack.visible(call.seen))
            if event.operation_id and (not wanted or event.operation_id == wanted)
        ]
    return found


def _operation_event(stack: Stack, event: Event, kind: str) -> Answer:
    plain = _event(stack, event)
    plain.pop("StackName")
    failed = event.status.endswith("_FAILED") and not event.about_stack
    answer = plain | {
        "OperationType": kind,
        "EventType": "STACK_EVENT"
        if event.about_stack
        else "PROVISIONING_ERROR"
        if failed
        else "PROGRESS_EVENT",
    }
    if event.about_stack:
        if event.status in _STARTS:
            answer |= {"OperationStatus": "IN_PROGRESS", "StartTime": event.time}
        elif not event.status.endswith("_IN_PROGRESS"):
            answer |= {
                "OperationStatus": "FAILED" if "FAILED" in event.status else "SUCCEEDED",
                "EndTime": event.time,
            }
    return answer


def _validation_events(call: Call, params: Params) -> list[Answer]:
    name = params["ChangeSetName"]
    for stack in call.region.every(call.seen):
        for change_set in stack.change_sets.values():
            if name not in {change_set.change_set_id, change_set.name} or change_set.ready > call.seen:
                continue
            return [
                {
                    "EventId": call.world.ids.random_uuid("validation", change_set.change_set_id, number),
                    "StackId": stack.stack_id,
                    "OperationId": change_set.operation_id,
                    "OperationType": "CREATE_CHANGESET",
                    "LogicalResourceId": problem["LogicalResourceId"],
                    "ResourceType": problem["ResourceType"],
                    "Timestamp": change_set.ready,
                    **(_hook_error(problem) if problem["Kind"] == "Hook" else _property_error(problem)),
                }
                for number, problem in enumerate(change_set.validation_errors)
            ]
    raise change_set_not_found(name)


def _property_error(problem: dict[str, str]) -> Answer:
    return {
        "EventType": "VALIDATION_ERROR",
        "ValidationFailureMode": "FAIL",
        "ValidationName": "PROPERTY_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": problem["Reason"],
        "ValidationPath": problem["Path"],
    }


def _hook_error(problem: dict[str, str]) -> Answer:
    return {
        "EventType": "HOOK_INVOCATION_ERROR",
        "HookType": "Company::Policy::Hook",
        "HookStatus": "HOOK_COMPLETE_FAILED",
        "HookStatusReason": problem["Reason"],
        "HookInvocationPoint": "PRE_PROVISION",
        "HookFailureMode": "FAIL",
    }


def _resource(stack: Stack, state: ResourceState, time_member: str) -> Answer:
    return {
        "LogicalResourceId": state.logical_id,
        "PhysicalResourceId": state.physical_id,
        "ResourceType": state.type,
        time_member: state.time,
        "ResourceStatus": state.status,
        "ResourceStatusReason": state.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def describe_stack_resources(call: Call, params: Params) -> Answer:
    physical = params.get("PhysicalResourceId")
    if params.get("StackName"):
        stack = call.stack_to_read(params["StackName"])
    else:
        owners = (s for s in call.region.alive(call.seen)
                  if any(r.physical_id == physical for r in s.resources(call.seen).values()))  # fmt: skip
        found = next(owners, None) if physical else None
        if found is None:
            raise validation(f"Stack for {physical} does not exist")
        stack = found
    logical = params.get("LogicalResourceId")
    states = [s for s in stack.resources(call.seen).values() if not logical or s.logical_id == logical]
    named = {"StackName": stack.name, "StackId": stack.stack_id}
    return {"StackResources": [_resource(stack, state, "Timestamp") | named for state in states[:100]]}


def describe_stack_resource(call: Call, params: Params) -> Answer:
    stack = call.stack_to_read(params["StackName"])
    logical = params["LogicalResourceId"]
    state = stack.resources(call.seen).get(logical)
    if state is None:
        raise validation(f"Resource {logical} does not exist for stack {stack.name}")
    named = {"StackName": stack.name, "StackId": stack.stack_id}
    return {"StackResourceDetail": _resource(stack, state, "LastUpdatedTimestamp") | named}


def list_stack_resources(call: Call, params: Params) -> Answer:
    stack = call.stack_to_read(params["StackName"])
    states = [s for s in stack.resources(call.seen).values() if s.exists or stack.deleted(call.seen)]
    page, token = call.page(states, lambda state: state.logical_id, params.get("NextToken"))
    summaries = [_resource(stack, state, "LastUpdatedTimestamp") for state in page]
    return {"StackResourceSummaries": summaries, "NextToken": token}


def get_template(call: Call, params: Params) -> Answer:
    name, change_set_name = params.get("StackName"), params.get("ChangeSetName")
    if change_set_name:
        for stack in call.region.every(call.seen):
            for change_set in stack.change_sets.values():
                if change_set_name == change_set.change_set_id or (
                    change_set_name == change_set.name and name in {stack.name, stack.stack_id}
                ):
                    return {
                        "TemplateBody": change_set.version.template.body,
                        "StagesAvailable": ["Original", "Processed"],
                    }
        raise change_set_not_found(change_set_name)
    stack = call.stack_to_read(name or "")
    version = stack.version(call.seen)
    if version is None:
        raise validation(f"Template for stack {name} does not exist")
    return {"TemplateBody": version.template.body, "StagesAvailable": ["Original", "Processed"]}


def template_of(call: Call, params: Params) -> templates.Template:
    """The template that a request names by body, URL or stack."""
    if params.get("TemplateBody"):
        return templates.parse(params["TemplateBody"])
    if params.get("TemplateURL"):
        return templates.parse(call.world.template_at(params["TemplateURL"]))
    if params.get("StackName"):
        version = call.stack_to_read(params["StackName"]).version(call.seen)
        if version is not None:
            return version.template
    raise validation("Either Template URL or Template Body must be specified.")


def get_template_summary(call: Call, params: Params) -> Answer:
    template = template_of(call, params)
    capabilities, reason = templates.required_capabilities(template)
    version = template.data.get("AWSTemplateFormatVersion")
    return {
        "Parameters": parameters.declarations(template.parameters),
        "Description": template.description,
        "Capabilities": capabilities or None,
        "CapabilitiesReason": reason,
        "ResourceTypes": template.resource_types,
        "Version": str(version) if version else None,
        "DeclaredTransforms": template.transforms,
    }


def validate_template(call: Call, params: Params) -> Answer:
    template = template_of(call, params)
    capabilities, reason = templates.required_capabilities(template)
    kept = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
    declared = parameters.declarations(template.parameters)
    return {
        "Parameters": [{name: item[name] for name in kept if name in item} for item in declared],
        "Description": template.description,
        "Capabilities": capabilities or None,
        "CapabilitiesReason": reason,
        "DeclaredTransforms": template.transforms or None,
    }


def list_exports(call: Call, params: Params) -> Answer:
    exports = [
        {"ExportingStackId": stack.stack_id, "Name": name, "Value": value}
        for stack, name, value in call.world.exports(call.region, call.seen)
    ]
    page, token = call.page(exports, lambda export: export["Name"], params.get("NextToken"))
    return {"Exports": page, "NextToken": token}
