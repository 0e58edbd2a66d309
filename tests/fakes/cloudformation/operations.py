"""Which handler answers which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.cloudformation import change_set_calls as change_sets
from tests.fakes.cloudformation import reading, stack_sets, writing

if TYPE_CHECKING:
    from tests.fakes.cloudformation.call import Call, Handler, Params


def get_caller_identity(call: Call, params: Params) -> dict[str, str]:
    account = call.world.account
    return {
        "UserId": "AROATESTGROUND0000000:deploy",
        "Account": account,
        "Arn": f"arn:aws:sts::{account}:assumed-role/deploy/deploy",
    }


READING: dict[str, Handler] = {
    "DescribeChangeSet": change_sets.describe_change_set,
    "DescribeEvents": reading.describe_events,
    "DescribeStackEvents": reading.describe_stack_events,
    "DescribeStackResource": reading.describe_stack_resource,
    "DescribeStackResources": reading.describe_stack_resources,
    "DescribeStacks": reading.describe_stacks,
    "GetCallerIdentity": get_caller_identity,
    "GetStackPolicy": writing.get_stack_policy,
    "GetTemplate": reading.get_template,
    "GetTemplateSummary": reading.get_template_summary,
    "ListChangeSets": change_sets.list_change_sets,
    "ListExports": reading.list_exports,
    "ListStackInstances": stack_sets.list_stack_instances,
    "ListStackResources": reading.list_stack_resources,
    "ListStackSetOperationResults": stack_sets.list_stack_set_operation_results,
    "ListStackSetOperations": stack_sets.list_stack_set_operations,
    "ListStacks": reading.list_stacks,
    "ValidateTemplate": reading.validate_template,
}
WRITING: dict[str, Handler] = {
    "CancelUpdateStack": writing.cancel_update_stack,
    "ContinueUpdateRollback": writing.continue_update_rollback,
    "CreateChangeSet": change_sets.create_change_set,
    "CreateStack": writing.create_stack,
    "CreateStackInstances": stack_sets.create_stack_instances,
    "CreateStackSet": stack_sets.create_stack_set,
    "DeleteChangeSet": change_sets.delete_change_set,
    "DeleteStack": writing.delete_stack,
    "DeleteStackInstances": stack_sets.delete_stack_instances,
    "DetectStackSetDrift": stack_sets.detect_stack_set_drift,
    "ExecuteChangeSet": change_sets.execute_change_set,
    "RollbackStack": writing.rollback_stack,
    "SetStackPolicy": writing.set_stack_policy,
    "StopStackSetOperation": stack_sets.stop_stack_set_operation,
    "UpdateStack": writing.update_stack,
    "UpdateStackSet": stack_sets.update_stack_set,
    "UpdateTerminationProtection": writing.update_termination_protection,
}
HANDLERS: dict[str, Handler] = {**READING, **WRITING}
