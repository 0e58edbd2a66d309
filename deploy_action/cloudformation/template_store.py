"""Templates in an S3 bucket, named by their content."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.aws_clients import error_code
from deploy_action.cloudformation.client import explained
from deploy_action.cloudformation.regions import partition_of

if TYPE_CHECKING:
    from deploy_action.cloudformation.aws_clients import AwsClients

_NOT_SEEN = {"404", "NoSuchKey", "NotFound", "403", "AccessDenied", "Forbidden"}
"""For an object that is not there S3 answers 403 where the bucket may not be listed."""


class TemplateStore:
    """One bucket. Every method raises StackSourceError and nothing else."""

    def __init__(self, clients: AwsClients, bucket: str, region: str) -> None:
        """`region`: the stack's, where the bucket's cannot be told."""
        self._clients = clients
        self._bucket = bucket
        self._region = region
        self._found_region = ""

    def url(self, key: str) -> str:
        """As CloudFormation takes it: with the host of the bucket's region, whatever endpoint S3 is asked at
        from here. An emulator, which has no certificate, is named as it is."""
        endpoint = str(self._client().meta.endpoint_url)
        if not endpoint.startswith("http://"):
            partition = partition_of(self._bucket_region())
            suffix = partition.url_suffix if partition is not None else "amazonaws.com"
            endpoint = f"https://s3.{self._bucket_region()}.{suffix}"
        return f"{endpoint.rstrip('/')}/{self._bucket}/{key}"

    def put(self, key: str, content: bytes) -> bool:
        """False where exactly that is there already."""
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with explained():
            client = self._client()
            if self._digest(client, key) == digest:
                return False
            client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType="application/x-yaml",
                ChecksumSHA256=digest,
            )
            return True

    def _digest(self, client: Any, key: str) -> str:
        """S3's own, of what it has; empty where that is nothing, or may not be seen."""
        try:
            answer = client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except Exception as error:
            if error_code(error) in _NOT_SEEN:
                return ""
            raise
        return str(answer.get("ChecksumSHA256", ""))

    def _client(self) -> Any:
        return self._clients.client("s3", self._bucket_region())

    def _bucket_region(self) -> str:
        """S3 tells it also to whom it denies the rest."""
        if not self._found_region:
            with explained():
                try:
                    answer = self._clients.client("s3", self._region).head_bucket(Bucket=self._bucket)
                except Exception as error:
                    answer = getattr(error, "response", None)
                    if error_code(error) not in {"403", "AccessDenied", "Forbidden"} or answer is None:
                        raise
                headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
                self._found_region = str(headers.get("x-amz-bucket-region") or self._region)
        return self._found_region
