"""One server for all services: which one is meant stands in the request's signature."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.fakes.behind.shapes import checked_request, rendered
from tests.fakes.cloudformation import protocol
from tests.fakes.cloudformation.errors import AwsError
from tests.fakes.http import FakeServer, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
_JSON = "application/x-amz-json-1.1"
_QUERY = {"cloudformation", "rds"}


@dataclass
class Cloud:
    """What there is. Times are unix seconds."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    """ECS services by ARN."""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    """Lines of log groups."""
    functions: dict[str, str] = field(default_factory=dict)
    """Log groups of functions."""
    database_events: list[dict[str, Any]] = field(default_factory=list)
    trail: list[dict[str, Any]] = field(default_factory=list)
    templates: dict[str, str] = field(default_factory=dict)
    resources: dict[tuple[str, str], str] = field(default_factory=dict)
    """Physical ids by stack and logical id."""
    parameters: dict[str, str] = field(default_factory=dict)


class BehindServer(FakeServer):
    """Requests are known as `POST /SERVICE/OPERATION`, for faults and for `asked`."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud = Cloud()

    def refuse(self, service: str, operation: str, code: str, message: str = "", **details: Any) -> None:
        """Answer with an error of AWS until faults are cleared."""
        status = details.pop("status", 400)
        body: Any = {"__type": code, "message": message}
        headers = {"x-amzn-ErrorType": code}
        if service in _QUERY:
            body = protocol.render_error("", AwsError(code, message, status), "r-1")
        times = details.pop("times", None)
        self.fail(f"/{service}/{operation}$", status=status, body=body, headers=headers, times=times)

    def deny(self, service: str, operation: str) -> None:
        self.refuse(
            service,
            operation,
            "AccessDenied" if service in _QUERY else "AccessDeniedException",
            f"User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: "
            f"{service}:{operation} on resource: * because no identity-based policy allows it",
        )

    def answer(self, request: Request) -> Response | None:
        service, operation = _meant(request)
        headers = {**request.headers, "x-function": request.path.split("/")[3] if service == "lambda" else ""}
        return super().answer(replace(request, target=f"/{service}/{quote(operation)}", headers=headers))

    def respond(self, request: Request) -> Response:
        _, service, operation = request.path.split("/", 2)
        model = protocol.operation_model(service, operation)
        handler: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"_{operation}")
        try:
            if service in _QUERY:
                given = protocol.parse_request(model, protocol.parse_form(request.body.decode()))
                body = protocol.render_answer(model, handler(given), "r-1")
                return Response(200, body, {"Content-Type": "text/xml"})
            raw = {"FunctionName": request.headers["x-function"]} if service == "lambda" else request.json
            given = checked_request(model.input_shape, raw)
            shape = model.output_shape
            assert shape is not None
            return Response(200, rendered(shape, handler(given), operation), {"Content-Type": _JSON})
        except AwsError as error:
            if service in _QUERY:
                return Response(error.status, protocol.render_error("", error, "r-1"))
            return Response(
                error.status,
                {"__type": error.code, "message": error.message},
                {"x-amzn-ErrorType": error.code},
            )

    def _DescribeServices(self, given: dict[str, Any]) -> dict[str, Any]:
        cluster = given.get("cluster", "default")
        found = [
            row
            for arn, row in self.cloud.services.items()
            if arn in given["services"] and row["clusterArn"].endswith(f"/{cluster}")
        ]
        missing = set(given["services"]) - {row["serviceArn"] for row in found}
        return {"services": found, "failures": [{"arn": arn, "reason": "MISSING"} for arn in missing]}

    def _ListTasks(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = given.get("desiredStatus", "RUNNING")
        arns = [task["taskArn"] for task in self.cloud.tasks if task["desiredStatus"] == wanted]
        return {"taskArns": arns[: given.get("maxResults", 100)]}

    def _DescribeTasks(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"tasks": [task for task in self.cloud.tasks if task["taskArn"] in given["tasks"]]}

    def _FilterLogEvents(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("logGroupName", "")
        if name not in self.cloud.groups:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        words = re.findall(r'\?(?:"([^"]+)"|(\S+))', given.get("filterPattern", ""))
        terms = [quoted or bare for quoted, bare in words]
        return {
            "events": [
                {"eventId": f"{name}-{number}", "timestamp": round(time * 1000), "message": message}
                for number, (time, message) in enumerate(self.cloud.groups[name])
                if time * 1000 >= given.get("startTime", 0)
                and (not terms or any(term in message for term in terms))
            ]
        }

    def _GetFunctionConfiguration(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["FunctionName"]
        if name not in self.cloud.functions:
            raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)
        return {"FunctionName": name, "LoggingConfig": {"LogGroup": self.cloud.functions[name]}}

    def _DescribeEvents(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "Events": [
                event
                for event in self.cloud.database_events
                if event["SourceIdentifier"] == given["SourceIdentifier"]
                and event["SourceType"] == given["SourceType"]
                and event["Date"] >= given["StartTime"].timestamp()
            ]
        }

    def _LookupEvents(self, given: dict[str, Any]) -> dict[str, Any]:
        (attribute,) = given["LookupAttributes"]
        key, value = attribute["AttributeKey"], attribute["AttributeValue"]

        def matches(event: dict[str, Any]) -> bool:
            if key == "EventName":
                return bool(event["EventName"] == value)
            return any(resource["ResourceName"] == value for resource in event.get("Resources", []))

        rows = [event for event in self.cloud.trail if matches(event)]
        return {"Events": [row for row in rows if given["StartTime"] <= row["EventTime"] <= given["EndTime"]]}

    def _GetTemplate(self, given: dict[str, Any]) -> dict[str, Any]:
        body = self.cloud.templates.get(given["StackName"])
        if body is None:
            raise AwsError("ValidationError", f"Stack with id {given['StackName']} does not exist")
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def _DescribeStackResources(self, given: dict[str, Any]) -> dict[str, Any]:
        key = (given["StackName"], given["LogicalResourceId"])
        return {
            "StackResources": [
                {
                    "LogicalResourceId": key[1],
                    "PhysicalResourceId": self.cloud.resources[key],
                    "ResourceType": "AWS::Lambda::Function",
                    "Timestamp": 0,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
            ]
        }

    def _DescribeStacks(self, given: dict[str, Any]) -> dict[str, Any]:
        parameters = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in self.cloud.parameters.items()
        ]
        return {
            "Stacks": [
                {
                    "StackName": given["StackName"].split("/")[1],
                    "CreationTime": 0,
                    "StackStatus": "CREATE_IN_PROGRESS",
                    "Parameters": parameters,
                }
            ]
        }


def _meant(request: Request) -> tuple[str, str]:
    match = _SERVICE.search(request.headers.get("authorization", ""))
    service = match[1] if match else "unsigned"
    if service == "lambda":
        function = re.fullmatch(r"/2015-03-31/functions/([^/]+)/configuration", request.path)
        return service, "GetFunctionConfiguration" if function else "unknown"
    if service in _QUERY:
        return service, protocol.parse_form(request.body.decode())["Action"]
    return service, request.headers.get("x-amz-target", "").rpartition(".")[2]
