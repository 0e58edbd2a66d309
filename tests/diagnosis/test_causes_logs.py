"""Causes held against real event logs.

The folder comes from `CFN_LOGS`, or is `shared/cfn-logs` beside the repository; without it they are skipped.
Each log was read by a person; only file names and logical ids stand here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.operation import Operation
from deploy_action.diagnosis.causes import causes_of
from tests.causes_table import operations_in
from tests.fakes.cloudformation.recording import moment_of, read_jsonl

LOGS = Path(os.environ.get("CFN_LOGS") or Path(__file__).parents[3] / "shared" / "cfn-logs")
FILES = {file.name: file for file in sorted(LOGS.glob("*.jsonl"))}
pytestmark = pytest.mark.skipif(not FILES, reason="no real event logs at hand (set CFN_LOGS)")

# File, number of the root stack's operation in it, logical ids of the causes.
FAILED = [
    ("02_secure-web_create_rollback_alb.jsonl", 1, ["ApplicationLoadBalancer"]),
    ("05_ai-chatbot_7_operations_rollbacks.jsonl", 4, ["ApiGatewayLogsKmsKey"]),
    # The second was found invalid, and cancelled before it could fail.
    ("05_ai-chatbot_7_operations_rollbacks.jsonl", 5, ["ApiGatewayAccount", "ApiGatewayAccessLogGroup"]),
    ("05_ai-chatbot_7_operations_rollbacks.jsonl", 6, ["ApiGatewayAccessLogGroup"]),
    # The deletions of its key that fail three times afterwards are noise.
    ("05_ai-chatbot_7_operations_rollbacks.jsonl", 7, ["ApiGatewayAccessLogGroup"]),
    # Its beginning is missing, and a user deletes the stack while it rolls back.
    ("07_intelpulse_create_rollback_then_delete.jsonl", 1, ["TimescaleDbInstanceE100262F691bbd6ddacab746"]),
    ("09_pocalb_create_rollback.jsonl", 1, ["Route53Record"]),
    ("11_tradingedge_create_rollback.jsonl", 1, ["EC2Role"]),
    # The nested stacks' own events are not in these two: the wrapper is all there is.
    ("12_niigata_create_rollback.jsonl", 1, ["SecurityGroupsStack"]),
    ("16_amplify_syncweb_create_rollback.jsonl", 1, ["auth179371D7"]),
    ("15_telegram-calendar_create_rollback.jsonl", 1, ["DbInstance"]),
    ("18_udatest_create_rollback.jsonl", 1, ["UdaBucket"]),
    ("19_ndjson-parquet_create_rollback_a.jsonl", 1, ["InputBucket"]),
    ("36_ansible_on_create_failure_rollback.jsonl", 1, ["ECRRepo"]),
    # Only the newest events were kept: the stack's own summary is all there is, or not even that.
    ("25_legal-doc_rollback_tail.jsonl", 1, ["legal-doc-processing-dev"]),
    ("23_maatrisahayak_rollback_tail.jsonl", 1, []),
    ("42_ecs-agent1996_update_rollback_tail.jsonl", 1, []),
    # A service that hangs on an image that does not exist: CloudFormation says nothing of it.
    ("41_cdk3998_ecs_hang.jsonl", 1, []),
    ("501_custom_resource_update_rollback.jsonl", 2, ["Grant"]),
    ("503_hook_control_tower_create_rollback.jsonl", 1, ["Assets"]),
    ("505_role_invalid_principal_create_rollback.jsonl", 1, ["Role"]),
    # The creation that failed, and its deletion in the rollback, which needs a person.
    ("509_ecr_pull_through_rollback_failed_partial.jsonl", 1, ["Rule", "Rule"]),
    ("511_cloudfront_cert_then_rds_delete_failed_partial.jsonl", 1, ["Distribution"]),
    ("513_cloudtrail_quota_partial.jsonl", 1, ["Trail"]),
    ("515_nested_templates_invalid_partial.jsonl", 1, ["DatabaseStack", "StorageStack"]),
    # CloudFormation gave the reason at the stack alone.
    ("517_parameter_validation_create_rollback.jsonl", 1, ["first"]),
    ("519_delete_export_canceled_update_rollback_partial.jsonl", 1, ["network"]),
    ("521_stackset_instance_update_failed_partial.jsonl", 1, ["Stackset"]),
    ("523_hosted_zone_delete_failed.jsonl", 1, ["Zone"]),
]
GOOD = [
    "01_secure-web_create_ok.jsonl",
    "04_smart-device_first_20_operations.jsonl",
    "13_roomiematcher_db_create_ok.jsonl",
    "21_genai-chatbot_2_updates_ok.jsonl",
    "26_rain_ecs-cw-eval_create_ok_27min.jsonl",
    "27_amplify_add_function_storage.jsonl",
    "27_amplify_destroy_cdk_structured.jsonl",
    "27_amplify_new_deployment_structured.jsonl",
    "27_amplify_update_amplify_outputs_structured.jsonl",
    "31_cdk_payment_aurora_run1.jsonl",
    "35_cdk_workshop_dotnet_create_ok.jsonl",
    "36_ansible_basic_s3_stack.jsonl",
    "528_ec2_replaced_update_ok.jsonl",
]
READ = sorted(FILES.keys() & ({name for name, _, _ in FAILED} | set(GOOD)))
"""The logs that a person has read; of others nothing is expected but that no failure is lost."""


def event(row: dict[str, Any], number: int) -> StackEvent:
    stack = str(row["stack"])
    return StackEvent(
        event_id=str(number),
        region="eu-west-1",
        stack_id=stack,
        logical_id=row["logical_id"],
        physical_id=stack if row["is_stack"] else "",
        resource_type=row["type"],
        status=row["status"],
        timestamp=moment_of(row),
        reason=row.get("reason") or "",
        detailed_status=row.get("DetailedStatus") or "",
    )


def operations(file: str) -> list[Operation]:
    """The folds of a log's operations: one ends where the next one of its first stack begins at rest."""
    rows = sorted(read_jsonl(FILES[file]), key=moment_of)
    first = str(rows[0]["stack"])
    found = [Operation()]
    for number, row in enumerate(rows):
        it = event(row, number)
        known = found[-1].stacks.get(first)
        if it.starts_operation and it.stack_id == first and known and known.ended is not None:
            found.append(Operation())
        found[-1].apply(it)
    return found


@pytest.mark.parametrize(("file", "number", "expected"), [row for row in FAILED if row[0] in FILES])
def test_the_causes_of_a_real_failure(file: str, number: int, expected: list[str]) -> None:
    assert [cause.logical_id for cause in causes_of(operations(file)[number - 1])] == expected


@pytest.mark.parametrize("file", READ)
def test_no_other_operation_has_causes(file: str) -> None:
    known = {number for name, number, _ in FAILED if name == file}
    for number, operation in enumerate(operations(file), 1):
        assert number in known or causes_of(operation) == ()


@pytest.mark.parametrize("file", list(FILES))
def test_split_by_root_stack_no_failure_is_without_a_cause(file: str) -> None:
    found = operations_in(FILES[file])
    known = {number: names for name, number, names in FAILED if name == file}
    for one in found:
        assert not one.lost
        names = [cause.logical_id for cause in causes_of(one.operation)]
        assert file not in READ or names == known.get(one.number, [])


@pytest.mark.parametrize("file", list(FILES))
def test_several_operations_in_one_watch_end_with_the_causes_of_the_last(file: str) -> None:
    whole = Operation()
    for number, row in enumerate(sorted(read_jsonl(FILES[file]), key=moment_of)):
        whole.apply(event(row, number))
    last = operations(file)[-1]
    assert [cause.message for cause in causes_of(whole)] == [cause.message for cause in causes_of(last)]


@pytest.mark.parametrize("file", list(FILES))
def test_nothing_keeps_running_in_a_stack_that_has_come_to_its_end(file: str) -> None:
    for operation in operations(file):
        for progress in operation.roots:
            if progress.ended is not None and not progress.in_progress:
                assert [a.logical_id for a in progress.activities if a.running] == []
