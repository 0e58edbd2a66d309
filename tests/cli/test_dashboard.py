"""A page about all deployments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action import cli
from deploy_action.cli import NOT_FOUND, REGISTRY, USAGE
from tests.cli.test_history import record, remember
from tests.clock import VirtualClock
from tests.common.many_story import NOW, history

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.desk import Desk


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = cli.main(["dashboard", *map(str, words)], VirtualClock(NOW))
    out, err = capsys.readouterr()
    return code, out + err


def test_the_registry_is_read_by_default(desk: Desk, tmp_path: Path) -> None:
    remember(desk, record("a"), record("b"))
    code, told = desk.run("dashboard", "--out", str(tmp_path / "site"))
    assert code == 0
    assert told.startswith("2 deployments, 0 of them unusual: ")
    text = (tmp_path / "site" / "index.html").read_text()
    assert "2 deployments" in text
    assert str(desk.folder) in text


def test_an_empty_registry_gives_a_page_that_says_so(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("dashboard", "--out", str(tmp_path))[0] == 0
    assert "No deployments are remembered yet" in (tmp_path / "index.html").read_text()


def test_a_registry_that_cannot_be_read_leaves_the_last_page(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("before")
    (tmp_path / "file").write_text("")
    code, _ = desk.run("dashboard", "--out", str(tmp_path), registry=f"file://{tmp_path / 'file'}")
    assert code == REGISTRY
    assert (tmp_path / "index.html").read_text() == "before"


def test_files_and_folders_in_place_of_the_registry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "2025.json").write_bytes(history(20, seed=1))
    (tmp_path / "old" / "notes.txt").write_text("not a history")
    (tmp_path / "new.json").write_bytes(history(30, seed=2))
    code, told = run(
        capsys, "--history", tmp_path / "old", "--history", tmp_path / "new.json", "--out", tmp_path, "--json"
    )
    assert (code, told.split(",")[0]) == (0, "50 deployments")
    assert "from 2 history files" in (tmp_path / "index.html").read_text()
    assert json.loads((tmp_path / "data.json").read_text())["all"]["count"] == 50


def test_files_and_the_registry_where_both_are_named(desk: Desk, tmp_path: Path) -> None:
    remember(desk, record("a"))
    (tmp_path / "old.json").write_bytes(history(20))
    words = ("dashboard", "--history", str(tmp_path / "old.json"), "--out", str(tmp_path))
    assert desk.run(*words)[1].startswith("21 deployments")


def test_a_damaged_history_is_told_and_the_rest_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.json").write_bytes(history(3))
    (tmp_path / "half.json").write_bytes(history(3)[:-40])
    code, told = run(
        capsys, "--history", tmp_path / "good.json", "--history", tmp_path / "half.json", "--out", tmp_path
    )
    assert code == NOT_FOUND
    assert "half.json is left out: it is not JSON" in told
    text = (tmp_path / "index.html").read_text()
    assert "half.json is left out" in text
    assert "3 deployments" in text


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "h.json").write_bytes(history(3))
    site = tmp_path / "site"
    (site / "index.html").mkdir(parents=True)
    code, told = run(capsys, "--history", tmp_path / "h.json", "--out", site)
    assert code == USAGE
    assert "cannot be written" in told
    assert [one.name for one in site.iterdir()] == ["index.html"]


def test_the_same_history_gives_the_same_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "h.json").write_bytes(history(50))
    texts = []
    for name in ("one", "two"):
        run(capsys, "--history", tmp_path / "h.json", "--out", tmp_path / name)
        texts.append((tmp_path / name / "index.html").read_bytes())
    assert texts[0] == texts[1]
    assert [one.name for one in (tmp_path / "one").iterdir()] == ["index.html"]


def test_a_folder_without_histories_is_no_empty_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(capsys, "--history", tmp_path, "--out", tmp_path / "site")
    assert (code, told.startswith("There is no *.json in")) == (USAGE, True)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("words", [(), ("--out", "x", "--history", "/not/there")])
def test_wrong_words(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *words)[0] == USAGE


def test_badges_stand_beside_the_page(desk: Desk, tmp_path: Path) -> None:
    remember(desk, {**record("a"), "environment": "production"})
    words = ("dashboard", "--out", str(tmp_path), "--badge", "production.svg", "--badge", "test.svg")
    code, told = desk.run(*words)
    assert (code, told.startswith("1 deployment, 0 of them")) == (0, True)
    assert "production: deployed 20" in (tmp_path / "production.svg").read_text()
    assert "test: no deployment known" in (tmp_path / "test.svg").read_text()
    for name in ("../x.svg", "x.png", "/x.svg", ".svg"):
        assert desk.run("dashboard", "--out", str(tmp_path), "--badge", name)[0] == USAGE


def test_who_deploys_now_is_shown_where_the_registry_is_read(desk: Desk, tmp_path: Path) -> None:
    remember(desk, record("a"))
    assert desk.run("dashboard", "--out", str(tmp_path))[0] == 0
    assert 'id="now"' in (tmp_path / "index.html").read_text()
