"""Registries in another region or account: how they are named, whose credentials are used."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from deploy_action.github.run_context import run_context
from deploy_action.locking import stores
from deploy_action.locking.registry_address import RegistryAddress
from deploy_action.locking.stores import parse_registry, store_of
from deploy_action.wiring import open_registry
from tests.fakes.http import FakeServer, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy_action.locking.stores.guarded import GuardedRegistry

ROLE = "arn:aws:iam::123456789012:role/locks/deploy"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/locks"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("dynamodb://locks", RegistryAddress("dynamodb", "locks")),
        ("dynamodb://locks/shop", RegistryAddress("dynamodb", "locks", "shop")),
        (
            f"dynamodb://locks/shop?region=eu-west-1&role={ROLE}",
            RegistryAddress("dynamodb", "locks", "shop", region="eu-west-1", role=ROLE),
        ),
        (f"s3://bucket/a/b?role={ROLE}", RegistryAddress("s3", "bucket", "a/b", role=ROLE)),
        (
            "s3://bucket?region=us-gov-west-1",
            RegistryAddress("s3", "bucket", region="us-gov-west-1"),
        ),
        (TABLE, RegistryAddress("dynamodb", TABLE, region="eu-west-1")),
        (f"dynamodb://{TABLE}", RegistryAddress("dynamodb", TABLE, region="eu-west-1")),
        (
            f"{TABLE}/shop?role={ROLE}",
            RegistryAddress("dynamodb", TABLE, "shop", region="eu-west-1", role=ROLE),
        ),
        ("arn:aws:s3:::bucket/prefix", RegistryAddress("s3", "bucket", "prefix")),
    ],
)
def test_an_address_may_name_region_role_and_account(text: str, address: RegistryAddress) -> None:
    assert parse_registry(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "dynamodb://locks?",
        "dynamodb://locks?regoin=eu-west-1",
        "dynamodb://locks?region=Ireland",
        "dynamodb://locks?role=deploy",
        f"{TABLE}?region=eu-central-1",
        f"s3://{TABLE}",
        "arn:aws:sqs:eu-west-1:123456789012:locks",
    ],
)
def test_a_wrong_part_of_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_registry(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("dynamo://locks", "dynamodb"),
        ("s4://bucket", "s3"),
        ("git-hub://org/app", "github"),
        ("files", "file"),
    ],
)
def test_a_scheme_that_no_store_has_is_refused_with_the_one_that_is_meant(text: str, meant: str) -> None:
    with pytest.raises(
        ValueError, match=rf"is none of dynamodb://table, file:///path.* Did you mean `{meant}`\?"
    ):
        parse_registry(text)


@pytest.mark.parametrize("module", ["aws", "guarded", "github_branch", "redis", ""])
def test_an_address_that_nobody_parsed_opens_no_other_store(module: str) -> None:
    with pytest.raises(ValueError, match="No registry is called"):
        open_registry(RegistryAddress(module, "org/app"), token="t", run=run_context({}), environ={})


def test_a_store_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by its name: nothing else has to know of it."""
    (tmp_path / "moon.py").write_text(
        "from deploy_action.locking.registry_address import RegistryAddress\n"
        "from deploy_action.locking.store import Store\n"
        "from deploy_action.locking.stores.file import FileRegistry\n"
        "from pathlib import Path\n"
        "STORE = Store('moon', 'moon://crater', 7.0, lambda text: RegistryAddress('moon', text[7:]),\n"
        "              lambda address, job: FileRegistry(Path(job.environ['MOON']) / address.place))\n"
    )
    monkeypatch.setattr(stores, "__path__", [*stores.__path__, str(tmp_path)])
    address = parse_registry("moon://crater")
    assert address == RegistryAddress("moon", "crater")
    assert store_of("moon").poll_seconds == 7.0
    registry = open_registry(address, token="", run=run_context({}), environ={"MOON": str(tmp_path)})
    assert registry.location == f"file {tmp_path}/crater/deployments.json"
    monkeypatch.delitem(sys.modules, f"{stores.__name__}.moon")


class Aws(FakeServer):
    """STS, DynamoDB and S3: who may do what is told by the access key that a request is signed with."""

    def __init__(self) -> None:
        super().__init__()
        self.assumed: list[str] = []
        self.signed: list[tuple[str, str]] = []
        """(access key, region) of each request to DynamoDB or S3."""
        self.tables = {"eu-west-1"}
        self.role_seconds = 3600.0

    def respond(self, request: Request) -> Response:
        form = parse_qs(request.body.decode("utf-8", "replace"))
        if form.get("Action") == ["AssumeRole"]:
            self.assumed.append(form["RoleArn"][0])
            ends = datetime.fromtimestamp(time.time() + self.role_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return Response(
                200,
                "<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult>"
                f"<Credentials><AccessKeyId>ASIA{len(self.assumed)}</AccessKeyId><SecretAccessKey>s"
                f"</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{ends}</Expiration>"
                "</Credentials></AssumeRoleResult></AssumeRoleResponse>",
            )
        key, _, region = _header(request, "authorization").partition("Credential=")[2].split("/")[:3]
        self.signed.append((key, region))
        if request.path.startswith("/bucket/"):
            return Response(404, "<Error><Code>NoSuchKey</Code><Message>It is not there.</Message></Error>")
        if _header(request, "x-amz-target").endswith(".DescribeTable"):
            if region in self.tables:
                return Response(200, {"Table": {"TableName": "locks"}})
            return Response(400, {"__type": "ResourceNotFoundException", "message": "no table"})
        return Response(200, {})


def _header(request: Request, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with Aws() as server:
        for name, value in {
            "AWS_ENDPOINT_URL_STS": server.url,
            "AWS_ENDPOINT_URL_DYNAMODB": server.url,
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_ACCESS_KEY_ID": "AKIAJOB",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def opened(text: str, regions: tuple[str, ...] = ()) -> GuardedRegistry:
    environ = {"AWS_REGION": "eu-central-1"}
    return open_registry(
        parse_registry(text), token="", run=run_context({}), environ=environ, regions=regions
    )


STORES = pytest.mark.parametrize("store", ["dynamodb://locks", "s3://bucket/shop"])


@STORES
def test_a_role_of_its_own_reads_the_locks_in_the_region_that_is_named(aws: Aws, store: str) -> None:
    assert opened(f"{store}?region=eu-west-1&role={ROLE}").read().document is None
    assert aws.assumed == [ROLE]
    assert set(aws.signed) == {("ASIA1", "eu-west-1")}


@STORES
def test_without_one_the_jobs_own_credentials_and_region_are_used(aws: Aws, store: str) -> None:
    assert opened(store).read().document is None
    assert aws.assumed == []
    assert set(aws.signed) == {("AKIAJOB", "eu-central-1")}


@STORES
def test_a_role_is_assumed_again_before_its_hour_is_over(aws: Aws, store: str) -> None:
    aws.role_seconds = 60.0
    registry = opened(f"{store}?role={ROLE}")
    registry.read()
    registry.read()
    assert len(aws.assumed) >= 2
    assert aws.signed[-1][0] == f"ASIA{len(aws.assumed)}"


def test_an_arn_names_the_table_of_another_account(aws: Aws) -> None:
    opened(TABLE).read()
    assert aws.signed == [("AKIAJOB", "eu-west-1")]
    assert json.loads(aws.requests[-1].body)["TableName"] == TABLE


def test_a_table_of_the_same_name_in_a_stacks_region_is_warned_of(aws: Aws) -> None:
    advice = opened("dynamodb://locks", ("eu-central-1", "eu-west-1", "us-east-1")).advice
    assert "A table `locks` is in eu-west-1 too, and this lock is kept in eu-central-1" in advice
    assert "dynamodb://locks?region=eu-central-1" in advice
    assert opened("dynamodb://locks?region=eu-central-1", ("eu-west-1",)).advice == ""
    assert opened("dynamodb://locks", ("us-east-1",)).advice == ""
