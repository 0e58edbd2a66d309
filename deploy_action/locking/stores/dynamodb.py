"""The registry as one item of a DynamoDB table."""

from __future__ import annotations

import contextlib
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryConflict, RegistryForbidden
from deploy_action.locking.heads import is_head
from deploy_action.locking.ports import NO_FILES, Snapshot
from deploy_action.locking.store import DOCUMENT, Store
from deploy_action.locking.stores.aws import Clients, error_code, explained, parse_aws_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3

    from deploy_action.locking.registry_address import RegistryAddress
    from deploy_action.locking.store import Opening

ABSENT = "0"
LARGEST_ITEM = 400 * 1024  # bytes, names of attributes included
LOOK_SECONDS, LOOKS_MAX = 2.0, 3
"""For a table of the same name elsewhere."""
VERSIONS = 10**30  # a number of DynamoDB has 38 digits
OVERHEAD = 64  # bytes for the names and the version

_PERMISSIONS = "dynamodb:GetItem and dynamodb:PutItem"
_LOST = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


class DynamoDbRegistry:
    """`ports.Registry` on one item: `id` (text, the table's partition key), `version` (number), `document`
    (binary). A version is drawn by lot. Further documents are items of their own, `KEY/NAME`.

    A swap is one conditional PutItem, with further documents one transaction, and is never repeated; reads
    are consistent, so they never lag. Heads are items `KEY/NAME` too, written right after the swap and read
    without that. Should somebody delete the item, no version of before comes again.
    Each item holds 400 KB; a larger one is RegistryForbidden before it is sent. Do not share one object
    between threads.
    """

    heads, heads_in_one_write = True, False

    def __init__(
        self,
        table: str,
        key: str = "deploy-registry",
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        session: boto3.Session | None = None,
        timeout: float = 5.0,
        role_arn: str = "",
        other_regions: tuple[str, ...] = (),
    ) -> None:
        """`key` is the item's `id`. `timeout`: seconds to connect, and again for each silence."""
        self._table = table
        self._key = key
        self._clients = Clients(
            "dynamodb",
            region=region,
            endpoint_url=endpoint_url,
            session=session,
            timeout=timeout,
            role_arn=role_arn,
        )

        self._region = region
        self._other_regions = other_regions
        self._endpoint_url, self._session = endpoint_url, session

    @property
    def advice(self) -> str:
        """A table of this name in one of `other_regions`: jobs of that region keep their locks there."""
        found = [other for other in self._other_regions[:LOOKS_MAX] if self._is_in(other)]
        if not found:
            return ""
        return (
            f"A table `{self._table}` is in {', '.join(found)} too, and this lock is kept in {self._region}: "
            "jobs that run with another AWS_REGION do not see it. Name the region in all of them: "
            f"`registry: dynamodb://{self._table}?region={self._region}`."
        )

    def _is_in(self, region: str) -> bool:
        """False also where that cannot be seen."""
        clients = Clients(
            "dynamodb",
            region=region,
            endpoint_url=self._endpoint_url,
            session=self._session,
            timeout=LOOK_SECONDS,
        )
        with contextlib.suppress(Exception):
            clients.write.describe_table(TableName=self._table)
            return True
        return False

    @property
    def location(self) -> str:
        return f"item {self._key} of the DynamoDB table {self._table}"

    def close(self) -> None:
        """Close connections. The registry may be used again."""
        self._clients.close()

    def read(self) -> Snapshot:
        with explained(self.location, "read", _PERMISSIONS):
            answer = self._clients.read.get_item(
                TableName=self._table, Key={"id": {"S": self._key}}, ConsistentRead=True
            )
        item: dict[str, Any] = answer.get("Item", {})
        if not item:
            return Snapshot(None, ABSENT)
        if "B" not in item.get("document", {}) or "N" not in item.get("version", {}):
            raise RegistryForbidden(
                f"The {self.location} was not written by deploy-coordinator.",
                why="It is left as it is, and deployments cannot see each other.",
                remedy="Choose another key or table for the registry.",
            )
        return Snapshot(bytes(item["document"]["B"]), str(item["version"]["N"]))

    def read_file(self, name: str, version: str) -> bytes | None:
        keys = [{"id": {"S": self._key}}, {"id": {"S": f"{self._key}/{name}"}}]
        with explained(self.location, "read", _PERMISSIONS):
            answer = self._clients.read.transact_get_items(
                TransactItems=[{"Get": {"TableName": self._table, "Key": key}} for key in keys]
            )
        registry, file = (response.get("Item", {}) for response in answer["Responses"])
        if registry.get("version", {}).get("N", ABSENT) != version:
            raise RegistryConflict(f"The registry in {self.location} changed since it was read.")
        return bytes(file["document"]["B"]) if "B" in file.get("document", {}) else None

    def swap(
        self,
        document: bytes,
        version: str,
        *,
        message: str,  # noqa: ARG002 - an item has no log
        files: Mapping[str, bytes] = NO_FILES,
    ) -> str:
        from botocore.exceptions import ClientError

        following = str(1 + secrets.randbelow(VERSIONS))
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"}
        if version != ABSENT:
            condition = {
                "ConditionExpression": "#version = :expected",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":expected": {"N": version}},
            }
        registry = self._item(self._key, document, version={"N": following}) | condition
        others = [
            self._item(f"{self._key}/{name}", content) for name, content in files.items() if not is_head(name)
        ]
        with explained(self.location, "written", _PERMISSIONS):
            try:
                if others:
                    self._clients.write.transact_write_items(
                        TransactItems=[{"Put": put} for put in (registry, *others)]
                    )
                else:
                    self._clients.write.put_item(**registry)
            except ClientError as error:
                if _LOST.isdisjoint(_reasons(error)):
                    raise
                raise RegistryConflict(
                    f"The registry in {self.location} changed since it was read."
                ) from error
        self._write_heads({name: content for name, content in files.items() if is_head(name)})
        return following

    def read_head(self, name: str) -> bytes | None:
        with explained(self.location, "read", _PERMISSIONS):
            answer = self._clients.read.get_item(
                TableName=self._table, Key={"id": {"S": f"{self._key}/{name}"}}
            )
        content = answer.get("Item", {}).get("document", {}).get("B")
        return None if content is None else bytes(content)

    def _write_heads(self, heads: Mapping[str, bytes]) -> None:
        """Hints: the document is written, whatever becomes of them."""
        from botocore.exceptions import BotoCoreError, ClientError

        with contextlib.suppress(BotoCoreError, ClientError, OSError):
            for name, content in heads.items():
                self._clients.write.put_item(**self._item(f"{self._key}/{name}", content))

    def _item(self, key: str, document: bytes, **attributes: Any) -> dict[str, Any]:
        size = len(document) + len(key.encode()) + OVERHEAD
        if size > LARGEST_ITEM:
            raise RegistryForbidden(
                f"{key} has {size // 1024} KB; an item of DynamoDB holds {LARGEST_ITEM // 1024} KB.",
                why="Nothing was written.",
                remedy="Keep less history, use one key for each environment, or choose another store.",
            )
        return {
            "TableName": self._table,
            "Item": {"id": {"S": key}, "document": {"B": document}, **attributes},
        }


def _reasons(error: Any) -> set[str]:
    """Why a write was refused; for a transaction one reason for each of its items that had one."""
    cancelled = error.response.get("CancellationReasons", ())
    return {error_code(error).removesuffix("Exception"), *(str(reason.get("Code")) for reason in cancelled)}


def _open(address: RegistryAddress, job: Opening) -> DynamoDbRegistry:
    region = job.region(address)
    others = [one for one in job.regions if one != region]
    return DynamoDbRegistry(
        address.place,
        address.prefix or DOCUMENT,
        region=region,
        role_arn=address.role,
        other_regions=() if address.region or region is None else tuple(others),
    )


STORE = Store("dynamodb", "dynamodb://table", 2.5, partial(parse_aws_address, "dynamodb"), _open)
