"""The registry as an object in S3, or in a server that speaks S3 and honours conditional writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deploy_action.adapters.registry.aws import Clients, error_code, explained
from deploy_action.errors import RegistryConflict, RegistryForbidden
from deploy_action.ports import Snapshot

if TYPE_CHECKING:
    import boto3

ABSENT = "no object yet"
WRONG_ETAG = '"00000000000000000000000000000000"'

_PERMISSIONS = "s3:GetObject, s3:PutObject and s3:ListBucket (without it, S3 answers 403 for no object)"
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class S3Registry:
    """`ports.Registry` on one object. The version is its ETag.

    A swap is one PUT with `If-Match`, the first one with `If-None-Match: *`; it is never repeated. On
    servers other than AWS's own, the first swap is preceded by two PUTs to `KEY.probe` which must be
    refused: a server that ignores conditions coordinates nothing.

    As an ETag is a hash of the content, two states with the same content share a version; every document
    holds the fresh id of the operation that wrote it, so that does not occur. Do not share one object between
    threads.
    """

    def __init__(
        self,
        bucket: str,
        key: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        session: boto3.Session | None = None,
        timeout: float = 5.0,
    ) -> None:
        """`timeout`: seconds to connect, and again for each silence of the server."""
        self._bucket = bucket
        self._key = key
        self._clients = Clients(
            "s3", region=region, endpoint_url=endpoint_url, session=session, timeout=timeout
        )
        self._proven = False

    @property
    def location(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def close(self) -> None:
        """Close connections. The registry may be used again."""
        self._clients.close()

    def read(self) -> Snapshot:
        from botocore.exceptions import ClientError

        with explained(self.location, "read", _PERMISSIONS):
            try:
                answer = self._clients.read.get_object(Bucket=self._bucket, Key=self._key)
            except ClientError as error:
                if error_code(error) != "NoSuchKey":
                    raise
                return Snapshot(None, ABSENT)
            with answer["Body"] as body:
                return Snapshot(body.read(), answer["ETag"])

    def swap(self, document: bytes, version: str, *, message: str) -> str:  # noqa: ARG002 - S3 has no log
        from botocore.exceptions import ClientError

        with explained(self.location, "written", _PERMISSIONS):
            self._prove_conditions()
            condition = {"IfNoneMatch": "*"} if version == ABSENT else {"IfMatch": version}
            try:
                return str(self._put(self._key, document, **condition))
            except ClientError as error:
                # `NoSuchKey` is the answer to If-Match on an object that was deleted
                if error_code(error) not in _LOST | {"NoSuchKey"}:
                    raise
                raise RegistryConflict(
                    f"The registry in {self.location} changed since it was read."
                ) from error

    def _put(self, key: str, content: bytes, **condition: str) -> Any:
        answer = self._clients.write.put_object(
            Bucket=self._bucket, Key=key, Body=content, ContentType="application/json", **condition
        )
        return answer["ETag"]

    def _prove_conditions(self) -> None:
        """Find out, on an object of its own, whether this server honours conditions. Once per registry."""
        host = urlsplit(self._clients.write.meta.endpoint_url).hostname or ""
        if self._proven or host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return
        probe = f"{self._key}.probe"
        created = self._is_written(probe, IfNoneMatch="*")
        if (created and self._is_written(probe, IfNoneMatch="*")) or self._is_written(
            probe, IfMatch=WRONG_ETAG
        ):
            raise RegistryForbidden(
                f"The S3 server {host} ignores conditional writes (If-Match, If-None-Match).",
                why="Two deployments could both believe that they hold the lock.",
                remedy="Update the server, or choose another store for the registry.",
            )
        self._proven = True

    def _is_written(self, key: str, **condition: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._put(key, b"", **condition)
        except ClientError as error:
            if error_code(error) not in _LOST:
                raise
            return False
        return True
