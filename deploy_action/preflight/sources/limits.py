"""How much of something an account may have, and has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.aws_clients import error_code
from deploy_action.cloudformation.regions import partition_of
from deploy_action.diagnosis.services.requests import asking
from deploy_action.preflight.checks.quotas import Counted
from deploy_action.preflight.facts import Quota

if TYPE_CHECKING:
    from deploy_action.cloudformation.aws_clients import AwsClients

_CODES = {
    Counted.VPC: ("vpc", "L-F678F1CE"),
    Counted.ADDRESS: ("ec2", "L-0263D0A3"),
    Counted.GATEWAY: ("vpc", "L-A4707A72"),
    Counted.BUCKET: ("s3", "L-DC2B2D3D"),
}
"""Service and code in Service Quotas (source: its console)."""


class Limits:
    """Methods raise BehindDenied, BehindUnavailable."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def quota(self, counted: Counted, region: str, *, account: str) -> Quota:
        """`account`: whose things count; empty where that is not known, and all that is seen counts."""
        if counted is Counted.ROLE:
            with asking("iam"):
                summary = self._clients.client("iam", region).get_account_summary()["SummaryMap"]
                return Quota(summary["RolesQuota"], summary["Roles"])
        limit = self._limit(counted, region)
        return Quota(limit, self._used(counted, region, account))

    def _limit(self, counted: Counted, region: str) -> float:
        service, code = _CODES[counted]
        # Buckets are counted once for all regions of a partition.
        partition = partition_of(region) if counted is Counted.BUCKET else None
        home = partition.home_region if partition else region
        with asking("servicequotas"):
            client = self._clients.client("service-quotas", home)
            try:
                answer = client.get_service_quota(ServiceCode=service, QuotaCode=code)
            except client.exceptions.ClientError as error:
                if error_code(error) != "NoSuchResourceException":
                    raise
                answer = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
            return float(answer["Quota"]["Value"])

    def _used(self, counted: Counted, region: str, account: str) -> int:
        if counted is Counted.BUCKET:
            with asking("s3"):
                return len(self._clients.client("s3", region).list_buckets()["Buckets"])
        with asking("ec2"):
            client = self._clients.client("ec2", region)
            if counted is Counted.ADDRESS:
                return len(client.describe_addresses()["Addresses"])
            operation, key = {
                Counted.VPC: ("describe_vpcs", "Vpcs"),
                Counted.GATEWAY: ("describe_internet_gateways", "InternetGateways"),
            }[counted]
            pages = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1000})
            # What others share with this account is seen too.
            return sum(
                not account or row.get("OwnerId", account) == account for page in pages for row in page[key]
            )
