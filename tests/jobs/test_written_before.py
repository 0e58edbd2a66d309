"""What an earlier version wrote is read: by a job that is upgraded midway, and beside its registry.

`written_before/` holds what a job left behind that was stopped after `main`, before its code got other names.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.history import document as history
from deploy_action.job.state import StateFolder
from deploy_action.locking.codec import decode, encode
from deploy_action.slack.outbox_file import OutboxJournal

BEFORE = Path(__file__).parent / "written_before"


def differing(old: Any, new: Any, path: str = "") -> list[str]:
    """Where `new` lacks, or has otherwise, what `old` holds; more fields may have been added."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [d for key in old for d in differing(old[key], new.get(key, "missing"), f"{path}.{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            d for n, (a, b) in enumerate(zip(old, new, strict=True)) for d in differing(a, b, f"{path}[{n}]")
        ]
    return [] if old == new else [f"{path}: {old!r} became {new!r}"]


def test_the_registry_is_read_and_written_back_as_it_was() -> None:
    content = (BEFORE / "deployments.json").read_bytes()
    document = decode(content)
    assert document.lock("production").epoch == 3
    assert [ticket.holding for ticket in document.tickets] == [True]
    written = json.loads(encode(document))
    assert written.pop("about").startswith("Written by deploy-coordinator.")
    before = {name: value for name, value in json.loads(content).items() if name != "about"}
    assert differing(before, written) == []


def test_the_history_teaches_what_it_taught() -> None:
    past = history.read((BEFORE / "deployment-history.json").read_bytes(), {})
    assert past.trouble == ""
    assert past.skipped == 0
    assert [one.outcome for one in past.deployments] == ["succeeded", "succeeded"]
    assert [len(one.runs) for one in past.deployments] == [1, 1]
    assert all(one.estimate is not None for one in past.deployments)


def test_the_state_of_a_job_is_read_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    for name in ("state.json", "memory.json"):
        shutil.copy(BEFORE / name, tmp_path)
    folder = StateFolder(tmp_path)
    state, memory = folder.load(), folder.memory()
    assert state is not None
    assert state.report.outcome is Outcome.SUCCEEDED
    assert state.ticket is not None
    assert state.ticket.holding
    assert state.report.bars
    assert memory is not None
    assert memory.content
    folder.save(state)
    old = json.loads((BEFORE / "state.json").read_text("utf-8"))
    assert differing(old, json.loads((tmp_path / "state.json").read_text("utf-8"))) == []


def test_the_outbox_goes_on_from_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "outbox.jsonl"
    lines = (BEFORE / "outbox.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    sent = OutboxJournal(path, "another").box
    assert sent.correlation_id != "another"
    assert (sent.ts, sent.channel_id, bool(sent.link)) == ("1800000620.000005", "C0DEPLOYS", True)
    assert sent.pending == sent.dead == ()
    path.write_bytes(b"".join(lines[:2]))
    assert [message.text for message in OutboxJournal(path, "another").box.pending] == [
        "🚀 Deploying production"
    ]
