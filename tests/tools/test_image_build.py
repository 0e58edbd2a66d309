"""The image's build where EC2's metadata service is silent, as on most networks: it is not asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.http import FakeServer, Response

if TYPE_CHECKING:
    from tests.fakes.http import Request

ROOT = Path(__file__).resolve().parents[2]
MAKES_CLIENTS = re.compile(r"&& (?P<set>(?:[A-Z0-9_]+=\S+ )*)python -I -c '(?P<program>.*?)'\n", re.DOTALL)


class Metadata(FakeServer):
    def respond(self, request: Request) -> Response:
        return Response(404)


def asked_by(program: str, variables: dict[str, str], folder: Path) -> int:
    with Metadata() as service:
        subprocess.run(
            [sys.executable, "-I", "-c", program],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url,
                **variables,
            },
            check=True,
            timeout=120,
        )
        return len(service.requests)


def test_the_metadata_service_is_not_asked_by_the_clients_that_the_build_makes(tmp_path: Path) -> None:
    """Each client would ask twice, a second each where nobody answers."""
    found = MAKES_CLIENTS.search((ROOT / "Dockerfile").read_text("utf-8"))
    assert found
    program = found["program"].replace("\\\n", "").replace('"/app"', repr(str(ROOT)))
    variables = dict(text.split("=", 1) for text in found["set"].split())
    assert asked_by(program, variables, tmp_path) == 0
    one = 'import boto3; boto3.client("sts", region_name="eu-west-1")'
    assert asked_by(one, {}, tmp_path) > 0, "this service is where it would be asked"
