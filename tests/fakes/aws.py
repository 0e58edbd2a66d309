"""A moto server for all services, behind a proxy that can deny what a role lacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.fakes.http import Request, Response
from tests.fakes.proxy import Proxy

if TYPE_CHECKING:
    import pytest

_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
VARIABLES = {
    "cloudwatch_logs": "logs",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "iam": "iam",
    "lambda": "lambda",
    "rds": "rds",
    "s3": "s3",
    "secrets_manager": "secretsmanager",
    "service_quotas": "servicequotas",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
}
"""Part of the variable's name that holds a service's address, and the service's name in signatures."""
_XML = {"ec2", "iam", "rds", "sns"}


class Aws(Proxy):
    """`upstream` is moto itself; `denied` holds services that answer with a denial; `services` what was
    asked, once for each request; `quotas` what Service Quotas tells, by code, instead of moto."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.upstream = upstream
        self.denied: set[str] = set()
        self.services: list[str] = []
        self.quotas: dict[str, float] = {"L-DC2B2D3D": 10_000.0}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let boto3 come here for all services of VARIABLES."""
        for variable in VARIABLES:
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{variable.upper()}", self.url)

    def respond(self, request: Request) -> Response:
        found = _SERVICE.search(request.headers.get("authorization", ""))
        service = found[1] if found else ""
        self.services.append(service)
        if service in self.denied:
            return _denial(service, request)
        if service == "servicequotas":
            code = request.json["QuotaCode"]
            if code in self.quotas:
                return Response(200, {"Quota": {"QuotaCode": code, "Value": self.quotas[code]}})
        return super().respond(request)


def _denial(service: str, request: Request) -> Response:
    operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
    form = parse_qs(request.body.decode("utf-8", "replace")) if service in _XML else {}
    operation = operation or form.get("Action", ["GetFunctionConfiguration"])[0]
    sentence = f"User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: {service}:{operation}"
    if service == "s3":
        body = f"<Error><Code>AccessDenied</Code><Message>{sentence}</Message></Error>"
        return Response(403, body.encode(), {"content-type": "application/xml"})
    if service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>{sentence}</Message></Error>"
            "</Errors><RequestID>r</RequestID></Response>"
        )
        return Response(403, body.encode(), {"content-type": "text/xml"})
    if service in _XML:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{sentence}</Message>"
            "</Error><RequestId>r</RequestId></ErrorResponse>"
        )
        return Response(403, body.encode(), {"content-type": "text/xml"})
    return Response(
        400,
        {"__type": "AccessDeniedException", "message": sentence, "Message": sentence},
        {"x-amzn-errortype": "AccessDeniedException"},
    )
