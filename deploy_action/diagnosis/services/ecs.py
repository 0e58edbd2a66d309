"""Amazon ECS: why the tasks of a service do not start or do not stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy_action.diagnosis.service_lookups import Finding, Service, Subject, finding_maker
from deploy_action.diagnosis.services.requests import asking, since

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deploy_action.cloudformation.aws_clients import AwsClients

TASKS_MAX = 100
"""The number that one call describes; ECS keeps stopped tasks for about an hour, in no order."""
_ROUTINE = re.compile(
    r"has reached a steady state|has started \d+ tasks|has stopped \d+ (running|pending) tasks|"
    r"has begun draining|(?<!un)registered \d+ targets|deployment completed|has started .* as primary"
)
_REPLACED = re.compile(r"^Scaling activity initiated by")


class Ecs:
    """Implements ports.Behind for services."""

    service = Service.ECS

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def look(self, subject: Subject) -> Sequence[Finding]:
        if not subject.physical_id:
            return []
        with asking("ecs"):
            client = self._clients.client("ecs", subject.region)
            where = _cluster(subject.physical_id)
            floor = since(subject.started)
            make = finding_maker(subject, Service.ECS)
            rows = client.describe_services(services=[subject.physical_id], **where)["services"]
            found = [finding for row in rows for finding in _of_service(row, floor, make)]
            if not rows:
                return found
            arns = client.list_tasks(
                serviceName=rows[0]["serviceName"], desiredStatus="STOPPED", maxResults=TASKS_MAX, **where
            )["taskArns"]
            tasks = client.describe_tasks(tasks=arns[:TASKS_MAX], **where)["tasks"] if arns else []
            return found + [f for task in tasks if (f := _of_task(task, floor, make)) is not None]


def _cluster(arn: str) -> dict[str, str]:
    """`arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`; the old form lacks the cluster: the default one."""
    parts = arn.split("/")
    return {"cluster": parts[1]} if len(parts) == 3 else {}


def _of_service(row: dict[str, Any], floor: datetime, make: Callable[[str, str], Finding]) -> list[Finding]:
    events = [event for event in row.get("events", []) if event["createdAt"] >= floor]
    found = [
        make(event["id"], event["message"])
        for event in sorted(events, key=lambda event: event["createdAt"])
        if not _ROUTINE.search(event["message"])
    ]
    for deployment in row.get("deployments", []):
        state, failed = deployment.get("rolloutState", ""), deployment.get("failedTasks", 0)
        if not failed and state != "FAILED":
            continue
        running, wanted = deployment.get("runningCount", 0), deployment.get("desiredCount", 0)
        reason = f": {text}" if (text := deployment.get("rolloutStateReason", "")) else ""
        text = f"{running} of {wanted} tasks run, {failed} failed; rollout {state or 'unknown'}{reason}"
        found.append(make(f"{deployment.get('id', '')} {text}", text))
    return found


def _of_task(task: dict[str, Any], floor: datetime, make: Callable[[str, str], Finding]) -> Finding | None:
    """None for tasks of before, and for those that an update replaces."""
    stopped, reason = task.get("stoppedAt") or task.get("stoppingAt"), task.get("stoppedReason", "")
    if (stopped is not None and stopped < floor) or _REPLACED.search(reason):
        return None
    details = []
    for container in task.get("containers", []):
        parts = [container.get("reason", "")]
        if container.get("exitCode") is not None:
            parts.append(f"exit code {container['exitCode']}")
        told = ", ".join(part for part in parts if part)
        if told:
            details.append(f"container {container.get('name', '?')}: {told}")
    text = "; ".join([reason or "no reason given", *details])
    return make(task["taskArn"], f"a task stopped: {text}")
