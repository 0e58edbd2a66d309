"""S3, as far as templates need it: buckets in their regions, objects with checksums, and its refusals."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from tests.fakes.http import FakeServer, Request, Response

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/s3/")


class S3Server(FakeServer):
    """`buckets`: name to region. `objects`: `BUCKET/KEY` to content. `denied`: operations that are refused,
    such as `PutObject`. `templates`: where CloudFormation reads, by address.

    As S3 does, a request signed for another region than the bucket's is answered with 301 and the region;
    a HEAD's refusal has no body; an object that is not there is 403 to who may not list.
    """

    def __init__(self, templates: MutableMapping[str, str], *, port: int = 0) -> None:
        super().__init__(port)
        self.buckets: dict[str, str] = {}
        self.objects: dict[str, bytes] = {}
        self.denied: set[str] = set()
        self.puts: list[str] = []
        self._templates = templates

    def respond(self, request: Request) -> Response:
        bucket, _, key = request.path.lstrip("/").partition("/")
        region = self.buckets.get(bucket)
        if region is None:
            return _refusal(request, 404, "NoSuchBucket", "The specified bucket does not exist")
        headers = {"x-amz-bucket-region": region}
        signed_for = _REGION.search(request.headers.get("authorization", ""))
        if signed_for is None or signed_for[1] != region:
            return _refusal(request, 301, "PermanentRedirect", "The bucket is in another region", headers)
        operation = {"HEAD": "Head", "PUT": "Put", "GET": "Get"}[request.method] + (
            "Object" if key else "Bucket"
        )
        if operation in self.denied:
            words = f"User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: s3:{operation}"
            return _refusal(request, 403, "AccessDenied", words, headers)
        return self._object(request, f"{bucket}/{key}", headers) if key else Response(200, None, headers)

    def _object(self, request: Request, place: str, headers: dict[str, str]) -> Response:
        if request.method == "PUT":
            return self._put(request, place)
        found = self.objects.get(place)
        if found is None:
            if "HeadBucket" in self.denied:
                return _refusal(request, 403, "AccessDenied", "Access Denied", headers)
            return _refusal(request, 404, "NoSuchKey", "The specified key does not exist.")
        if request.headers.get("x-amz-checksum-mode") == "ENABLED":
            headers = {**headers, "x-amz-checksum-sha256": _digest(found)}
        return Response(200, found, headers)

    def _put(self, request: Request, place: str) -> Response:
        if request.headers.get("x-amz-checksum-sha256") != _digest(request.body):
            return _refusal(request, 400, "BadDigest", "The SHA256 you specified did not match.")
        self.objects[place] = request.body
        self.puts.append(place)
        self._templates[f"{self.url}/{place}"] = request.body.decode()
        return Response(200, None, {"ETag": '"x"', "x-amz-checksum-sha256": _digest(request.body)})


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _refusal(
    request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    sent = None if request.method == "HEAD" else body.encode()
    return Response(status, sent, {"content-type": "application/xml", **(headers or {})})
