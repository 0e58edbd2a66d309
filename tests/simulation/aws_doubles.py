"""S3 and DynamoDB at the border of a boto3 client, with botocore's own exceptions."""

from __future__ import annotations

import hashlib
import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.actor import WRITE_FAULTS, Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.history import Beside, History


class ClientsDouble:
    """Stands for `Clients`: the same double reads and writes. Botocore's repeated read is not simulated."""

    def __init__(self, client: Any) -> None:
        self.read = self.write = client

    def close(self) -> None:
        pass


class S3Double:
    """One bucket as one process sees it. The document is the history; other objects are kept aside."""

    def __init__(self, history: History, beside: Beside, key: str, host: str, actor: Actor) -> None:
        self.meta = SimpleNamespace(endpoint_url=f"https://{host}")
        self._history = history
        self._beside = beside
        self._key = key
        self._actor = actor

    def get_object(self, **request: Any) -> dict[str, Any]:
        return self._actor.request("GetObject", lambda: self._get(**request), self._broken("GetObject"))

    def put_object(self, **request: Any) -> dict[str, Any]:
        return self._actor.request(
            "PutObject",
            lambda: self._put(**request),
            self._broken("PutObject"),
            kinds=WRITE_FAULTS,
            refused=lambda: failure("PutObject", "ConditionalRequestConflict", 409),
        )

    def _get(self, **request: Any) -> dict[str, Any]:
        key = request["Key"]
        staleness = self._actor.faults.staleness(self._actor.scheduler.time)
        ours = key == self._key
        version, content = self._history.seen(staleness) if ours else self._beside.seen(key, staleness)
        if version != (self._history.version if ours else self._beside.seen(key)[0]):
            self._actor.faults.count("stale read")
        if content is None:
            raise failure("GetObject", "NoSuchKey", 404)
        if request.get("IfNoneMatch") == version:
            raise failure("GetObject", "304", 304)
        return {"Body": io.BytesIO(content), "ETag": version, "Metadata": {}}

    def _put(self, **request: Any) -> dict[str, Any]:
        key, body = request["Key"], request["Body"]
        assert not request.get("Metadata"), "files beside the document are not simulated"
        match, none_match = request.get("IfMatch"), request.get("IfNoneMatch")
        current = self._history.version if key == self._key else self._beside.seen(key)[0]
        if none_match == "*" and current:
            raise failure("PutObject", "PreconditionFailed", 412)
        if match and not current:
            raise failure("PutObject", "NoSuchKey", 404)
        if match and match != current:
            raise failure("PutObject", "PreconditionFailed", 412)
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if key == self._key:
            self._history.write(etag, body, self._actor.name)
        else:
            self._beside.write(key, etag, body)
        return {"ETag": etag}

    def _broken(self, operation: str) -> Callable[[], Exception]:
        return lambda: no_answer(self._actor, operation, (("InternalError", 500), ("SlowDown", 503)))


class DynamoDbDouble:
    """One table, as one process sees it: the document and its heads, an item each."""

    def __init__(self, history: History, beside: Beside, actor: Actor) -> None:
        self._history = history
        self._beside = beside
        self._actor = actor

    def get_item(self, **request: Any) -> dict[str, Any]:
        consistent = bool(request.get("ConsistentRead"))
        key = request["Key"]["id"]["S"]
        return self._actor.request("GetItem", lambda: self._get(key, consistent), self._broken("GetItem"))

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._actor.request(
            "PutItem",
            lambda: self._put(request["Item"], request),
            self._broken("PutItem"),
            kinds=WRITE_FAULTS,
            refused=lambda: failure("PutItem", "TransactionConflictException", 400),
        )

    def _get(self, key: str, consistent: bool) -> dict[str, Any]:
        staleness = 0.0 if consistent else self._actor.faults.staleness(self._actor.scheduler.time)
        if "/" in key:
            _, head = self._beside.seen(key, staleness)
            return {} if head is None else {"Item": {"id": {"S": key}, "document": {"B": head}}}
        version, content = self._history.seen(staleness)
        if content is None:
            return {}
        return {"Item": {"id": {"S": "x"}, "version": {"N": version}, "document": {"B": content}}}

    def _put(self, item: dict[str, Any], condition: dict[str, Any]) -> dict[str, Any]:
        if "/" in item["id"]["S"]:
            self._beside.write(item["id"]["S"], "", bytes(item["document"]["B"]))
            return {}
        expression = condition.get("ConditionExpression", "")
        current = self._history.version
        if expression == "attribute_not_exists(id)":
            holds = not current
        elif expression == "#version = :expected":
            holds = current == condition["ExpressionAttributeValues"][":expected"]["N"]
        else:
            assert not expression, f"DynamoDB is not simulated to know {expression}"
            holds = True
        if not holds:
            raise failure("PutItem", "ConditionalCheckFailedException", 400)
        self._history.write(item["version"]["N"], bytes(item["document"]["B"]), self._actor.name)
        return {}

    def _broken(self, operation: str) -> Callable[[], Exception]:
        codes = (("InternalServerError", 500), ("ProvisionedThroughputExceededException", 400))
        return lambda: no_answer(self._actor, operation, codes)


def failure(operation: str, code: str, status: int) -> Exception:
    error: Exception = ClientError(
        {"Error": {"Code": code, "Message": "simulated"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )
    return error


def no_answer(actor: Actor, operation: str, codes: tuple[tuple[str, int], ...]) -> Exception:
    """Any of the ways to learn nothing about a request."""
    number = actor.dice.randrange(len(codes) + 2)
    if number < len(codes):
        return failure(operation, *codes[number])
    kind = EndpointConnectionError if number == len(codes) else ReadTimeoutError
    error: Exception = kind(endpoint_url="https://simulated")
    return error
