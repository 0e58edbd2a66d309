"""The registry as an object in S3, or in a server that speaks S3 and honours conditional writes."""

from __future__ import annotations

import contextlib
import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from deploy_action.errors import RegistryConflict, RegistryForbidden
from deploy_action.locking.heads import is_head
from deploy_action.locking.ports import DOCUMENT_BYTES_MAX, NO_FILES, Snapshot, is_sealed
from deploy_action.locking.store import DOCUMENT, Store
from deploy_action.locking.stores.aws import Clients, error_code, explained, parse_aws_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3

    from deploy_action.locking.registry_address import RegistryAddress
    from deploy_action.locking.store import Opening

ABSENT = "no object yet"
WRONG_ETAG = '"00000000000000000000000000000000"'

_PERMISSIONS = "s3:GetObject, s3:PutObject and s3:ListBucket (without it, S3 answers 403 for no object)"
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})
_POINTERS = (
    "files"  # user metadata of the document, 2 KB at most: `NAME=ID` of each file, as in a URL's query
)


class S3Registry:
    """`ports.Registry` on one object. The version is its ETag.

    A swap is one PUT with `If-Match`, the first one with `If-None-Match: *`; it is never repeated. On
    servers other than AWS's own, the first swap is preceded by two PUTs to `KEY.probe` which must be
    refused: a server that ignores conditions coordinates nothing. Reading what has not changed since the
    last read is answered without a body.

    A further document is an object of its own, `KEY.files/NAME/ID`, put before the swap under an id that no
    other swap writes. The document's metadata names the ids, so they change with it in one moment. What the
    swap replaced is then removed, as far as `s3:DeleteObject` allows and the job lives: objects that no
    metadata names may stay behind, and harm nobody. A sealed one is `KEY.files/NAME`, named nowhere: there
    may be more of them than metadata hold.

    As an ETag is a hash of the content, two states with the same content share a version; every document
    holds the fresh id of the operation that wrote it, so that does not occur. Do not share one object between
    threads.
    """

    advice = ""
    heads, heads_in_one_write = True, False

    def __init__(
        self,
        bucket: str,
        key: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        session: boto3.Session | None = None,
        timeout: float = 5.0,
        role_arn: str = "",
    ) -> None:
        """`timeout`: seconds to connect, and again for each silence of the server."""
        self._bucket = bucket
        self._key = key
        self._clients = Clients(
            "s3",
            region=region,
            endpoint_url=endpoint_url,
            session=session,
            timeout=timeout,
            role_arn=role_arn,
        )
        self._proven = False
        self._seen: Snapshot | None = None  # a version never changes, and neither do its pointers
        self._pointers: Mapping[str, str] = {}  # those of `_seen`: id by name of file
        self._heads: dict[str, tuple[str | None, bytes | None]] = {}  # ETag and content of the last answer
        self._put_objects: set[str] = set()  # keys of files from swaps that may not have taken effect

    @property
    def location(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def close(self) -> None:
        """Close connections. The registry may be used again."""
        self._clients.close()

    def read(self) -> Snapshot:
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": self._seen.version} if self._seen else {}
        with explained(self.location, "read", _PERMISSIONS):
            try:
                answer = self._clients.read.get_object(Bucket=self._bucket, Key=self._key, **condition)
            except ClientError as error:
                if error_code(error) == "304" and self._seen:
                    return self._seen
                if error_code(error) != "NoSuchKey":
                    raise
                return Snapshot(None, ABSENT)
            with answer["Body"] as body:
                snapshot = Snapshot(body.read(DOCUMENT_BYTES_MAX + 1), answer["ETag"])
        self._seen, self._pointers = snapshot, _pointers(answer)
        return snapshot

    def read_file(self, name: str, version: str) -> bytes | None:
        from botocore.exceptions import ClientError

        with explained(self.location, "read", _PERMISSIONS):
            pointers = {name: ""} if is_sealed(name) else self._pointers_of(version)
            if pointers is not None and name not in pointers:
                return None
            try:
                if pointers is not None:
                    key = self._file_key(name, pointers[name])
                    with self._clients.read.get_object(Bucket=self._bucket, Key=key)["Body"] as body:
                        return bytes(body.read(DOCUMENT_BYTES_MAX + 1))
            except ClientError as error:
                if error_code(error) != "NoSuchKey":
                    raise
                if is_sealed(name) or self._look(version) is not None:  # somebody else removed it
                    return None
        raise RegistryConflict(f"The registry in {self.location} changed since it was read.")

    def swap(
        self,
        document: bytes,
        version: str,
        *,
        message: str,  # noqa: ARG002 - S3 has no log
        files: Mapping[str, bytes] = NO_FILES,
    ) -> str:
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": "*"} if version == ABSENT else {"IfMatch": version}
        with explained(self.location, "written", _PERMISSIONS):
            self._prove_conditions()
            before = self._pointers_of(version)
            if before is None:
                raise self._conflict()
            changing = {
                name: _id(document, content)
                for name, content in files.items()
                if not is_sealed(name) and not is_head(name)
            }
            pointers = {**before, **changing}
            for name, content in files.items():
                if is_head(name):
                    continue
                key = self._file_key(name, changing.get(name, ""))
                if name in changing:
                    self._put_objects.add(key)
                self._put(key, content)
            metadata = {_POINTERS: urlencode(pointers)} if pointers else {}
            try:
                etag = str(self._put(self._key, document, Metadata=metadata, **condition))
            except ClientError as error:
                # `NoSuchKey` is the answer to If-Match on an object that was deleted
                if error_code(error) not in _LOST | {"NoSuchKey"}:
                    raise
                raise self._conflict() from error
        self._put_objects.update(self._file_key(*pointer) for pointer in before.items())
        self._seen, self._pointers = Snapshot(document, etag), pointers
        self._remove_replaced()
        self._write_heads({name: content for name, content in files.items() if is_head(name)})
        return etag

    def read_head(self, name: str) -> bytes | None:
        from botocore.exceptions import ClientError

        etag, content = self._heads.get(name, (None, None))
        condition = {"IfNoneMatch": etag} if etag else {}
        with explained(self.location, "read", _PERMISSIONS):
            try:
                answer = self._clients.read.get_object(
                    Bucket=self._bucket, Key=self._file_key(name, ""), **condition
                )
            except ClientError as error:
                if error_code(error) == "304":
                    return content
                if error_code(error) != "NoSuchKey":
                    raise
                return None
            with answer["Body"] as body:
                content = bytes(body.read(DOCUMENT_BYTES_MAX))
        self._heads[name] = str(answer["ETag"]), content
        return content

    def _write_heads(self, heads: Mapping[str, bytes]) -> None:
        """Hints: the document is written, whatever becomes of them."""
        from botocore.exceptions import BotoCoreError, ClientError

        with contextlib.suppress(BotoCoreError, ClientError, OSError):
            for name, content in heads.items():
                self._put(self._file_key(name, ""), content)

    def _conflict(self) -> RegistryConflict:
        return RegistryConflict(f"The registry in {self.location} changed since it was read.")

    def _pointers_of(self, version: str) -> Mapping[str, str] | None:
        """Those of a version; None where it is not the newest any more."""
        if version == ABSENT:
            return {}
        if self._seen and self._seen.version == version:
            return self._pointers
        return self._look(version)

    def _look(self, version: str) -> Mapping[str, str] | None:
        from botocore.exceptions import ClientError

        try:
            answer = self._clients.read.head_object(Bucket=self._bucket, Key=self._key)
        except ClientError as error:
            if error_code(error) not in _ABSENT:
                raise
            return None
        return _pointers(answer) if answer["ETag"] == version else None

    def _remove_replaced(self) -> None:
        """Files of versions that can never be the newest again, now that another swap took effect."""
        from botocore.exceptions import BotoCoreError, ClientError

        named = {self._file_key(*pointer) for pointer in self._pointers.items()}
        for key in self._put_objects - named:
            with contextlib.suppress(BotoCoreError, ClientError):
                self._clients.write.delete_object(Bucket=self._bucket, Key=key)
        self._put_objects.clear()

    def _file_key(self, name: str, identity: str) -> str:
        return f"{self._key}.files/{name}/{identity}".removesuffix("/")

    def _put(self, key: str, content: bytes, **options: Any) -> Any:
        answer = self._clients.write.put_object(
            Bucket=self._bucket, Key=key, Body=content, ContentType="application/json", **options
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


def _id(document: bytes, content: bytes) -> str:
    """The document holds the id of the operation that writes it: no other swap has this id."""
    return hashlib.sha256(hashlib.sha256(document).digest() + content).hexdigest()


def _pointers(answer: Any) -> Mapping[str, str]:
    """Names and ids become parts of keys: one that could leave the place of the files is none."""
    found = parse_qsl(answer["Metadata"].get(_POINTERS, ""))
    return {name: identity for name, identity in found if _PART.fullmatch(name) and _PART.fullmatch(identity)}


def _open(address: RegistryAddress, job: Opening) -> S3Registry:
    key = "/".join(part for part in (address.prefix, DOCUMENT) if part)
    return S3Registry(address.place, key, region=job.region(address), role_arn=address.role)


STORE = Store("s3", "s3://bucket/prefix", 2.5, partial(parse_aws_address, "s3"), _open)
