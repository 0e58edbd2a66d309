"""What the build of the image asks of the network beside the package index: nothing."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class SilentMetadataService:
    """Takes connections, and answers none: what a build meets in a network that swallows 169.254.169.254."""

    def __init__(self) -> None:
        self.asked = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            self.asked += 1

    def close(self) -> None:
        for one in (*self._open, self._server):
            one.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the step is a line of a shell")
def test_a_silent_metadata_service_does_not_slow_the_build() -> None:
    """The step of the Dockerfile that makes the clients, as it stands there, without its first part."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    (step,) = re.findall(r"&& (AWS_\S+ python -I -c '[^']+'|python -I -c '[^']+')", text)
    step = step.replace("python -I", f"'{sys.executable}' -I").replace("/app", str(ROOT))
    service = SilentMetadataService()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        subprocess.run(
            ["bash", "-c", step],
            env={**kept, "HOME": "/nowhere", "AWS_EC2_METADATA_SERVICE_ENDPOINT": service.address},
            check=True,
            timeout=60,
        )
    finally:
        service.close()
    assert service.asked == 0
