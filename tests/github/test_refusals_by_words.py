"""Refusals whose own words name another reason than a permission."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from deploy_action.cloudformation.aws_clients import explain
from deploy_action.errors import RegistryForbidden
from deploy_action.locking.stores.aws import explained
from deploy_action.locking.stores.github import GitHubRegistry
from tests.fakes.http import FakeServer, Request, Response


class Refusing(FakeServer):
    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message

    def respond(self, request: Request) -> Response:
        return Response(403, {"message": self._message})


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (
            "The `org` organization has an IP allow list enabled, and your IP address is not permitted.",
            "IP allow list of the organisation",
        ),
        ("Resource protected by organization SAML enforcement.", "Configure SSO"),
        ("Repository was archived so is read-only.", "Unarchive"),
        ("Resource not accessible by integration", "contents: write"),
    ],
)
def test_what_github_refuses_for(message: str, advice: str) -> None:
    with Refusing(message) as server, pytest.raises(RegistryForbidden) as caught:
        GitHubRegistry("token", "org/app", api_url=server.url).read()
    assert message in str(caught.value)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is large.",
        ),
        ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z"),
        ("InvalidSignatureException", "Signature not yet current: 20260101T020000Z is still later than"),
    ],
)
def test_a_clock_that_aws_does_not_accept(code: str, message: str) -> None:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    error = ClientError(answer, "GetItem")
    told = explain(error)
    assert not told.temporary
    for text in (str(told), _of_a_registry(error)):
        assert "clock" in text
        assert message in text


def _of_a_registry(error: Exception) -> str:
    with pytest.raises(RegistryForbidden) as caught, explained("there", "read", "everything"):
        raise error
    return str(caught.value)
