"""Amazon RDS: the events of an instance or a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.diagnosis.service_lookups import Finding, Service, Subject, finding_maker
from deploy_action.diagnosis.services.requests import asking, since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.aws_clients import AwsClients

_SOURCES = {"AWS::RDS::DBInstance": "db-instance", "AWS::RDS::DBCluster": "db-cluster"}
EVENTS_MAX = 100


class Rds:
    """Implements ports.Behind."""

    service = Service.RDS

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def look(self, subject: Subject) -> Sequence[Finding]:
        source = _SOURCES.get(subject.resource_type)
        if not subject.physical_id or source is None:
            return []
        make = finding_maker(subject, Service.RDS)
        with asking("rds"):
            events = self._clients.client("rds", subject.region).describe_events(
                SourceIdentifier=subject.physical_id,
                SourceType=source,
                StartTime=since(subject.started),
                MaxRecords=EVENTS_MAX,
            )["Events"]
            return [make(f"{event['Date']} {event['Message']}", event["Message"]) for event in events]
