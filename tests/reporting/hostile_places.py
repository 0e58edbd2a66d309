"""Places of hostile text beyond the renderers: the command line whole, commits, GitHub's environments page.

Each takes some strings, and fails where one of them does harm or cannot be read.
"""

from __future__ import annotations

import ast
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

from deploy_action import cli
from deploy_action.common import escape
from deploy_action.history import document as history
from deploy_action.locking.codec import encode
from deploy_action.locking.compare_and_swap import Swapper
from deploy_action.locking.delegation import nonce_of
from deploy_action.locking.document import AuditEntry, Document, Finished, Freeze, Lock, Ticket
from deploy_action.locking.ports import NO_FILES
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.reporting.headline import DESCRIPTION_MAX, description
from deploy_action.slack import retry_queue as leftovers
from deploy_action.slack.outbox import Kind, Message, Outbox
from deploy_action.slack.retry_queue import QueuedOutbox
from tests.clock import VirtualClock
from tests.common.test_escape import shown
from tests.locking.memory_registry import MemoryRegistry
from tests.pages import stories
from tests.reporting.readers import runner_command, runner_commands, runner_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BY_A_CLOUD = "tests/cli/test_hostile_cloud.py"

COMMANDS: dict[str, str | tuple[tuple[str, ...], ...]] = {
    "active": (("active",), ("active", "--json")),
    "history": (("history",), ("history", "--json")),
    "show": (("show", "20260101-000000-0"), ("show", "20260101-000000-0", "--json")),
    "queue": (("queue",), ("queue", "--json")),
    "slack-queue": (("slack-queue", "list"), ("slack-queue", "list", "--json")),
    "fence": (("fence", "--token", "held"), ("fence", "--token", "left")),
    "freeze": (("freeze", "prod", "--reason", "{}"),),
    "unfreeze": (("unfreeze", "prod", "--reason", "{}"),),
    "promote": (("promote", "{}", "--reason", "x"),),
    "run": "tests/cli/test_run.py; the steps' own words are those of the log",
    "release": (("release", "prod", "--reason", "{}", "--by", "{}"), ("release", "{}", "--reason", "x")),
    "estimate": BY_A_CLOUD,
    "watch": BY_A_CLOUD,
    "cleanup": BY_A_CLOUD,
    "dashboard": "dashboard",
    "doctor": BY_A_CLOUD,
    "preflight": BY_A_CLOUD,
    "collect": BY_A_CLOUD,
    "demo": "no text from outside",
    "completion": "no text from outside",
}
"""Each command with the words that it is run with (`{}`: a hostile string), or where its texts are tried."""


WRITERS = {
    "cli/__init__.py": "commands",
    "cli/app.py": "words of our own",
    "cli/cleanup.py": BY_A_CLOUD,
    "cli/common.py": "commands",
    "cli/completion.py": "no text from outside",
    "cli/doctor.py": BY_A_CLOUD,
    "cli/history.py": "commands",
    "cli/locks.py": "commands",
    "cli/preflight.py": BY_A_CLOUD,
    "cli/local_command.py": "the lines of the user's own command, as they come",
    "cli/text/page.py": "command line",
    "cli/live.py": "lines of `JobLogReporter`: log, annotations",
    "cloudformation/client.py": "the correlation id and the run's address, as a change set's description",
    "deploy/change_set.py": "the request for `cloudformation.client`",
    "deploy/deployment_result.py": "annotations, command line",
    "deploy/template.py": "log",
    "github/deployments.py": "takes what is harmless already: environments page",
    "github/runner_files.py": "takes what is harmless already: log, annotations, outputs, summary, masks",
    "job/job_log.py": "log, groups, annotations",
    "job/environment_page.py": "environments page",
    "deploy/plan_publication.py": "log, by the style's own renderers; the page is the place `plan`",
    "job/preflight.py": "annotations",
    "job/required_outputs.py": "outputs",
    "steps/lock.py": "outputs; tokens of our own making",
    "steps/main.py": "outputs",
    "steps/post.py": "outputs, summary",
    "steps/pre.py": "outputs, summary",
}
"""Each module that writes to log, terminal, outputs, summary or GitHub, and the place that tries it.
Everything else speaks through `JobLogReporter` or `cli.common`, which make their text harmless themselves."""
_WRITE = {
    "add_summary",
    "create_change_set",
    "print",
    "secho",
    "set_environment",
    "set_outputs",
    "set_status",
}


def writers(package: Path) -> set[str]:
    """The modules that call something of the kind."""
    found = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if (
                name == "click.echo"
                or name.rpartition(".")[2] in _WRITE
                or re.search(r"(\blog|_stream|stdout|stderr)\.write$", name)
            ):
                found.add(file.relative_to(package).as_posix())
    return found


def no_commands(lines: Sequence[str], allowed: Sequence[str] = ()) -> None:
    for line in lines:
        assert len(runner_lines(line)) == 1, repr(line)
        assert runner_command(line) in {None, *allowed}, repr(line)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", line), repr(line)


def poisoned_registry(texts: Sequence[str], folder: Path) -> FileRegistry:
    def text(number: int) -> str:
        return texts[number % len(texts)]

    def names(number: int) -> tuple[str, ...]:
        return (text(number), text(number + 1))

    tickets = [
        Ticket(
            nonce_of("held") if not number else f"n{number}",
            text(number),
            ("prod",) if not number else (one,),
            names(number),
            epochs=(("prod", 7),) if not number else (),
            requested_at=one,
            held_since=one,
            expected_end=one,
            actor=one,
            url=one,
            job=one,
        )
        for number, one in enumerate(texts)
    ]
    finished = [
        Finished(one, (one,), one, one, one, one, nonce_of("left") if not number else "", (one,))
        for number, one in enumerate(texts)
    ]
    document = Document(
        locks={
            "prod": Lock(7),
            **{one: Lock(1, names(n), Freeze(one, one, one, one)) for n, one in enumerate(texts)},
        },
        tickets=tuple(tickets),
        finished=tuple(finished),
        audit=tuple(AuditEntry(one, one, one, (one,), one, one) for one in texts),
    )
    records: list[dict[str, Any]] = [
        {
            **dict.fromkeys(
                (
                    "actor",
                    "url",
                    "root_cause",
                    "environment",
                    "outcome",
                    "repository",
                    "commit",
                    "released_at",
                ),
                one,
            ),
            "correlation_id": f"20260101-000000-{number}x",
            "stacks": [one],
            "locks": [one],
        }
        for number, one in enumerate(texts[:50])
    ]
    boxes = [
        QueuedOutbox(
            Outbox(f"box{number}", (), (Message(f"e{number}", Kind.POST, one, one, at=1.0, reason=one),)),
            one,
            saved_at=1.0,
        )
        for number, one in enumerate(texts[:20])
    ]
    folder.mkdir(exist_ok=True)
    store = FileRegistry(folder)
    content: bytes | None = None
    for box in boxes:
        content = leftovers.merged(content, box)
    files = {history.NAME: history.merged_all(None, records), leftovers.NAME: content or b""}
    store.swap(encode(document.with_operation("x")), store.read().version, message="", files=files)
    return store


def place_commands(texts: Sequence[str], folder: Path) -> None:
    address = f"file://{folder / 'registry'}"
    poisoned_registry(texts, folder / "registry")
    for number, (name, runs) in enumerate(COMMANDS.items()):
        for words in runs if isinstance(runs, tuple) else ():
            given = [word.replace("{}", texts[number % len(texts)].replace("\0", "")) for word in words]
            out = StringIO()
            with redirect_stdout(out), redirect_stderr(out):
                code = cli.main([*given, "--registry", address], VirtualClock())
            told = out.getvalue()
            assert code in {0, 1, 5, cli.USAGE}, (name, code, told[:500])
            assert "Traceback" not in told, told
            no_commands(told.removesuffix("\n").split("\n"))
            if "--json" in words:
                assert told.isascii(), name
                assert runner_commands(told) == []
                json.loads(told)
            if words == ("active",):
                seen = set(told)
                for one in texts:
                    wanted = shown(escape.plain(one))
                    assert len(wanted) > 20 or set(wanted) <= seen, one


REFERENCES = re.compile(r"(?<!\w)@\w|#\d|(?i:gh)-\d|://\S")


class Recording(MemoryRegistry):
    """Keeps what each write is called."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self.said.append(message)
        return super().swap(document, version, message=message, files=files)


def place_commits(texts: Sequence[str]) -> None:
    registry = Recording()
    swapper, said = Swapper(registry, VirtualClock()), registry.said

    for text in texts:

        def decide(document: Document) -> tuple[Document, None]:
            return replace(document, arrivals=document.arrivals + 1), None

        swapper.apply(decide, message=f"freeze {text} by {text}")
    assert len(said) == len(texts)
    for text, message in zip(texts, said, strict=True):
        assert len(message.splitlines()) == 1
        assert not REFERENCES.search(message), message
        if len(text) < 60:
            assert shown(escape.plain(text)) in shown(message).replace("…", "")


def place_environments_page(texts: Sequence[str]) -> None:
    report = stories.STORIES["failed"]()
    for text in texts:
        stack = replace(report.stacks[0], name=text)
        for one in (replace(report, environment=text), replace(report, environment="", stacks=(stack,))):
            said = description(one)
            assert 0 < len(said) <= DESCRIPTION_MAX
            assert said.isprintable()
            if len(text) < 60:
                assert shown(escape.plain(text)) in shown(said)
