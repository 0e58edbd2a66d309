"""The script that finds causes in a folder of logs, on logs written here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.diagnosis.causes import causes_of
from tests.causes_table import main, operations_in

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def row(  # noqa: PLR0917 - a row has that many parts
    t: float, stack: str, name: str, status: str, reason: str = "", type_: str = STACK_TYPE
) -> dict[str, Any]:
    return {"t": t, "stack": stack, "logical_id": name, "type": type_, "status": status, "reason": reason}


def log(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "a.jsonl"
    file.write_text("\n".join(["not json", "[]", "{}", *(json.dumps(r) for r in rows)]))
    return file


def failed(name: str = "shop", reason: str = "denied") -> list[dict[str, Any]]:
    return [
        row(0, name, name, "CREATE_IN_PROGRESS"),
        row(1, name, "Bucket", "CREATE_FAILED", reason, "AWS::S3::Bucket"),
        row(2, name, name, "ROLLBACK_IN_PROGRESS"),
        row(3, name, name, "ROLLBACK_COMPLETE"),
    ]


def test_operations_are_split_by_root_stack_and_time(tmp_path: Path) -> None:
    again = [{**r, "t": r["t"] + 10} for r in failed()]
    found = operations_in(log(tmp_path, *failed(), *failed("other"), *again))
    assert [(one.number, one.root) for one in found] == [(1, "shop"), (2, "shop"), (3, "other")]
    assert all(one.failed and one.status == "ROLLBACK_COMPLETE" for one in found)


def test_nested_stacks_are_known_by_their_names_where_ids_are_missing(tmp_path: Path) -> None:
    nested = "shop-Database-1ABCDEFGHIJK"
    words = f"Embedded stack arn:aws:cloudformation:x:1:stack/{nested}/1 was not successfully created: x"
    (found,) = operations_in(
        log(
            tmp_path,
            row(0, "shop", "shop", "CREATE_IN_PROGRESS"),
            row(1, "shop", "Database", "CREATE_IN_PROGRESS"),
            row(2, nested, nested, "CREATE_IN_PROGRESS"),
            row(3, nested, "Instance", "CREATE_FAILED", "no room", "AWS::RDS::DBInstance"),
            row(4, "shop", "Database", "CREATE_FAILED", words),
            row(5, "shop", "shop", "ROLLBACK_COMPLETE"),
        )
    )
    assert [cause.name for cause in causes_of(found.operation)] == ["Database/Instance"]


def test_it_succeeds_where_each_failure_has_a_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log(tmp_path, *failed(), *failed("silent", ""))
    assert main([str(tmp_path)]) == 0
    assert "Bucket (AWS::S3::Bucket) [no advice] 'denied'" in capsys.readouterr().out


def test_it_fails_where_a_failure_has_no_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(tmp_path, *failed())
    monkeypatch.setattr("tests.causes_table.causes_of", lambda _: ())
    assert main([str(tmp_path)]) == 1


def test_it_fails_where_another_cause_was_expected(tmp_path: Path) -> None:
    log(tmp_path, *failed())
    expected = tmp_path / "expected.json"
    for names, code in ((["Bucket"], 0), (["Queue"], 1)):
        expected.write_text(json.dumps({"a.jsonl#1": names}))
        assert main([str(tmp_path), "--expected", str(expected)]) == code
