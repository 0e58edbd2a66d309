"""The runner's log and files, against hostile values and trouble."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy_action.github.runner_files import JobLog, RunnerFiles
from tests.fakes.runner import Refused, heredoc_outputs

ROOT = Path(__file__).resolve().parents[2]

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


@pytest.mark.parametrize("theirs", ["version=1", "x<<EOF\n1\nEOF", "a=1\n\nb=2", "a=1\n", ""])
def test_outputs_begin_on_a_fresh_line(tmp_path: Path, theirs: str) -> None:
    path = tmp_path / "file"
    path.write_text(theirs)
    assert RunnerFiles({"GITHUB_OUTPUT": str(path)}).set_outputs({"outcome": "succeeded"}) is None
    assert heredoc_outputs(path.read_text()) == {**heredoc_outputs(theirs), "outcome": "succeeded"}


def test_summary_and_environment_begin_on_a_fresh_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("| theirs |")
    files = RunnerFiles({"GITHUB_STEP_SUMMARY": str(path), "GITHUB_ENV": str(path)})
    files.add_summary("ours")
    files.add_summary("")
    files.set_environment({"A": "1"})
    lines = path.read_text().splitlines()
    assert lines[:2] == ["| theirs |", "ours"]
    assert heredoc_outputs("\n".join(lines[2:])) == {"A": "1"}


@pytest.mark.parametrize("text", ["no sign", "=1", "<<EOF\nEOF", "x<<", "x<<EOF\n1", "version=1\nx"])
def test_the_runner_of_the_tests_refuses_what_the_runner_refuses(text: str) -> None:
    with pytest.raises(Refused):
        heredoc_outputs(text)


def test_what_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    """A disk that is full in the middle of a value, played by a limit of the file's size."""
    path = tmp_path / "file"
    path.write_text("theirs=1")
    script = (
        "import resource, signal, sys\n"
        "from deploy_action.github.runner_files import RunnerFiles\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "print(RunnerFiles({'GITHUB_OUTPUT': sys.argv[1]}).set_outputs({'a': 'x' * 9000}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert "could not be written" in done.stdout
    assert path.read_text() == "theirs=1"


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
