"""A request for a change set in the words of `CreateChangeSet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deploy_action.cloudformation.change_set import ChangeSetRequest
    from deploy_action.cloudformation.change_set_options import ChangeSetOptions


def template_arguments(request: ChangeSetRequest) -> dict[str, str]:
    if request.template_url:
        return {"TemplateURL": request.template_url}
    return {"TemplateBody": request.template_body or ""}


def change_set_arguments(request: ChangeSetRequest) -> dict[str, Any]:
    """Arguments that were not given are left out, since CloudFormation then keeps those of the stack. An
    empty list is sent, and takes it away."""
    parameters = [
        {"ParameterKey": parameter.name, "UsePreviousValue": True}
        if parameter.value is None
        else {"ParameterKey": parameter.name, "ParameterValue": parameter.value}
        for parameter in request.parameters
    ]
    options = request.options
    optional = {
        "RoleARN": request.role_arn or None,
        "Parameters": parameters or None,
        "Capabilities": list(request.capabilities) or None,
        "Tags": None
        if request.tags is None
        else [{"Key": key, "Value": value} for key, value in request.tags],
        "NotificationARNs": None if options.notification_arns is None else list(options.notification_arns),
        "RollbackConfiguration": _rollback(options) or None,
        # Older endpoints know none of these.
        "DeploymentMode": "REVERT_DRIFT" if options.revert_drift else None,
        "IncludeNestedStacks": options.include_nested_stacks or None,
        "ImportExistingResources": options.import_existing_resources or None,
    }
    return {
        "StackName": request.stack.name,
        "ChangeSetName": request.name,
        "ChangeSetType": "CREATE" if request.creates_stack else "UPDATE",
        "ClientToken": request.token,
        "Description": request.description,
        **template_arguments(request),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _rollback(options: ChangeSetOptions) -> dict[str, object]:
    found: dict[str, object] = {}
    if options.rollback_triggers is not None:
        found["RollbackTriggers"] = [
            {"Arn": trigger.arn, "Type": trigger.type} for trigger in options.rollback_triggers
        ]
    if options.monitoring_minutes is not None:
        found["MonitoringTimeInMinutes"] = options.monitoring_minutes
    return found
