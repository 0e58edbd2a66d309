"""AWS CloudTrail: the call behind a failed resource, in the service's own words.

CloudTrail shows a call some 5 minutes after it was made, at times 15 (its user guide), so what a look right
after a failure does not find may still come.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deploy_action.diagnosis.service_lookups import Finding, Service, Subject, finding_maker
from deploy_action.diagnosis.services.requests import asking, since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.aws_clients import AwsClients

_VERBS = {"CREATE": "Create", "DELETE": "Delete", "UPDATE": "Update"}
_CALLS = {
    ("AWS::EC2::Instance", "CREATE"): "RunInstances",
    ("AWS::EC2::Instance", "DELETE"): "TerminateInstances",
    ("AWS::EC2::VPC", "CREATE"): "CreateVpc",
    ("AWS::Lambda::Function", "CREATE"): "CreateFunction20150331",
    ("AWS::Lambda::Function", "UPDATE"): "UpdateFunctionConfiguration20150331v2",
    ("AWS::Lambda::Function", "DELETE"): "DeleteFunction20150331",
    ("AWS::RDS::DBInstance", "UPDATE"): "ModifyDBInstance",
    ("AWS::RDS::DBCluster", "UPDATE"): "ModifyDBCluster",
    ("AWS::SSM::Parameter", "CREATE"): "PutParameter",
    ("AWS::IAM::ManagedPolicy", "CREATE"): "CreatePolicy",
    ("AWS::IAM::Policy", "CREATE"): "PutRolePolicy",
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "UPDATE"): "SetSecurityGroups",
}
_CLOUDFORMATION = "cloudformation.amazonaws.com"
AFTER_SECONDS = 5.0
EVENTS_MAX = 50
TOLD_MAX = 3


class CloudTrail:
    """Implements ports.Behind for what has failed."""

    service = Service.CLOUDTRAIL

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def look(self, subject: Subject) -> Sequence[Finding]:
        make = finding_maker(subject, Service.CLOUDTRAIL)
        found: list[tuple[str, str]] = []
        with asking("cloudtrail"):
            client = self._clients.client("cloudtrail", subject.region)
            until = datetime.fromtimestamp((subject.ended or subject.started) + AFTER_SECONDS, UTC)
            for attribute, value in _attributes(subject):
                rows = client.lookup_events(
                    LookupAttributes=[{"AttributeKey": attribute, "AttributeValue": value}],
                    StartTime=since(subject.started),
                    EndTime=until,
                    MaxResults=EVENTS_MAX,
                )["Events"]
                found += [told for row in rows if (told := _told(row, subject)) is not None]
                if found:
                    break
        return [make(key, text) for key, text in reversed(found[:TOLD_MAX])]


def _attributes(subject: Subject) -> list[tuple[str, str]]:
    """A lookup takes one attribute. A denied call mostly names no resource: the call's name comes first."""
    return [
        ("EventName", call_of(subject.resource_type, subject.action)),
        ("ResourceName", subject.physical_id or subject.logical_id),
    ]


def call_of(resource_type: str, action: str) -> str:
    """The call that does it: `CreateBucket` of `AWS::S3::Bucket`; for most types that is how it is named."""
    known = _CALLS.get((resource_type, action))
    return known or f"{_VERBS.get(action, 'Update')}{resource_type.rpartition(':')[2]}"


def _told(row: dict[str, Any], subject: Subject) -> tuple[str, str] | None:
    """Key and text of a call that failed and was made by CloudFormation or names the resource."""
    text = row.get("CloudTrailEvent") or "{}"
    event = json.loads(text)
    code = event.get("errorCode")
    if not code:
        return None
    caller = (event.get("sourceIPAddress"), event.get("userAgent"))
    if _CLOUDFORMATION not in caller and (subject.physical_id or subject.logical_id) not in text:
        return None
    source = str(event.get("eventSource", "")).partition(".")[0]
    message = f": {event['errorMessage']}" if event.get("errorMessage") else ""
    return row["EventId"], f"{source}:{row.get('EventName', '?')} failed with {code}{message}"
