"""What the launcher keeps of a command's output for those who quote it: secrets are hidden or known in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_action.common.masks import SECRET_NAME, masked_by
from deploy_action.job.state import StateFolder

if TYPE_CHECKING:
    import pytest

RELAY = Path(__file__).parents[2] / "launcher" / "log_relay.py"
SECRET = "hunter2-hunter2"


def relay() -> Any:
    spec = importlib.util.spec_from_file_location("log_relay", RELAY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tail_of(folder: Path, *parts: bytes) -> tuple[str, ...]:
    tail = relay().Tail(str(folder / "command.tail"))
    for part in parts:
        tail.add(part)
    tail.keep()
    return StateFolder(folder).command_tail()


def test_a_mask_is_never_pushed_out_by_what_follows_it(tmp_path: Path) -> None:
    filler = b"x" * 99 + b"\n"
    lines = tail_of(tmp_path, b"::add-mask::%s\n" % SECRET.encode(), *[filler * 100] * 20, b"Error: last\n")
    assert masked_by(lines) == [SECRET]
    assert lines[-1] == "Error: last"
    assert sum(len(line) + 1 for line in lines) <= relay().TAIL_MAX


def test_with_more_masks_than_fit_nothing_is_kept(tmp_path: Path) -> None:
    assert tail_of(tmp_path, *[b"::add-mask::%s\n" % (b"y" * 900)] * 30, b"Error: y\n") == ()


def test_secrets_of_the_job_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    assert tail_of(tmp_path, b"Error: no access with hunter2-hunter2\n") == ("Error: no access with ***",)


def test_both_sides_know_the_same_names() -> None:
    assert relay().SECRET_NAME.pattern.decode() == SECRET_NAME.pattern
