"""The advice beside each cause of the real event logs, judged by a person.

The folder comes from `CFN_LOGS`, or is `shared/cfn-logs` beside the repository; without it this is skipped.
"""

from __future__ import annotations

import pytest

from deploy_action.diagnosis.causes import causes_of
from tests.causes_table import operations_in
from tests.diagnosis.test_causes_logs import FILES

pytestmark = pytest.mark.skipif(not FILES, reason="no real event logs at hand (set CFN_LOGS)")

# File, logical id of the cause ("" for a stack's own), title of the advice, whether following it helps. Where
# it does not, the log holds no more than names, and the advice says where the reason is to be found.
ADVICE = [
    ("02_", "ApplicationLoadBalancer", "Passing trouble", True),
    ("05_", "ApiGatewayLogsKmsKey", "Access denied for an operation", True),
    ("05_", "ApiGatewayAccount", "Access denied for an action", True),
    ("05_", "ApiGatewayAccessLogGroup", "Template not valid", True),
    ("05_", "ApiGatewayAccessLogGroup", "KMS key", True),
    ("05_", "ApiGatewayAccessLogGroup", "Access denied for an action", True),
    ("07_", "TimescaleDbInstanceE100262F691bbd6ddacab746", "Instance plan, class or capacity", True),
    ("09_", "Route53Record", "Route 53 record exists", True),
    ("11_", "EC2Role", "Policy not valid", True),
    ("12_", "SecurityGroupsStack", "Only names are known", False),
    ("15_", "DbInstance", "Instance plan, class or capacity", True),
    ("16_", "auth179371D7", "Only names are known", False),
    ("18_", "UdaBucket", "Bucket not there yet", True),
    ("19_", "InputBucket", "Bucket notification target", True),
    ("25_", "", "Only names are known", False),
    ("36_", "ECRRepo", "Policy not valid", True),
    ("501_", "Grant", "Custom resource failed", True),
    ("503_", "Assets", "Hook failed", True),
    ("505_", "Role", "Principal not valid", True),
    ("509_", "Rule", "Parameter not valid", True),
    ("511_", "Distribution", "CloudFront certificate", True),
    ("513_", "Trail", "Quota", True),
    ("515_", "DatabaseStack", "Template not valid", True),
    ("515_", "StorageStack", "Template not valid", True),
    ("517_", "", "Parameter value does not exist", True),
    ("519_", "", "Export in use", True),
    ("521_", "Stackset", "Lambda code not found", True),
    ("523_", "Zone", "Hosted zone not empty", True),
]


def told(prefix: str) -> set[tuple[str, str, str]]:
    return {
        (prefix, cause.label, cause.remedy.title if cause.remedy else "")
        for name, file in FILES.items()
        if name.startswith(prefix)
        for found in operations_in(file)
        for cause in causes_of(found.operation)
    }


@pytest.mark.parametrize("prefix", sorted({prefix for prefix, *_ in ADVICE}))
def test_the_advice_is_the_one_that_a_person_chose(prefix: str) -> None:
    if not any(name.startswith(prefix) for name in FILES):
        pytest.skip("this log is not in the folder")
    assert told(prefix) == {row[:3] for row in ADVICE if row[0] == prefix}


def test_nearly_all_advice_helps() -> None:
    helping = sum(helps for *_, helps in ADVICE)
    assert helping / len(ADVICE) >= 30 / 34
