"""The virtual environment on the host: what it is made of, and what of an earlier job's is trusted."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.e2e.launcher_bench import Job, make_action

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="owners and modes of files"),
]

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "aws-s3cret",
    "SLACK_TOKEN": "slack-s3cret",
    "GITHUB_TOKEN": "github-s3cret",
    "MY_OWN": "own-s3cret",
    "DEPLOY_COORDINATOR_INPUTS": '{"github-token": "input-s3cret"}',
    "BASH_FUNC_mine%%": "() { echo function-s3cret; }",
}


def cached(job: Job) -> tuple[Path, Path]:
    """The file that names the environment, and the environment."""
    folder = job.cache / "deploy-coordinator"
    pointer = next(file for file in folder.glob("*-py*") if file.is_file())
    return pointer, folder / pointer.read_text().splitlines()[0]


@pytest.fixture
def own(action: Path, tmp_path: Path, copied: Path) -> Job:
    """A job whose tool cache no other test shares."""
    return Job(action, tmp_path / "job", copied)


class TestWhatEarlierJobsLeft:
    def test_what_nobody_changed_is_used_again(self, own: Job) -> None:
        pointer, environment = cached(own)
        before = pointer.read_bytes()
        done = own.run("pre", "print('prefix', sys.prefix)")
        assert (done.code, f"prefix {environment}" in done.log, "::warning" in done.log) == (
            0,
            True,
            False,
        ), done.log
        assert pointer.read_bytes() == before

    @pytest.mark.parametrize(
        "change", ["a file", "a new file", "a link", "a mode", "the pointer's mode", "an owner"]
    )
    def test_what_was_changed_is_not_run(self, own: Job, change: str) -> None:
        pointer, environment = cached(own)
        packages = next(environment.glob("lib/python3*/site-packages"))
        marker = own.folder / "poisoned"
        poison = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
        if change == "a file":
            (environment / "pyvenv.cfg").write_text((environment / "pyvenv.cfg").read_text() + "\n")
        elif change == "a new file":
            (packages / "poison.pth").write_text(poison)
        elif change == "a link":
            (environment / "bin" / "python").unlink()
            (own.folder / "fake").write_text(f"#!/bin/sh\ntouch '{marker}'\nexec '{sys.executable}' \"$@\"\n")
            (own.folder / "fake").chmod(0o755)
            (environment / "bin" / "python").symlink_to(own.folder / "fake")
        elif change == "a mode":
            packages.chmod(0o777)
        elif change == "the pointer's mode":
            pointer.chmod(0o666)
        elif os.getuid() != 0:
            pytest.skip("only root can give files away")
        else:
            os.chown(packages, 12345, 12345)
        done = own.run("pre", "print('prefix', sys.prefix)")
        assert done.code == 0, done.log
        assert f"prefix {environment}\n" not in done.log
        assert "changed after it was installed" in done.log
        assert not marker.exists()
        again = own.run("pre", "print('prefix', sys.prefix)")
        assert (again.code, "::warning" in again.log) == (0, False), again.log

    def test_a_folder_that_others_may_write_is_not_shared(self, action: Path, tmp_path: Path) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can give files away")
        folder = tmp_path / "cache" / "deploy-coordinator"
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        os.chown(folder, 12345, 12345)
        job = Job(action, tmp_path / "job", tmp_path / "cache")
        done = job.run("pre", "print('prefix', sys.prefix)")
        assert (done.code, list(folder.iterdir())) == (0, []), done.log
        assert (tmp_path / "cache" / f"deploy-coordinator-{os.getuid()}").is_dir()

    def test_the_umask_of_the_job_opens_nothing(self, action: Path, tmp_path: Path) -> None:
        job = Job(action, tmp_path / "job", tmp_path / "cache")
        before = os.umask(0o000)
        try:
            assert job.run("pre").code == 0
            done = job.run("pre")
        finally:
            os.umask(before)
        assert (done.code, "::" in done.log) == (0, False), done.log


class TestInstalling:
    def test_pip_sees_no_credentials_and_builds_nothing(self, tmp_path: Path) -> None:
        """An index with nothing but a source distribution, whose build would write down what it sees."""
        action = make_action(tmp_path / "action folder")
        wheels = tmp_path / "index"
        built = tmp_path / "built"
        digest = source_distribution(wheels, f"import os; open({str(built)!r}, 'w').write(str(os.environ))\n")
        (action / "requirements.txt").write_text(f"onlysource==1.0 --hash=sha256:{digest}\n")
        job = Job(action, tmp_path / "job", tmp_path / "cache")
        done = job.run("pre", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels), PIP_NO_BINARY=":all:", **SECRETS)
        assert (done.code, built.exists()) == (70, False), built.read_text() if built.exists() else done.log

    def test_pip_is_given_what_an_index_needs_and_no_more(self, action: Path, tmp_path: Path) -> None:
        seen = tmp_path / "seen"
        base = tmp_path / "base" / "bin" / "python3"
        base.parent.mkdir(parents=True)
        real = f"{sys.base_prefix}/bin/python3"
        base.write_text(
            f"#!/bin/sh\ncase \"$*\" in *'-m venv'*) env >'{seen}' ;; esac\nexec '{real}' \"$@\"\n"
        )
        base.chmod(0o755)
        job = Job(action, tmp_path / "job", tmp_path / "cache")
        proxies = {
            "HTTPS_PROXY": os.environ.get("HTTPS_PROXY", ""),
            "NO_PROXY": "index.test",
            "HTTP_PROXY": " http://proxy.test:1\n",  # as a secret has it
        }
        job.run("pre", pythonLocation=str(base.parent.parent), **SECRETS, **proxies)
        text = seen.read_text()
        assert "HTTP_PROXY=http://proxy.test:1\n" in text
        assert ("s3cret" in text, "NO_PROXY=index.test\n" in text, "\nHOME=" in f"\n{text}") == (
            False,
            True,
            True,
        )


def source_distribution(folder: Path, code: str) -> str:
    """A package whose build runs this code; its SHA-256."""
    files = {
        "backend.py": code,
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "PKG-INFO": "Metadata-Version: 2.1\nName: onlysource\nVersion: 1.0\n",
    }
    folder.mkdir()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"onlysource-1.0/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    (folder / "onlysource-1.0.tar.gz").write_bytes(packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def test_without_home_nothing_is_made_in_the_root_folder(action: Path, tmp_path: Path) -> None:
    script = 'state=$1; source "$2"; choose_root; printf %s "$root"'
    part = action / "launcher" / "tool_cache.sh"
    done = subprocess.run(
        ["bash", "-uc", script, "bash", tmp_path, part],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == str(tmp_path)
    assert not Path("/nowhere").exists()
