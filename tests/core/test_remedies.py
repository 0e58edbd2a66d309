"""The table of what to do next: every row is reached by a reason as CloudFormation words it."""

from __future__ import annotations

import pytest

from deploy_action.core.remedies import QUOTED_MAX, SEARCHED_MAX, Row, remedy_for, rows

# Title of the row, reason, resource type, status.
EXAMPLES = [
    ("No updates", "No updates are to be performed.", "", ""),
    (
        "CDK not bootstrapped",
        "Shop: SSM parameter /cdk-bootstrap/hnb659fds/version not found. Has the",
        "",
        "",
    ),
    ("No credentials", "Unable to locate credentials. You can configure them", "", ""),
    ("Expired credentials", "The security token included in the request is expired", "", ""),
    ("Missing capability", "Requires capabilities : [CAPABILITY_IAM]", "", ""),
    ("Missing capability, not named", "InsufficientCapabilitiesException", "", ""),
    ("Hook failed", "The following hook(s) failed: [Corp::Rules::Hook]", "", ""),
    ("Hook failed", "Hook Corp::Rules::Hook failed: access denied by rule 7", "", ""),
    ("Service-linked role missing", "Unable to assume the service linked role. Verify it exists", "", ""),
    (
        "Lambda role cannot be assumed",
        "The role defined for the function cannot be assumed by Lambda.",
        "",
        "",
    ),
    ("KMS key", "The specified KMS Key Id could not be found.", "AWS::Logs::LogGroup", ""),
    ("Access denied for an action", "User: me is not authorized to perform: iam:PassRole on x", "", ""),
    ("Access denied for an action", "User: me is not authorized to perform: kms:CreateKey on x", "", ""),
    ("Access denied for an operation", "Access denied for operation 'CreateKey'.", "", ""),
    ("Access denied", "Access Denied (Service: S3, Status Code: 403)", "", ""),
    ("Throttling", "Rate exceeded (Service: Lambda, Status Code: 429)", "", ""),
    ("CloudFront alias in use", "One or more of the CNAMEs you provided are already associated", "", ""),
    ("Route 53 record exists", "[Tried to create it but it already exists]", "AWS::Route53::RecordSet", ""),
    ("Bucket name taken", "The requested bucket name is not available.", "AWS::S3::Bucket", ""),
    ("Log group exists", "/aws/lambda/x already exists", "AWS::Logs::LogGroup", ""),
    ("Name already exists", "shop-queue already exists in stack arn:x", "AWS::SQS::Queue", ""),
    ("Export in use", "Export shop-vpc cannot be deleted as it is in use by web", "", ""),
    ("Deletion protection", "Cannot delete protected instance, disable deletion protection first", "", ""),
    ("Bucket not empty", "The bucket you tried to delete is not empty", "AWS::S3::Bucket", "DELETE_FAILED"),
    ("Dependency violation", "resource sg-1 has a dependent object", "AWS::EC2::SecurityGroup", ""),
    ("RDS plan or class", "This instance size isn't available with free plan accounts.", "", ""),
    ("Quota", "The maximum number of VPCs has been reached. VpcLimitExceeded", "", ""),
    ("ECS tasks do not start", "ECS Deployment Circuit Breaker was triggered", "AWS::ECS::Service", ""),
    ("ECS service not stable", "Exceeded attempts to wait", "AWS::ECS::Service", ""),
    ("Custom resource silent", "CloudFormation did not receive a response from your Custom Resource", "", ""),
    ("Custom resource failed", "Received response status [FAILED] from custom resource. Message: x", "", ""),
    ("Signals missing", "WaitCondition timed out. Received 0 conditions when expecting 1", "", ""),
    ("Image invalid", "The image id '[ami-1]' does not exist", "AWS::EC2::Instance", ""),
    ("Certificate not valid", "The certificate 'arn:x' is not a valid one", "", ""),
    ("Lambda code not found", "Error occurred while GetObject. S3 Error Code: NoSuchKey", "", ""),
    ("Parameter or secret missing", "Unable to fetch parameters [/shop/key] from parameter store", "", ""),
    ("Parameter not valid", "Parameter 'Size' must be one of AllowedValues", "", ""),
    ("Template not valid", "Properties validation failed for resource A with message: x", "", ""),
    ("Bucket notification target", "Unable to validate the following destination configurations", "", ""),
    ("Passing trouble", "bucket validation transient issue", "", ""),
    ("Not found", "The specified bucket does not exist (Service: S3)", "", ""),
    ("Rollback failed", "The following resource(s) failed to update: [A]. ", "", "UPDATE_ROLLBACK_FAILED"),
    ("Stack in wrong state", "Stack:arn:x is in ROLLBACK_COMPLETE state and can not be updated.", "", ""),
    ("Only names are known", "The following resource(s) failed to create: [A, B]. ", "", ""),
    ("Internal failure", "Internal Failure", "AWS::Test::Thing", ""),
]


@pytest.mark.parametrize(("title", "reason", "type_", "status"), EXAMPLES)
def test_the_row_is_reached(title: str, reason: str, type_: str, status: str) -> None:
    remedy = remedy_for(reason, resource_type=type_, status=status)
    assert remedy is not None
    assert remedy.title == title
    assert "{" not in remedy.advice
    assert remedy.source == "" or remedy.source.startswith("https://")


def test_every_row_has_an_example() -> None:
    assert [row.title for row in rows()] == list(dict.fromkeys(title for title, *_ in EXAMPLES))


def test_what_nobody_knows_has_no_advice() -> None:
    assert remedy_for("something entirely new happened") is None


def test_who_and_what_was_denied_is_named() -> None:
    remedy = remedy_for("User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on y")
    assert remedy is not None
    assert "Allow iam:PassRole for arn:aws:iam::1:user/x," in remedy.advice


def test_only_the_beginning_of_a_long_reason_is_searched_and_little_of_it_quoted() -> None:
    assert remedy_for("x" * SEARCHED_MAX + " already exists") is None
    remedy = remedy_for(f"User: {'x' * 290} is not authorized to perform: s3:GetObject")
    assert remedy is not None
    assert "x" * QUOTED_MAX in remedy.advice
    assert "x" * (QUOTED_MAX + 1) not in remedy.advice


def test_no_pattern_repeats_a_repetition_without_bound() -> None:
    for row in rows():
        assert isinstance(row, Row)
        for unbounded in (".*", ".+", r"\S*", r"\S+ is", ")*", ")+"):
            assert unbounded not in row.pattern.pattern, row.title
