"""The table of what to do next: every row is reached by a reason as CloudFormation words it."""

from __future__ import annotations

import pytest

from deploy_action.diagnosis.causes import Cause
from deploy_action.diagnosis.remedies import QUOTED_MAX, SEARCHED_MAX, Row, remedy_for, rows

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
    ("Deletion protection", "Cannot delete protected instance, disable deletion protection first", "", ""),
    ("Bucket not empty", "The bucket you tried to delete is not empty", "AWS::S3::Bucket", "DELETE_FAILED"),
    ("Dependency violation", "resource sg-1 has a dependent object", "AWS::EC2::SecurityGroup", ""),
    (
        "Instance plan, class or capacity",
        "This instance size isn't available with free plan accounts.",
        "",
        "",
    ),
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
    ("Export missing", "No export named shop-vpc found. Rollback requested by user.", "", ""),
    ("Export in use", "Export shop-vpc cannot be deleted as it is in use by web", "", ""),
    ("Export in use", "Delete canceled. Cannot delete export shop:vpc as it is in use by web.", "", ""),
    (
        "Parameter value does not exist",
        "Parameter validation failed: parameter value my-key for parameter name KeyName does not exist.",
        "AWS::CloudFormation::Stack",
        "ROLLBACK_IN_PROGRESS",
    ),
    ("Principal not valid", 'Invalid principal in policy: "AWS":"AROAX"', "AWS::IAM::Role", ""),
    ("Policy too large", "Maximum policy size of 10240 bytes exceeded for role x", "AWS::IAM::Policy", ""),
    ("Policy not valid", "Invalid repository policy provided", "AWS::ECR::Repository", ""),
    ("Policy not valid", 'Resource shop/* must be in ARN format or "*".', "AWS::IAM::Role", ""),
    (
        "Lambda version unchanged",
        "A version for this Lambda function exists ( 3 ). Modify the function to create a new version.",
        "AWS::Lambda::Version",
        "",
    ),
    (
        "Runtime not supported",
        "The runtime parameter of nodejs12.x is no longer supported for creating functions.",
        "AWS::Lambda::Function",
        "",
    ),
    ("Tagging denied", "User: me is not authorized to tag this", "AWS::SQS::Queue", ""),
    (
        "Hosted zone not empty",
        "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
        "AWS::Route53::HostedZone",
        "DELETE_FAILED",
    ),
    ("Bucket not there yet", "The specified bucket does not exist", "AWS::S3::Bucket", "CREATE_FAILED"),
    ("Still changing", "Memory is in transitional state CREATING.", "AWS::BedrockAgentCore::Memory", ""),
    ("Still changing", "Instance db is currently creating - no final snapshot", "AWS::RDS::DBInstance", ""),
    ("Network addresses overlap", "The CIDR '10.0.1.0/24' conflicts with another subnet", "", ""),
    ("Dependency violation", "Cannot delete the subnet group: instance db is still using it.", "", ""),
    ("Dependency violation", "Cache subnet group x is currently in use by a cache cluster.", "", ""),
    ("Quota", "You have exceeded the limit of 5 Elastic IP addresses.", "AWS::EC2::EIP", ""),
    ("Quota", "User: 000000000000 already has 5 trails in us-east-1.", "AWS::CloudTrail::Trail", ""),
    ("Custom resource failed", "Failed to create resource. 404: No such identifier", "Custom::Grant", ""),
    (
        "CloudFront certificate",
        "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid",
        "AWS::CloudFront::Distribution",
        "",
    ),
    (
        "Nested template not readable",
        "S3 error: The specified key is not there.",
        "AWS::CloudFormation::Stack",
        "",
    ),
    ("Template not valid", "Invalid template resource property 'PublicAccess'", "", ""),
    ("Template not valid", "[/Resources/T/Properties] 'null' values are not allowed in templates", "", ""),
    ("Cannot be updated", "CloudFormation cannot update a stack when a custom-named resource", "", ""),
    ("Custom resource, own words", "the tenant has no such plan", "Custom::Tenant", "CREATE_FAILED"),
    (
        "Value refused",
        "Invalid request provided: InputAttachments name is wrong",
        "AWS::MediaLive::Channel",
        "",
    ),
    (
        "Value refused",
        "Error in validating configuration: limit must be a number",
        "AWS::AppConfig::Flag",
        "",
    ),
]

# Title of the row, the handler's error code beside a text that says nothing.
CODES = [
    ("Internal failure", "InternalFailure"),
    ("Internal failure", "GeneralServiceException"),
    ("Internal failure", "NotStabilized"),
    ("Throttling", "Throttling"),
    ("Access denied", "AccessDenied"),
    ("Tagging denied", "UnauthorizedTaggingOperation"),
    ("Expired credentials", "InvalidCredentials"),
    ("Name already exists", "AlreadyExists"),
    ("Not found", "NotFound"),
    ("Still changing", "ResourceConflict"),
    ("Quota", "ServiceLimitExceeded"),
    ("Passing trouble", "NetworkFailure"),
    ("Passing trouble", "ServiceInternalError"),
    ("Hook failed", "NonCompliant"),
    ("Cannot be updated", "NotUpdatable"),
    ("Type configuration", "InvalidTypeConfiguration"),
    ("Value refused", "InvalidRequest"),
]


@pytest.mark.parametrize(("title", "code"), CODES)
def test_where_the_text_says_nothing_the_code_of_the_handler_does(title: str, code: str) -> None:
    cause = Cause(
        stack_id="x",
        region="eu-west-1",
        logical_id="A",
        resource_type="AWS::Test::Thing",
        status="CREATE_FAILED",
        reason=f'Resource handler returned message: "null" (RequestToken: 1-2, HandlerErrorCode: {code})',
        timestamp=1,
    )
    assert cause.message == "null"
    assert cause.handler_code == code
    assert cause.remedy is not None
    assert cause.remedy.title == title


def test_a_code_quoted_by_somebody_inside_the_text_is_not_taken() -> None:
    reason = "x (RequestToken: 1, HandlerErrorCode: Throttling) and more"
    cause = Cause("x", "eu-west-1", "A", "AWS::Test::Thing", "CREATE_FAILED", reason, 1)
    assert cause.handler_code == ""


def test_a_code_alone_leaves_no_place_unfilled() -> None:
    for row in rows():
        assert row.codes is None or "{" not in row.advice, row.title


@pytest.mark.parametrize(("title", "reason", "type_", "status"), EXAMPLES)
def test_the_row_is_reached(title: str, reason: str, type_: str, status: str) -> None:
    remedy = remedy_for(reason, resource_type=type_, status=status)
    assert remedy is not None
    assert remedy.title == title
    assert "{" not in remedy.advice
    assert remedy.source == "" or remedy.source.startswith("https://")


def test_every_row_has_an_example() -> None:
    titles = [row.title for row in rows()]
    assert len(set(titles)) == len(titles)
    assert set(titles) == {title for title, *_ in (*EXAMPLES, *CODES)}


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
            assert row.pattern is None or unbounded not in row.pattern.pattern, row.title
