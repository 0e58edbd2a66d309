"""The runner's log and files, against hostile values and trouble."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy_action.adapters.runner import JobLog, RunnerFiles
from tests.fakes.runner import heredoc_outputs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

values = st.lists(
    st.sampled_from(["\n", "a=b", "outcome<<EOF", "EOF", "end_", "x", "\r\n", "\u2028", "::", "=", "<<"])
    | st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=9),
    max_size=8,
).map("".join)


# On a loaded machine the first draw alone may take seconds.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["outcome", "root-cause", "stack-outputs"]), values))
def test_a_value_can_never_write_an_output_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, outputs: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("outputs") / "file"
    assert RunnerFiles({"GITHUB_OUTPUT": str(path)}).set_outputs(outputs) is None
    written = path.read_bytes().decode()
    assert heredoc_outputs(written) == outputs


def test_a_value_that_knows_an_earlier_delimiter_gains_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files = RunnerFiles({"GITHUB_OUTPUT": str(path)})
    files.set_outputs({"a": "1"})
    delimiter = path.read_text().splitlines()[0].partition("<<")[2]
    files.set_outputs({"b": f"x\n{delimiter}\noutcome=succeeded"})
    assert set(heredoc_outputs(path.read_text())) == {"a", "b"}


def test_lone_surrogates_do_not_stop_anything(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert RunnerFiles({"GITHUB_STEP_SUMMARY": str(path)}).add_summary("a\ud800b") is None
    assert path.read_text("utf-8") == "a?b"


def test_summaries_are_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("theirs\n")
    RunnerFiles({"GITHUB_STEP_SUMMARY": str(path)}).add_summary("ours\n")
    assert path.read_text() == "theirs\nours\n"


def test_outside_a_runner_there_is_nothing_to_write_to() -> None:
    files = RunnerFiles({})
    assert files.set_outputs({"a": "1"}) is None
    assert files.add_summary("x") is None


def test_a_file_that_cannot_be_written_is_told_and_raises_nothing(tmp_path: Path) -> None:
    files = RunnerFiles({"GITHUB_OUTPUT": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "x")})
    for trouble in (files.set_outputs({"a": "1"}), files.add_summary("x")):
        assert trouble is not None
        assert "could not be written" in trouble


def test_a_secret_is_masked_line_by_line() -> None:
    stream = io.StringIO()
    JobLog(stream).mask("one\n\n  two \n")
    assert stream.getvalue() == "::add-mask::one\n::add-mask::two\n"


def test_a_log_whose_reader_is_gone_raises_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    JobLog(Broken()).write("x")
    closed = io.StringIO()
    closed.close()
    JobLog(closed).write("x")
