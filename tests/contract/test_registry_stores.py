"""What is special about the stores in a file, in S3 and in DynamoDB."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import boto3
import pytest

from deploy_action.errors import (
    RegistryConflict,
    RegistryForbidden,
    RegistryMisconfigured,
    RegistryUnavailable,
)
from deploy_action.locking.ports import Snapshot
from deploy_action.locking.stores.dynamodb import DynamoDbRegistry
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.locking.stores.s3 import WRONG_ETAG, S3Registry
from tests.contract.places import SESSION
from tests.fakes.http import FakeServer, Request, Response

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from tests.contract.places import DynamoDbPlace, S3Place

HISTORY = "deployment-history.json"


def test_a_path_that_ends_in_json_is_the_document(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    FileRegistry(tmp_path / "a" / "registry.json").swap(b"{}", "absent", message="m")
    assert (tmp_path / "a" / "registry.json").read_bytes() == b"{}"
    FileRegistry(tmp_path / "b").swap(b"{}", "absent", message="m")
    assert (tmp_path / "b" / "deployments.json").read_bytes() == b"{}"


def test_a_reader_in_the_middle_of_a_swap_has_one_whole_document(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path)
    version = registry.swap(b"before", registry.read().version, message="m")
    with (tmp_path / "deployments.json").open("rb", buffering=0) as reader:
        assert reader.read(3) == b"bef"
        registry.swap(b"AFTER!", version, message="m")
        assert reader.read() == b"ore"


def test_a_disk_that_is_full_leaves_the_old_document_and_no_rubbish(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path)
    version = registry.swap(b"before", registry.read().version, message="m")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(RegistryUnavailable, match="Check the disk"):
            registry.swap(b"x" * 1000, version, message="m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert registry.read().document == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deployments.json", "deployments.json.lock"]


def test_a_writer_that_was_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    code = (
        "import filelock, os, signal, sys; filelock.FileLock(sys.argv[1]).acquire(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "deployments.json.lock")], check=False
    )
    assert killed.returncode == -9
    FileRegistry(tmp_path, lock_timeout=0.02).swap(b"{}", "absent", message="m")


def test_a_folder_that_is_missing_is_refused_and_not_created(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path / "mount" / "registry")
    for ask in (
        registry.read,
        lambda: registry.swap(b"{}", "absent", message="m"),
        lambda: registry.read_file("history.json", "absent"),
    ):
        with pytest.raises(RegistryMisconfigured, match=r"registry does not exist.*mkdir -p"):
            ask()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RegistryForbidden, match="Let this user write"):
        FileRegistry(tmp_path).swap(b"{}", "absent", message="m")


def test_a_document_of_other_text_is_handed_out_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "deployments.json").write_bytes(b"not ours")
    assert FileRegistry(tmp_path).read().document == b"not ours"


class CarelessServer(FakeServer):
    """An S3 server that ignores conditions on writes, or those of updates only."""

    creates_once = False

    def respond(self, request: Request) -> Response:
        if self.creates_once and "if-none-match" in request.headers:
            return Response(412, "<Error><Code>PreconditionFailed</Code></Error>")
        return Response(200, headers={"ETag": '"1"'})


@pytest.mark.parametrize("creates_once", [False, True])
def test_a_server_that_ignores_conditions_is_refused_before_anything_is_written(
    stack: ExitStack, creates_once: bool
) -> None:
    server = stack.enter_context(CarelessServer())
    server.creates_once = creates_once
    registry = S3Registry("bucket", "key.json", endpoint_url=server.url, session=SESSION)
    stack.callback(registry.close)
    with pytest.raises(RegistryForbidden, match="ignores conditional writes"):
        registry.swap(b"{}", '"0"', message="m")
    assert {request.path for request in server.requests} == {"/bucket/key.json.probe"}


def test_the_probe_runs_once_and_leaves_the_document_alone(s3: S3Place) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m")
    probes = len(s3.proxy.asked(r"PUT .*\.probe$"))
    registry.swap(b"2", version, message="m")
    assert probes == len(s3.proxy.asked(r"PUT .*\.probe$")) == 3
    second = s3.open()
    second.swap(b"3", second.read().version, message="m")
    assert len(s3.proxy.asked(r"PUT .*\.probe$")) - probes == 2
    assert second.read().document == b"3"


def test_a_conflict_of_simultaneous_writes_is_a_conflict(s3: S3Place) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m")
    body = "<Error><Code>ConditionalRequestConflict</Code><Message>Conflict</Message></Error>"
    s3.proxy.fail(s3.write, status=409, body=body)
    with pytest.raises(RegistryConflict):
        registry.swap(b"2", version, message="m")


def test_an_object_that_was_deleted_is_a_conflict(s3: S3Place) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m")
    client = SESSION.client("s3", endpoint_url=s3.proxy.url)
    s3.stack.callback(client.close)
    client.delete_object(Bucket=s3.name, Key="r/deployments.json")
    with pytest.raises(RegistryConflict):
        registry.swap(b"2", version, message="m")


def test_access_that_is_denied_names_the_permissions(s3: S3Place) -> None:
    body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    s3.proxy.fail(status=403, body=body, times=None)
    with pytest.raises(RegistryForbidden, match="s3:ListBucket"):
        s3.open().read()


def test_credentials_that_expired(s3: S3Place) -> None:
    body = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
    s3.proxy.fail(status=400, body=body, times=None)
    with pytest.raises(RegistryForbidden, match="Get new AWS credentials"):
        s3.open().read()


def test_a_write_to_s3_is_never_repeated(s3: S3Place) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m")
    before = len(s3.proxy.asked(s3.write))
    s3.proxy.fail(s3.write, status=503, times=None)
    with pytest.raises(RegistryUnavailable):
        registry.swap(b"2", version, message="m")
    assert len(s3.proxy.asked(s3.write)) - before == 1


def test_a_write_to_dynamodb_is_never_repeated(dynamodb: DynamoDbPlace) -> None:
    registry = dynamodb.open()
    version = registry.swap(b"1", registry.read().version, message="m")
    before = len(dynamodb.proxy.requests)
    dynamodb.proxy.fail(status=500, times=None)
    with pytest.raises(RegistryUnavailable):
        registry.swap(b"2", version, message="m")
    assert len(dynamodb.proxy.requests) - before == 1


def test_dynamodb_reads_are_consistent(dynamodb: DynamoDbPlace) -> None:
    dynamodb.open().read()
    assert dynamodb.proxy.requests[-1].json["ConsistentRead"] is True


def test_a_document_that_no_item_can_hold(dynamodb: DynamoDbPlace) -> None:
    registry = dynamodb.open()
    with pytest.raises(RegistryForbidden, match="holds 400 KB"):
        registry.swap(b"x" * 410_000, registry.read().version, message="m")
    assert registry.read().document is None


def test_an_item_of_somebody_else_is_left_alone(dynamodb: DynamoDbPlace) -> None:
    client = SESSION.client("dynamodb", endpoint_url=dynamodb.proxy.url)
    dynamodb.stack.callback(client.close)
    theirs = {"id": {"S": "deploy-registry"}, "owner": {"S": "someone"}}
    client.put_item(TableName=dynamodb.name, Item=theirs)
    registry = dynamodb.open()
    with pytest.raises(RegistryForbidden, match="was not written by deploy-coordinator"):
        registry.read()
    with pytest.raises(RegistryConflict):
        registry.swap(b"{}", "0", message="m")
    assert client.get_item(TableName=dynamodb.name, Key={"id": theirs["id"]})["Item"] == theirs


def test_throttling_is_no_lasting_refusal(dynamodb: DynamoDbPlace) -> None:
    body = {"__type": "ProvisionedThroughputExceededException", "message": "Slow down"}
    dynamodb.proxy.fail(status=400, body=body, times=None)
    with pytest.raises(RegistryUnavailable):
        dynamodb.open().swap(b"{}", "0", message="m")


@pytest.mark.parametrize("seconds", [7, 999_999])
def test_throttling_says_how_long_to_stay_away_where_it_knows(
    seconds: int, s3: S3Place, dynamodb: DynamoDbPlace
) -> None:
    for place in (s3, dynamodb):
        place.proxy.fail(status=503, headers={"Retry-After": str(seconds)}, times=None)
        with pytest.raises(RegistryUnavailable) as caught:
            place.open().read()
        assert caught.value.retry_seconds == min(seconds, 3600)
        place.heal()
        place.proxy.fail(status=503, times=None)
        with pytest.raises(RegistryUnavailable) as caught:
            place.open().read()
        assert caught.value.retry_seconds is None


def test_looking_at_an_unchanged_object_brings_no_body(s3: S3Place) -> None:
    writer, waiter = s3.open(), s3.open()
    version = writer.swap(b"x" * 1000, writer.read().version, message="m", files={HISTORY: b"[]"})
    waiter.read()

    def look() -> tuple[bytes | None, list[tuple[int, int]]]:
        asked = len(s3.proxy.exchanges)
        document = waiter.read().document
        return document, [(answer.status, len(answer.body)) for _, answer in s3.proxy.exchanges[asked:]]

    assert look() == (b"x" * 1000, [(304, 0)])
    writer.swap(b"new", version, message="m")
    assert look() == (b"new", [(200, 3)])
    assert look() == (b"new", [(304, 0)])
    assert waiter.read_file(HISTORY, waiter.read().version) == b"[]"


def objects(place: S3Place) -> list[str]:
    client = SESSION.client("s3", endpoint_url=place.proxy.url)
    place.stack.callback(client.close)
    return [found["Key"] for found in client.list_objects_v2(Bucket=place.name)["Contents"]]


def test_files_that_were_replaced_are_removed_from_the_bucket(s3: S3Place) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m", files={HISTORY: b"1"})
    with pytest.raises(RegistryConflict):
        registry.swap(b"2", WRONG_ETAG, message="m", files={HISTORY: b"2"})
    s3.proxy.fail(s3.write)
    with pytest.raises(RegistryUnavailable):
        registry.swap(b"3", version, message="m", files={HISTORY: b"3"})
    version = registry.swap(b"4", version, message="m", files={HISTORY: b"4"})
    assert [key.rsplit("/", 1)[0] for key in objects(s3)] == [
        "r", f"r/deployments.json.files/{HISTORY}", "r"
    ]  # fmt: skip
    assert registry.read_file(HISTORY, version) == b"4"


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_what_cannot_be_removed_is_no_error(s3: S3Place, kind: str) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m", files={HISTORY: b"1"})
    s3.proxy.fail("DELETE", kind=kind, status=403)
    version = registry.swap(b"2", version, message="m", files={HISTORY: b"2"})
    assert registry.read_file(HISTORY, version) == b"2"
    assert len(s3.proxy.asked("DELETE")) == 1


def test_a_file_that_somebody_removed_is_none_and_can_be_written_again(s3: S3Place) -> None:
    registry = s3.open()
    version = registry.swap(b"1", registry.read().version, message="m", files={HISTORY: b"1"})
    client = SESSION.client("s3", endpoint_url=s3.proxy.url)
    s3.stack.callback(client.close)
    (key,) = (key for key in objects(s3) if HISTORY in key)
    client.delete_object(Bucket=s3.name, Key=key)
    assert registry.read_file(HISTORY, version) is None
    version = registry.swap(b"2", version, message="m", files={HISTORY: b"2"})
    assert s3.open().read_file(HISTORY, version) == b"2"


@pytest.mark.parametrize("reason", ["ConditionalCheckFailed", "TransactionConflict"])
def test_a_transaction_that_met_another_is_a_conflict(dynamodb: DynamoDbPlace, reason: str) -> None:
    version = dynamodb.open().swap(b"1", "0", message="m")
    body = {
        "__type": "TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons [{reason}, None]",
        "CancellationReasons": [{"Code": reason}, {"Code": "None"}],
    }
    dynamodb.proxy.fail(status=400, body=body)
    with pytest.raises(RegistryConflict):
        dynamodb.open().swap(b"2", version, message="m", files={HISTORY: b"2"})
    dynamodb.proxy.fail(status=400, body={"__type": "TransactionConflictException"})
    with pytest.raises(RegistryConflict):
        dynamodb.open().swap(b"2", version, message="m")


def test_a_transaction_that_was_throttled_is_no_lasting_refusal(dynamodb: DynamoDbPlace) -> None:
    body = {
        "__type": "TransactionCanceledException",
        "CancellationReasons": [{"Code": "ThrottlingError"}, {"Code": "None"}],
    }
    dynamodb.proxy.fail(status=400, body=body, times=None)
    with pytest.raises(RegistryUnavailable):
        dynamodb.open().swap(b"2", "0", message="m", files={HISTORY: b"2"})
    with pytest.raises(RegistryUnavailable):
        dynamodb.open().read_file(HISTORY, "0")


def test_a_swap_without_files_is_no_transaction(dynamodb: DynamoDbPlace) -> None:
    registry = dynamodb.open()
    registry.swap(b"2", registry.swap(b"1", "0", message="m"), message="m", files={HISTORY: b"2"})
    targets = [request.headers["x-amz-target"].partition(".")[2] for request in dynamodb.proxy.requests]
    assert targets == ["PutItem", "TransactWriteItems"]


def test_a_file_that_no_item_can_hold_keeps_the_document_as_it_was(dynamodb: DynamoDbPlace) -> None:
    registry = dynamodb.open()
    with pytest.raises(RegistryForbidden, match=f"/{HISTORY} has .* KB; an item of DynamoDB holds 400 KB"):
        registry.swap(b"{}", "0", message="m", files={HISTORY: b"x" * 410_000})
    assert registry.read().document is None


def test_a_writer_that_dies_between_file_and_document_leaves_both_whole(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path)
    version = registry.swap(b"before", "absent", message="m", files={HISTORY: b"before"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(RegistryUnavailable):
            registry.swap(b"x" * 1000, version, message="m", files={HISTORY: b"newer"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert registry.read() == Snapshot(b"before", version)
    assert registry.read_file(HISTORY, version) == b"newer"


@pytest.mark.parametrize("store", ["s3", "dynamodb"])
def test_without_credentials_the_remedy_is_to_set_them_up(
    store: str, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.Session(region_name="eu-central-1")
    registry: S3Registry | DynamoDbRegistry = (
        S3Registry("bucket", "key", endpoint_url="http://127.0.0.1:9", session=session)
        if store == "s3"
        else DynamoDbRegistry("table", endpoint_url="http://127.0.0.1:9", session=session)
    )
    stack.callback(registry.close)
    with pytest.raises(RegistryForbidden, match="sets up AWS credentials"):
        registry.read()


def test_a_server_that_is_not_there(stack: ExitStack) -> None:
    registry = DynamoDbRegistry("table", endpoint_url="http://127.0.0.1:9", session=SESSION)
    stack.callback(registry.close)
    with pytest.raises(RegistryUnavailable, match="no answer"):
        registry.swap(b"{}", "0", message="m")


def test_importing_a_store_imports_no_sdk() -> None:
    modules = [f"deploy_action.locking.stores.{name}" for name in ("file", "github", "s3", "dynamodb")]
    sdks = ["github", "boto3", "botocore", "filelock", "requests", "backoff"]
    code = f"import sys, {', '.join(modules)}; print([m for m in {sdks} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
