"""The first job of a host: whatever Python it has, and whatever keeps it from the package index."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import Job
from tests.fakes.connect_proxy import ConnectProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="a Python whose library is made of links"),
]
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
NEEDS = "import six\nprint('made by', pathlib.Path(sys.prefix, 'pyvenv.cfg').read_text(), 'ran', step)\n"
QUICKLY = {"PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "2", "PIP_NO_CACHE_DIR": "1"}


@pytest.fixture
def first(action: Path, tmp_path: Path) -> Iterator[Job]:
    """Where nothing is installed yet."""
    job = Job(action, tmp_path, tmp_path / "cache")
    yield job
    job.end()


def debian(job: Job, *, pip: bool, without: tuple[str, ...] = ("ensurepip",)) -> Path:
    """Give the job no other Python than one that lacks these modules, as Debian's without python3-venv."""
    folder = job.folder / "debian"
    library = folder / "lib" / VERSION
    packages = library / "site-packages"
    (folder / "bin").mkdir(parents=True)
    packages.mkdir(parents=True)
    base = Path(sys.base_prefix) / "lib" / VERSION
    for entry in base.iterdir():
        if entry.name not in {*without, "site-packages"}:
            (library / entry.name).symlink_to(entry)
    python = folder / "bin" / VERSION
    shutil.copy2(Path(sys.base_prefix) / "bin" / VERSION, python)
    python.with_name("python3").symlink_to(python)
    if pip:
        (wheel,) = (base / "ensurepip" / "_bundled").glob("pip-*.whl")
        zipfile.ZipFile(wheel).extractall(packages)
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
        job.tool(name, f"exec '{python}' \"$@\"")
    job.environment["pythonLocation"] = str(folder)
    # What a newer Python of this machine has beside its own folder must not help.
    job.environment.pop("PYTHONHOME", None)
    return folder


class TestDebianWithoutItsVenvPackage:
    def test_its_pip_is_enough(self, first: Job) -> None:
        folder = debian(first, pip=True)
        done = first.run("pre", NEEDS)
        assert (done.code, "ran pre" in done.log) == (0, True), done.log
        assert f"home = {folder}/bin" in done.log

    def test_uv_is_enough(self, first: Job) -> None:
        """The real one where it is installed; else one that does the same with this Python."""
        folder = debian(first, pip=False, without=("ensurepip", "venv"))
        real = shutil.which("uv")
        calls = first.folder / "uv calls"
        (wheel,) = (Path(sys.base_prefix) / "lib" / VERSION / "ensurepip" / "_bundled").glob("pip-*.whl")
        played = f"""'{sys.executable}' -m venv --without-pip "${{@: -1}}" &&
            '{sys.executable}' -m zipfile -e '{wheel}' "${{@: -1}}/lib/{VERSION}/site-packages\""""
        makes = f"exec '{real}' \"$@\"" if real else played
        first.tool("uv", f"printf '%s\\n' \"$*\" \"$UV_DEFAULT_INDEX\" >>'{calls}'; {makes}")
        config = first.folder / "pip.conf"
        config.write_text(f"[global]\nindex-url = {index_of_this_machine()}\n")
        done = first.run("pre", NEEDS, PIP_CONFIG_FILE=str(config), PIP_INDEX_URL="")
        assert (done.code, "ran pre" in done.log) == (0, True), done.log
        call, index = calls.read_text().splitlines()[:2]
        assert f"--seed --python {folder}/bin/python3 " in call
        assert index == index_of_this_machine(), "uv reads no pip.conf"

    def test_with_neither_the_package_is_named(self, first: Job) -> None:
        debian(first, pip=False)
        first.environment["PATH"] = f"{first.folder / 'bin'}:/usr/bin:/bin"
        done = first.run("pre", NEEDS)
        assert done.code == 70, done.log
        error = next(line for line in done.log.splitlines() if line.startswith("::error"))
        assert "lacks it" in error
        assert "install the package python3-venv or uv" in error


def index_of_this_machine() -> str:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or os.environ.get("PIP_INDEX_URL", "") or "https://pypi.org/simple"


class Refusing(BaseHTTPRequestHandler):
    """A private index that nobody has signed in to."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def private_index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/simple"
    server.shutdown()
    server.server_close()


class TestWhatKeepsItFromTheIndex:
    """Each is named, with what to set, by the one line that people see on the run's page. The Python has pip
    and no ensurepip, so that the environment takes a second to make."""

    @pytest.mark.parametrize(
        ("mode", "says", "remedy"),
        [
            ("407", "407 Proxy Authentication Required", "put it into HTTPS_PROXY"),
            (
                "intercept",
                "certificate verify failed",
                "company's certificates in PIP_CERT or NODE_EXTRA_CA_CERTS",
            ),
            ("hangs", "timed out", "set HTTPS_PROXY, or PIP_INDEX_URL to one that can"),
        ],
    )
    def test_a_proxy(self, first: Job, mode: str, says: str, remedy: str) -> None:
        for name in list(first.environment):
            if name.upper().endswith("_PROXY") or name.startswith(("PIP_", "SSL_")) or "CA_BUNDLE" in name:
                del first.environment[name]
        debian(first, pip=True)
        with ConnectProxy(("127.0.0.1", 9), first.folder, mode) as proxy:
            settings = {"HTTPS_PROXY": proxy.address, "NO_PROXY": "", "PIP_CONFIG_FILE": os.devnull}
            index = {"PIP_INDEX_URL": "https://index.example/simple"}
            done = first.run("pre", NEEDS, **QUICKLY, **settings, **index)
        error = self.error(done.code, done.log)
        assert says.lower() in error.lower()
        assert remedy in error
        assert "geheim" not in done.log

    def test_an_index_that_wants_a_token(self, first: Job, private_index: str) -> None:
        debian(first, pip=True)
        done = first.run("pre", NEEDS, **QUICKLY, PIP_INDEX_URL=private_index, PIP_CONFIG_FILE=os.devnull)
        assert "with a token in PIP_INDEX_URL" in self.error(done.code, done.log)

    def test_a_companys_constraint(self, first: Job) -> None:
        debian(first, pip=True)
        constraint = first.folder / "constraints.txt"
        constraint.write_text("six==0.1\n")
        done = first.run("pre", NEEDS, PIP_CONSTRAINT=str(constraint))
        assert "unset PIP_CONSTRAINT" in self.error(done.code, done.log)

    def error(self, code: int, log: str) -> str:
        assert code == 70, log
        return next(line for line in log.splitlines() if line.startswith("::error"))


def test_a_set_up_that_waits_speaks_within_ten_seconds(first: Job) -> None:
    debian(first, pip=True)
    with ConnectProxy(("127.0.0.1", 9), first.folder, "hangs") as proxy:
        running = first.start(
            "pre",
            NEEDS,
            HTTPS_PROXY=proxy.address,
            NO_PROXY="",
            PIP_CONFIG_FILE=os.devnull,
            PIP_INDEX_URL="https://index.example/simple",
        )
        running.until("Still installing the action's requirements", timeout=30)
        assert "(9 s)" in running.log.read_text() or "(10 s)" in running.log.read_text()
        first.end()
