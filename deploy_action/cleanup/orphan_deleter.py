"""Deletes what a stack left behind, by name. Nothing is emptied for it: what refuses stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.diagnosis.services.requests import asking

if TYPE_CHECKING:
    from deploy_action.cloudformation.aws_clients import AwsClients

_WAYS: dict[str, tuple[str, str, str]] = {
    "AWS::DynamoDB::Table": ("dynamodb", "delete_table", "TableName"),
    "AWS::ECR::Repository": ("ecr", "delete_repository", "repositoryName"),
    "AWS::IAM::Role": ("iam", "delete_role", "RoleName"),
    "AWS::Logs::LogGroup": ("logs", "delete_log_group", "logGroupName"),
    "AWS::S3::Bucket": ("s3", "delete_bucket", "Bucket"),
    "AWS::SNS::Topic": ("sns", "delete_topic", "TopicArn"),
    "AWS::SQS::Queue": ("sqs", "delete_queue", "QueueUrl"),
    "AWS::SSM::Parameter": ("ssm", "delete_parameter", "Name"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "delete_secret", "SecretId"),
}
"""Service, operation, and the argument that takes the physical id."""


class Orphans:
    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def delete(self, resource_type: str, physical_id: str, region: str) -> None:
        """A secret waits for its deletion as AWS asks for. Raises BehindDenied, BehindUnavailable with
        AWS's own code, such as BucketNotEmpty; KeyError for a type that is not known here."""
        service, operation, argument = _WAYS[resource_type]
        with asking(service):
            getattr(self._clients.client(service, region), operation)(**{argument: physical_id})
