"""Is everything there that a deployment needs? Looks around, and says what to do about what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy_action import __version__
from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import RegistrySession, as_json, echo, region_option, say_json, with_registry
from deploy_action.common.escape import log_text
from deploy_action.common.fault_classes import proxy_for
from deploy_action.common.trusted_certificates import established
from deploy_action.errors import (
    BehindUnavailable,
    CoordinatorError,
    RegistryConflict,
    RegistryError,
)
from deploy_action.preflight.checks.credentials import clock_findings
from deploy_action.preflight.facts import NoSession
from deploy_action.preflight.finding import KINDS, Level
from deploy_action.wiring import slack_look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy_action.preflight.facts import Repository

ENGINE_SECONDS = 10.0
PYTHON_MIN = (3, 11)
PACKAGES = {
    "boto3": "AWS",
    "PyGithub": "the registry on GitHub",
    "slack-sdk": "messages",
    "PyYAML": "templates",
    "msgspec": "the steps of a job",
    "filelock": "the registry in a file",
}


class State(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Row:
    about: str
    state: State
    detail: str
    remedy: str = ""


@click.command()
@region_option
@click.option("--no-write", is_flag=True, help="Do not try whether the registry can be written.")
@click.option("--slack-channel", multiple=True, help="A channel that messages go to; may be repeated.")
@as_json
@with_registry
def command(
    desk: RegistrySession, *, region: str, no_write: bool, slack_channel: tuple[str, ...], machine: bool
) -> int:
    """Check this machine, the registry, the tokens and AWS.

    The registry is written once, with what it holds already. It ends with 1 where something fails.
    """
    rows = [
        row
        for look in (
            _here,
            _tools,
            _proxy,
            _certificates,
            _kept,
            lambda: _registry(desk, write=not no_write),
            lambda: _github(desk),
            lambda: _aws(desk, region),
            lambda: _slack(slack_channel),
        )
        for row in _safely(look)
    ]
    if machine:
        say_json([{**asdict(row), "state": row.state.value} for row in rows])
    else:
        width = max(len(row.about) for row in rows)
        for row in rows:
            click.echo(f"{row.state.value:<5}{row.about:<{width}}  {log_text(row.detail)}")
            if row.remedy:
                echo(row.remedy, indent=7 + width)
    return NOT_FOUND if any(row.state is State.FAIL for row in rows) else 0


def _safely(look: Callable[[], Iterator[Row]]) -> list[Row]:
    """A doctor that falls ill is of no use."""
    rows: list[Row] = []
    try:
        rows.extend(look())
    except CoordinatorError as error:
        rows.append(Row("look", State.FAIL, error.what, error.remedy))
    except Exception as error:  # noqa: BLE001 - told, and the other looks go on
        rows.append(Row("look", State.WARN, f"It could not be looked at ({type(error).__name__}: {error})."))
    return rows


def _here() -> Iterator[Row]:
    yield Row("deploy-coordinator", State.OK, __version__)
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] >= PYTHON_MIN:
        yield Row("Python", State.OK, version)
    else:
        yield Row("Python", State.FAIL, version, "Use Python 3.11 or newer.")
    for name, purpose in PACKAGES.items():
        try:
            yield Row(name, State.OK, metadata.version(name))
        except metadata.PackageNotFoundError:
            remedy = "Install what requirements.txt names, in a virtual environment."
            yield Row(name, State.FAIL, f"is not installed, and needed for {purpose}", remedy)


def _tools() -> Iterator[Row]:
    for tool, state, remedy in (
        ("bash", State.FAIL, "Install bash: the action's steps and `command` run in it."),
        ("docker", State.WARN, "Without it the action runs on the host, by Python 3.11 or newer."),
        ("git", State.WARN, "Workflows check the repository out with it."),
    ):
        path = shutil.which(tool)
        if path is None:
            yield Row(tool, state, "is not there", remedy)
        elif tool == "docker":
            yield _engine(path, remedy)
        else:
            yield Row(tool, State.OK, path)


def _engine(docker: str, remedy: str) -> Row:
    """The command alone runs nothing: its engine may be stopped, or refuse this user."""
    words = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(
            words, capture_output=True, check=False, text=True, errors="replace", timeout=ENGINE_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Row("docker", State.WARN, f"its engine does not answer ({type(error).__name__})", remedy)
    version = done.stdout.strip()
    if done.returncode == 0 and version:
        return Row("docker", State.OK, f"{docker}, engine {version}")
    why = next(iter(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
    return Row("docker", State.WARN, f"its engine does not answer: {why}", remedy)


def _proxy() -> Iterator[Row]:
    """Without its password."""
    if proxy := proxy_for("https://", os.environ):
        spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        yield Row("proxy", State.OK, f"{proxy}, {f'but for {spared}' if spared else 'for every host'}")


def _certificates() -> Iterator[Row]:
    trust = established()
    named = f", and what these name: {', '.join(trust.named)}" if trust.named else ""
    yield Row("certificates", State.OK, f"those of the system and of the SDKs{named}")
    for problem in trust.problems:
        yield Row("certificates", State.WARN, problem)


def _kept() -> Iterator[Row]:
    """Files that launcher/kept.sh keeps, and removes after 30 days without use."""
    home = os.environ.get("HOME", "")
    cache = (
        os.environ.get("RUNNER_TOOL_CACHE")
        or os.environ.get("XDG_CACHE_HOME")
        or (str(Path(home) / ".cache") if home else "")
    )
    found = [file for file in Path(cache).glob("deploy-coordinator*/*") if file.is_file()] if cache else []
    images = [
        file.read_text("utf-8", "replace").split("\n")[0] for file in found if file.name[:6] == "image-"
    ]
    environments = [file.name for file in found if "-py" in file.name and file.name[:6] != "image-"]
    if not images and not environments:
        yield Row("kept here", State.OK, "nothing")
    for kind, names in (("environment", environments), ("image", images)):
        for name in names:
            yield Row(f"kept {kind}", State.OK, name)


def _registry(desk: RegistrySession, *, write: bool) -> Iterator[Row]:
    try:
        document = desk.document()
    except RegistryError as error:
        yield Row("registry, read", State.FAIL, error.what, error.remedy)
        return
    holding = sum(ticket.holding for ticket in document.tickets)
    yield Row("registry, read", State.OK, f"{desk.registry.location}: {holding} deployments hold locks")
    if desk.registry.advice:
        yield Row("registry, name", State.WARN, desk.registry.advice)
    if not write:
        return
    snapshot = desk.registry.read()
    if snapshot.document is None:
        detail = "nothing was written there yet; the first deployment does that"
        yield Row("registry, write", State.OK, detail)
        return
    try:
        desk.registry.swap(snapshot.document, snapshot.version, message="doctor: the same document again")
    except RegistryConflict:
        yield Row("registry, write", State.OK, "somebody else wrote at the same moment")
    except RegistryError as error:
        yield Row("registry, write", State.FAIL, error.what, error.remedy)
    else:
        yield Row("registry, write", State.OK, "the same document was written again")


def _github(desk: RegistrySession) -> Iterator[Row]:
    look = desk.repository_look()
    if look is None:
        return
    try:
        repository = look()
    except BehindUnavailable as error:
        yield Row(
            "GitHub",
            State.FAIL,
            error.what,
            error.remedy or "Look at the network and at https://www.githubstatus.com.",
        )
        return
    yield _token(repository)
    if repository.their_time is not None:
        yield _clock(desk.clock.now() - repository.their_time, "GitHub")


def _token(repository: Repository) -> Row:
    if repository.status == 401:
        return Row("GitHub token", State.FAIL, repository.message, KINDS["token-refused"].remedy)
    remedy = KINDS["token-cannot-write"].remedy
    if repository.status != 200:
        return Row("GitHub token", State.FAIL, f"may not see the repository: {repository.message}", remedy)
    if repository.may_write is False:
        return Row("GitHub token", State.FAIL, "lacks `contents: write`", remedy)
    return Row("GitHub token", State.OK, "may write the registry")


def _aws(desk: RegistrySession, region: str) -> Iterator[Row]:
    from deploy_action.diagnosis.services.requests import short_clients
    from deploy_action.preflight.sources.account import Account

    if not region:
        yield Row("AWS region", State.WARN, "is not set", "Set AWS_REGION, or name it: --region.")
        return
    yield Row("AWS region", State.OK, region)
    try:
        session = Account(short_clients(), os.environ).session(region)
    except BehindUnavailable as error:
        remedy = error.remedy or "Look at the network, proxies and VPC endpoints."
        yield Row("AWS identity", State.FAIL, error.what, remedy)
        return
    if isinstance(session, NoSession):
        remedy = session.remedy or KINDS["credentials-missing"].remedy
        yield Row("AWS identity", State.FAIL, session.what, remedy)
    else:
        yield Row("AWS identity", State.OK, session.arn)
    if session.their_time is not None:
        yield _clock(desk.clock.now() - session.their_time, "AWS")


def _clock(skew_seconds: float, who: str) -> Row:
    found = clock_findings(skew_seconds, who)
    if found:
        return Row(f"clock, by {who}", State.WARN, found[0].what, found[0].remedy)
    return Row(f"clock, by {who}", State.OK, "right")


def _slack(channels: tuple[str, ...]) -> Iterator[Row]:
    token = os.environ.get("SLACK_BOT_TOKEN", "")
    look = slack_look(token, channels, base_url=os.environ.get("SLACK_API_URL", ""))
    if look is None:
        why = "could not be looked at" if token else "not used: there is no $SLACK_BOT_TOKEN"
        yield Row("Slack", State.OK, why)
        return
    found = look()
    for level, what, remedy in found:
        state = State.WARN if level == Level.WARNING.value else State.OK
        yield Row("Slack", state, what, remedy)
    if not found:
        yield Row("Slack", State.OK, "takes messages")
