"""How long a resource type takes, in seconds, and what its handler reports on the way."""

from __future__ import annotations

CREATE, UPDATE, DELETE = "create", "update", "delete"

# Seconds to create, to update and to delete.
_SECONDS: dict[str, tuple[float, float, float]] = {
    "AWS::ApiGateway::Deployment": (1.8, 2, 0.9),
    "AWS::ApiGateway::Method": (3, 2, 1),
    "AWS::ApiGateway::RestApi": (2.2, 2, 1.1),
    "AWS::ApiGateway::Stage": (3.1, 1.8, 1.2),
    "AWS::ApiGatewayV2::Api": (2.7, 1.5, 1),
    "AWS::AutoScaling::AutoScalingGroup": (45, 20, 17),
    "AWS::CDK::Metadata": (1, 1, 0.9),
    "AWS::CertificateManager::Certificate": (239, 2, 2),
    "AWS::CloudFormation::WaitConditionHandle": (1, 1, 1),
    "AWS::CloudFront::Distribution": (319, 164, 311),
    "AWS::CloudWatch::Alarm": (3, 1, 1),
    "AWS::Cognito::UserPool": (2.6, 2, 1),
    "AWS::DynamoDB::Table": (18.6, 10, 11.3),
    "AWS::EC2::EIP": (17, 2, 1.6),
    "AWS::EC2::Instance": (15.2, 16, 51),
    "AWS::EC2::InternetGateway": (16.8, 16, 1),
    "AWS::EC2::NatGateway": (96, 5, 58.7),
    "AWS::EC2::Route": (2, 1, 1.4),
    "AWS::EC2::RouteTable": (12, 11, 1.2),
    "AWS::EC2::SecurityGroup": (9, 2, 1.3),
    "AWS::EC2::Subnet": (4.5, 10, 1.5),
    "AWS::EC2::VPC": (13.2, 2, 1.6),
    "AWS::ECR::Repository": (1.4, 2, 1),
    "AWS::ECS::Cluster": (5, 2, 11.3),
    "AWS::ECS::Service": (178, 203, 62),
    "AWS::ECS::TaskDefinition": (2, 1, 1),
    "AWS::EKS::Cluster": (591, 285, 120),
    "AWS::ElastiCache::CacheCluster": (344, 113, 446),
    "AWS::ElasticLoadBalancingV2::Listener": (1.8, 1, 1),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (155, 2, 61),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (17, 1, 1),
    "AWS::Events::Rule": (62, 1, 31.6),
    "AWS::IAM::InstanceProfile": (132, 1, 1),
    "AWS::IAM::Policy": (16.8, 3, 1),
    "AWS::IAM::Role": (17.7, 16.5, 12.2),
    "AWS::KMS::Key": (16.9, 71, 16.1),
    "AWS::Lambda::Alias": (2, 2, 1),
    "AWS::Lambda::Function": (8, 8.2, 3.7),
    "AWS::Lambda::LayerVersion": (7.9, 1, 1),
    "AWS::Lambda::Permission": (1.5, 1.4, 1),
    "AWS::Lambda::Version": (4, 1, 1),
    "AWS::Logs::LogGroup": (9.9, 1, 1),
    "AWS::RDS::DBCluster": (51, 62, 90),
    "AWS::RDS::DBInstance": (339, 171, 180),
    "AWS::Route53::RecordSet": (20, 2, 15),
    "AWS::S3::Bucket": (15, 12, 1.6),
    "AWS::S3::BucketPolicy": (1.6, 2, 1.2),
    "AWS::SNS::Topic": (1.6, 1, 46),
    "AWS::SQS::Queue": (32, 2, 31),
    "AWS::SSM::Parameter": (1.5, 1, 1),
    "AWS::SecretsManager::Secret": (2, 2, 6.4),
    "AWS::StepFunctions::StateMachine": (1.6, 1, 17),
}
_DEFAULT = (3.0, 2.0, 1.2)

_CONSISTENCY_CHECKED = frozenset(
    ("AWS::EC2::EIP", "AWS::EC2::InternetGateway", "AWS::EC2::RouteTable", "AWS::IAM::InstanceProfile",
     "AWS::KMS::Key", "AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::SQS::Queue")
)  # fmt: skip


def seconds(resource_type: str, action: str) -> float:
    """The usual time for `action` (`create`, `update`, `delete`) on a resource of this type."""
    create, update, delete = _SECONDS.get(resource_type, _DEFAULT)
    return {CREATE: create, UPDATE: update, DELETE: delete}[action]


def reports_consistency_check(resource_type: str) -> bool:
    """Whether creation tells "Eventual consistency check initiated" on its way."""
    return resource_type in _CONSISTENCY_CHECKED
