"""CloudWatch Logs: what the Lambda function of a custom resource wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy_action.diagnosis.service_lookups import Finding, Service, Subject, finding_maker
from deploy_action.diagnosis.services.functions import Functions
from deploy_action.diagnosis.services.requests import EARLIER_SECONDS, asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.aws_clients import AwsClients

LINES_MAX = 5
PAGES_MAX = 2
_PATTERN = '?ERROR ?Error ?Exception ?Traceback ?FAILED ?"Task timed out"'
_TELLING = re.compile(r"ERROR|Error|Exception|Traceback|FAILED|Task timed out")
_ROUTINE = re.compile(r"^(START|END|INIT_START|REPORT) ")


class CustomResource:
    """Implements ports.Behind for custom resources that are backed by Lambda."""

    service = Service.LAMBDA

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._functions = Functions(clients)

    def look(self, subject: Subject) -> Sequence[Finding]:
        with asking("cloudformation"):
            name = self._functions.of(subject)
        if not name:
            return []
        with asking("logs"):
            client = self._clients.client("logs", subject.region)
            groups = client.exceptions.ResourceNotFoundException
            try:
                lines = _lines(client, self._functions.known_group(name), subject)
            except groups:
                group = self._functions.group(name, subject.region)
                lines = _lines(client, group, subject) if group else []
        make = finding_maker(subject, Service.LAMBDA)
        return [make(line["eventId"], f"{name}: {line['message']}") for line in lines]


def _lines(client: Any, group: str, subject: Subject) -> list[dict[str, Any]]:
    """The last lines that tell of trouble, else the last lines."""
    telling = _read(client, group, subject, {"filterPattern": _PATTERN})
    lines = [line for line in telling if _TELLING.search(line["message"])]
    if not lines:
        lines = _read(client, group, subject, {})
        lines = [line for line in lines if not _ROUTINE.match(line["message"])] or lines
    return lines[-LINES_MAX:]


def _read(client: Any, group: str, subject: Subject, more: dict[str, str]) -> list[dict[str, Any]]:
    """Oldest first, from the start of the activity. A page may be empty and have others after it."""
    found: list[dict[str, Any]] = []
    for _ in range(PAGES_MAX):
        answer = client.filter_log_events(
            logGroupName=group, startTime=round((subject.started - EARLIER_SECONDS) * 1000), **more
        )
        found += answer.get("events", [])
        if not answer.get("nextToken"):
            break
        more = {**more, "nextToken": answer["nextToken"]}
    return found
