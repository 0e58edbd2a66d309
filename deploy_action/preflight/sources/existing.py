"""Does something of that name exist? One request each, and nobody's content is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.aws_clients import error_code
from deploy_action.diagnosis.services.requests import asking
from deploy_action.preflight.checks.names import Taken
from deploy_action.preflight.checks.references import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.preflight.checks.names import Named
    from deploy_action.preflight.checks.references import Reference

_ABSENT = {
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "DBClusterNotFoundFault",
    "DBInstanceNotFound",
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFound",
    "QueueDoesNotExist",
    "RepositoryNotFoundException",
    "ResourceNotFoundException",
}
PARAMETERS_AT_ONCE = 10

_DIRECT: dict[str, tuple[str, str, str]] = {
    "AWS::DynamoDB::GlobalTable": ("dynamodb", "describe_table", "TableName"),
    "AWS::DynamoDB::Table": ("dynamodb", "describe_table", "TableName"),
    "AWS::IAM::Group": ("iam", "get_group", "GroupName"),
    "AWS::IAM::InstanceProfile": ("iam", "get_instance_profile", "InstanceProfileName"),
    "AWS::IAM::Role": ("iam", "get_role", "RoleName"),
    "AWS::IAM::User": ("iam", "get_user", "UserName"),
    "AWS::Lambda::Function": ("lambda", "get_function_configuration", "FunctionName"),
    "AWS::RDS::DBCluster": ("rds", "describe_db_clusters", "DBClusterIdentifier"),
    "AWS::RDS::DBInstance": ("rds", "describe_db_instances", "DBInstanceIdentifier"),
    "AWS::SQS::Queue": ("sqs", "get_queue_url", "QueueName"),
}
"""Service, operation, and the argument that takes the name: an answer means that it exists."""


class Existing:
    """Methods raise BehindDenied, BehindUnavailable."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def taken(self, named: Named, *, region: str, account: str, partition: str) -> Taken | None:
        """None where the name is free."""
        direct = _DIRECT.get(named.type)
        if direct is not None:
            service, operation, argument = direct
            with asking(service):
                call = getattr(self._clients.client(service, region), operation)
                return Taken(named) if _there(lambda: call(**{argument: named.name})) else None
        if named.type == "AWS::S3::Bucket":
            return self._bucket(named, region)
        if named.type == "AWS::SecretsManager::Secret":
            return self._secret(named, region)
        arn = f"arn:{partition}:sns:{region}:{account}:{named.name}"
        looks: dict[str, Callable[[], bool]] = {
            "AWS::ECR::Repository": lambda: self._repository(named.name, region),
            "AWS::Logs::LogGroup": lambda: self._log_group(named.name, region),
            "AWS::SNS::Topic": lambda: self._topic(arn, region),
            "AWS::SSM::Parameter": lambda: not self._unknown_parameters([named.name], region),
        }
        look = looks.get(named.type)
        return Taken(named) if look is not None and look() else None

    def missing(self, references: Sequence[Reference], region: str, store: Store) -> list[Reference]:
        """Those of one store that do not exist, or are about to be deleted."""
        wanted = [reference for reference in references if reference.store is store]
        if store is Store.PARAMETER:
            names = list(dict.fromkeys(reference.name for reference in wanted))
            unknown = self._unknown_parameters(names, region)
            return [reference for reference in wanted if reference.name in unknown]
        found = []
        with asking("secretsmanager"):
            client = self._clients.client("secretsmanager", region)
            for reference in wanted:
                answer = _there(lambda name=reference.name: client.describe_secret(SecretId=name))  # type: ignore[misc]
                if answer is None or answer.get("DeletedDate"):
                    found.append(reference)
        return found

    def _unknown_parameters(self, names: list[str], region: str) -> set[str]:
        unknown: set[str] = set()
        with asking("ssm"):
            client = self._clients.client("ssm", region)
            for start in range(0, len(names), PARAMETERS_AT_ONCE):
                some = names[start : start + PARAMETERS_AT_ONCE]
                answer = client.get_parameters(Names=some, WithDecryption=False)
                unknown.update(answer["InvalidParameters"])
        return unknown

    def _bucket(self, named: Named, region: str) -> Taken | None:
        with asking("s3"):
            client = self._clients.client("s3", region)
            try:
                return Taken(named) if _there(lambda: client.head_bucket(Bucket=named.name)) else None
            except client.exceptions.ClientError as error:
                if error_code(error) != "403":
                    raise
                # Somebody else's bucket, or one of ours that may not be seen: the name is taken either way,
                # unless a policy forbids even to ask.
                return Taken(named, how="seems to exist, and S3 does not let it be seen", certain=False)

    def _secret(self, named: Named, region: str) -> Taken | None:
        with asking("secretsmanager"):
            client = self._clients.client("secretsmanager", region)
            answer = _there(lambda: client.describe_secret(SecretId=named.name))
        if answer is None:
            return None
        waits = "is scheduled for deletion and keeps its name until then (aws secretsmanager restore-secret)"
        return Taken(named, how=waits if answer.get("DeletedDate") else "exists already")

    def _repository(self, name: str, region: str) -> bool:
        with asking("ecr"):
            client = self._clients.client("ecr", region)
            return _there(lambda: client.describe_repositories(repositoryNames=[name])) is not None

    def _log_group(self, name: str, region: str) -> bool:
        with asking("logs"):
            client = self._clients.client("logs", region)
            groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            return any(group["logGroupName"] == name for group in groups)

    def _topic(self, arn: str, region: str) -> bool:
        with asking("sns"):
            client = self._clients.client("sns", region)
            return _there(lambda: client.get_topic_attributes(TopicArn=arn)) is not None


def _there(call: Callable[[], Any]) -> Any:
    """The answer; None where AWS says that there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return None
        raise
