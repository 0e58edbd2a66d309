"""What the registry's branch weighs in a clone: real steps of the lock, real git."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_action.common.times import iso
from deploy_action.history.files import remembered
from deploy_action.locking.client import LockClient
from deploy_action.locking.compare_and_swap import FilesChange
from deploy_action.locking.document import Ticket
from deploy_action.locking.ports import NO_FILES, Snapshot
from deploy_action.locking.stores.github_branch import COMMITS_MAX
from tests.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Mapping

RENEWALS = 3
"""Fence and renewals of a deployment of six minutes: five commits with the request and the release."""
EVERY_SECONDS = 86_400.0 / 50
STACKS, RESOURCES = 30, 10
FOLDER = ".deployment-registry"


class CommitLog:
    """`ports.Registry` that writes each swap as a commit in the language of `git fast-import`."""

    location, advice = "a branch", ""

    def __init__(self, *, squash_after: int) -> None:
        self.stream: list[bytes] = []
        self.commits = 0
        self._squash_after = squash_after
        self._files: dict[str, bytes] = {}
        self._since = 0

    def read(self) -> Snapshot:
        return Snapshot(self._files.get("deployments.json"), str(self.commits))

    def read_file(self, name: str, version: str) -> bytes | None:  # noqa: ARG002
        return self._files.get(name)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        assert version == str(self.commits)
        changed = {"deployments.json": document, **files}
        self._files |= changed
        self._commit(message, changed, orphan=self.commits == 0)
        if files and self._since > self._squash_after:
            self._commit(f"{self._since} commits as one", self._files, orphan=True)
        return str(self.commits)

    def _commit(self, message: str, files: Mapping[str, bytes], *, orphan: bool) -> None:
        self.commits += 1
        self._since = 1 if orphan else self._since + 1
        lines = [b"reset refs/heads/r\n"] if orphan else []
        who = f"committer github-actions <bot@example.invalid> {1_800_000_000 + self.commits} +0000"
        lines.append(f"commit refs/heads/r\n{who}\n{_data(message.encode())}".encode())
        for name, content in files.items():
            lines.append(f"M 100644 inline {FOLDER}/{name}\ndata {len(content)}\n".encode() + content + b"\n")
        self.stream.append(b"".join(lines))


def _data(content: bytes) -> str:
    return f"data {len(content)}\n{content.decode()}\n"


def packed_bytes(deployments: int, *, squash_after: int = COMMITS_MAX) -> tuple[int, int]:
    """Of the branch after so many deployments, as a clone gets it; and its commits."""
    log, clock = CommitLog(squash_after=squash_after), VirtualClock()
    for number in range(deployments):
        name = f"20270115-{number:06}-{number * 2_654_435_761 % 2**24:06x}"
        stack = f"eu-west-1/shop-production-service-{number % STACKS}"
        ticket = Ticket(
            f"{number * 11_400_714_819_323_198_485 % 2**64:016x}", name, (f"service-{number % STACKS}",),
            (stack,), account="123456789012", repository="org/app", actor="ada", commit=f"{number:040x}",
            run_id=str(number + 1), job="deploy", url=f"https://github.com/org/app/actions/runs/{number}",
            requested_at=iso(clock.now()),
        )  # fmt: skip
        client = LockClient(log, clock, ticket, stacks_in_progress=lambda _texts: [], poll_seconds=13.0)
        client.acquire(wait=True, timeout_seconds=60.0, tell=lambda _waiting: None)
        for _ in range(RENEWALS):
            clock.sleep(100.0)
            client.renew()
        record = _record(name, number, stack, at=iso(clock.now()))
        client.release(
            outcome="succeeded",
            history=FilesChange(lambda read, record=record: remembered(read, record)),  # type: ignore[misc]
        )
        clock.sleep(EVERY_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        return _packed(Path(folder), log), log.commits


def _packed(folder: Path, log: CommitLog) -> int:
    def git(*words: str, stdin: bytes = b"") -> None:
        subprocess.run(["git", "-C", str(folder), *words], input=stdin, check=True, capture_output=True)

    git("init", "-q", "--bare")
    git("fast-import", "--quiet", "--force", stdin=b"".join(log.stream))
    git("repack", "-adfq")
    return sum(file.stat().st_size for file in folder.glob("objects/pack/*.pack"))


def _record(name: str, number: int, stack: str, *, at: str) -> dict[str, Any]:
    seconds = 100 + number * 7_919 % 300
    resources = [
        f"+{(number * one * 31) % 90 / 10:g} {(number * one * 17) % 900 / 10:g} UPDATE "
        f"AWS::Lambda::Function Handler{one}"
        for one in range(1, RESOURCES + 1)
    ]
    run = {
        "stack": stack, "operation": "update", "outcome": "succeeded", "seconds": seconds,
        "phases": {"deploy": seconds - 11, "cleanup": 11, "rollback": 0},
        "touched": f"{number * 40_503 % 2**32:08x}", "planned": "", "count": RESOURCES,
        "resources": resources, "cleanup": [],
    }  # fmt: skip
    return {
        "correlation_id": name, "environment": "production", "locks": [f"service-{number % STACKS}"],
        "turn": number, "account": "123456789012", "stacks": [stack], "outcome": "succeeded",
        "root_cause": "", "requested_at": at, "held_since": at, "released_at": at, "queue_seconds": 3,
        "duration_seconds": seconds + 4.5, "repository": "org/app", "actor": "ada",
        "commit": f"{number * 48_271:040x}", "version": "1.0.0", "ref": "refs/heads/main",
        "run_number": str(number), "workflow_file": "deploy.yml",
        "url": f"https://github.com/org/app/actions/runs/{number * 48_271}",
        "estimate": {"low": 100, "mid": 250, "high": 400, "basis": "the same resources", "samples": 8},
        "runs": [run],
    }  # fmt: skip
