"""Code that commands share: the registry's options, words that are checked, and answers for machines."""

from __future__ import annotations

import functools
import getpass
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deploy_action.cli import USAGE, checkout
from deploy_action.cloudformation.region import default_region
from deploy_action.cloudformation.stacks import StackRef, parse_stack_ref
from deploy_action.common.escape import log_text, machine_json, one_line
from deploy_action.common.times import iso, unix_seconds
from deploy_action.errors import CoordinatorError, RegistryError
from deploy_action.github.run_context import run_context
from deploy_action.github.server_addresses import in_the_cloud
from deploy_action.history.files import learned
from deploy_action.job.history import past_of
from deploy_action.job.state import Memory
from deploy_action.locking.compare_and_swap import Swapper, read_beside
from deploy_action.locking.stores import parse_registry
from deploy_action.wiring import open_registry, repository_look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.common.ports import Clock
    from deploy_action.github.run_context import RunContext
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.locking.compare_and_swap import Change
    from deploy_action.locking.document import Document
    from deploy_action.locking.ports import Registry
    from deploy_action.locking.registry_address import RegistryAddress
    from deploy_action.preflight.facts import Repository

T = TypeVar("T")

_UNITS_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


class UsageError(CoordinatorError):
    exit_code = USAGE


def github_token() -> str:
    """Empty where there is none."""
    return checkout.github_token(os.environ)


def registry_token(registry: str, environ: Mapping[str, str]) -> str:
    """The token for the registry of that address alone, as the input `registry-token`. `environ`: the shell's
    own."""
    try:
        address = parse_registry(registry or "github")
    except ValueError:  # the inputs' own parser says so
        return ""
    return token_at(address, environ)


def token_at(address: RegistryAddress, environ: Mapping[str, str]) -> str:
    """Of that registry alone. `environ`: the shell's own, which the clone completes."""
    known = {**environ, **checkout.environment(environ)}
    seen = address.seen_from(known.get("GITHUB_SERVER_URL", ""))
    if address.host and not seen.host:  # the clone's own, and the operator names it
        return environ.get(checkout.VARIABLE, "")
    return checkout.registry_token(environ, seen.host)


def no_token(environ: Mapping[str, str]) -> UsageError:
    """For the registry `github` on the clone's own server."""
    host = checkout.host_asked(environ)
    if in_the_cloud(host):
        return UsageError(
            "The registry `github` needs a token: $GH_TOKEN, $GITHUB_TOKEN, or `gh auth login`."
        )
    return UsageError(
        f"The registry `github` on {host} needs a token of that server.",
        why="$GH_TOKEN and $GITHUB_TOKEN go to a server only where $GITHUB_SERVER_URL or $GH_HOST names it: "
        "the remote of a clone may be anybody's.",
        remedy=f"Set $GH_ENTERPRISE_TOKEN or $GITHUB_ENTERPRISE_TOKEN, or `gh auth login --hostname {host}`.",
    )


class Checked(click.ParamType[Any]):
    """Words of one kind, by a function that raises ValueError with a sentence for people."""

    def __init__(self, parse: Callable[[str], Any], name: str) -> None:
        self._parse = parse
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class RegistrySession:
    """An operator's registry: opened when first asked for."""

    def __init__(self, clock: Clock, address: RegistryAddress, repository: str) -> None:
        self.clock = clock
        self._named = address
        self._repository = repository

    @property
    def repository(self) -> str:
        """OWNER/NAME; empty where nothing tells it."""
        return self._run.repository

    @functools.cached_property
    def registry(self) -> Registry:
        """Raises WrongWords where it is not told which one, RegistryError where it cannot be set up."""
        token, run = self._token, self._run
        if run.repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", run.repository):
            raise UsageError(f"`{run.repository}` is not OWNER/NAME.")
        if self._address.kind == "github":
            if not (self._address.place or run.repository):
                raise UsageError(
                    "The registry `github` is a branch of a repository, and this folder is no clone of one: "
                    "give --repository."
                )
            if not token and self._address.host:
                host = self._address.host
                raise UsageError(
                    f"The registry on {host} needs a token of that server.",
                    remedy=f"Set ${checkout.VARIABLE}, or `gh auth login --hostname {host}`.",
                )
            if not token:
                raise no_token(os.environ)
        return open_registry(self._address, token=token, run=run, environ=os.environ)

    def repository_look(self) -> Callable[[], Repository] | None:
        """The repository of the registry, as GitHub describes it; None where the registry is somewhere
        else."""
        return repository_look(self._address, token=self._token, run=self._run, probe=True)

    @property
    def _address(self) -> RegistryAddress:
        return self._named.seen_from(self._run.server_url)

    @property
    def _token(self) -> str:
        """Empty rather than a token that is another GitHub's."""
        return token_at(self._named, os.environ) or ("" if self._address.host else github_token())

    @property
    def _run(self) -> RunContext:
        known = {**os.environ, **checkout.environment(os.environ)}
        return run_context({**known, "GITHUB_REPOSITORY": self._repository} if self._repository else known)

    def apply(
        self,
        decide: Callable[[Document], tuple[Document | None, T]],
        message: str = "",
        *,
        file: Change | None = None,
        always: bool = False,
    ) -> T:
        """As `Swapper.apply`; and a package that the registry needs and is not there is a sentence too."""
        try:
            return Swapper(self.registry, self.clock).apply(decide, message=message, file=file, always=always)
        except RegistryError as error:
            missing = error.__cause__
            if isinstance(missing, ModuleNotFoundError):
                raise UsageError(
                    f"The package `{missing.name}` is not installed.",
                    remedy="Install what requirements.txt names, in a virtual environment.",
                ) from error
            raise

    def document(self) -> Document:
        return self.apply(lambda document: (None, document))

    def beside(self, look: Callable[[Callable[[str], bytes | None]], T]) -> T:
        """As `read_beside`. Raises RegistryError."""
        self.document()  # with the patience that a first read may need
        return read_beside(self.registry, look)

    def history(self) -> bytes | None:
        """Sources of the estimates: the newest deployments, whole. Raises RegistryError."""
        return self.beside(learned)

    @staticmethod
    def past(content: bytes | None, collected: tuple[dict[str, Any], ...] = ()) -> DeploymentHistory:
        """A history, with records that were collected for it."""
        return past_of(Memory(content, collected), account="")


def with_registry(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that name the registry; the command gets a `Desk` as its first argument."""

    @click.option(
        "--registry",
        type=Checked(parse_registry, "address"),
        default=lambda: os.environ.get("DEPLOY_COORDINATOR_REGISTRY") or "github",
        show_default="$DEPLOY_COORDINATOR_REGISTRY, else github",
        help="As the action's input `registry`.",
    )
    @click.option(
        "--repository",
        metavar="OWNER/NAME",
        default="",
        show_default="$GITHUB_REPOSITORY, else of the git remote",
        help="For the registry `github`; its token is $GH_TOKEN, $GITHUB_TOKEN, or that of `gh auth token`; "
        "on a company's own server $GH_ENTERPRISE_TOKEN, $GITHUB_ENTERPRISE_TOKEN, or that of `gh`. "
        "On another GitHub than the clone's: $DEPLOY_COORDINATOR_REGISTRY_TOKEN, or that of "
        "`gh auth token --hostname HOST`.",
    )
    @click.pass_obj
    @functools.wraps(command)
    def wrapped(clock: Clock, /, registry: RegistryAddress, repository: str, **options: Any) -> Any:
        return command(RegistrySession(clock, registry, repository), **options)

    return wrapped


def with_reason(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds who does it, and why: `by` and `reason`."""
    told = click.option(
        "--reason", required=True, type=Checked(_line, "text"), help="Why; everybody will read it."
    )
    named = click.option(
        "--by", type=Checked(_line, "name"), default=None, help="The actor. Default: the user of this shell."
    )
    return told(named(command))


with_utc = click.option("--utc", is_flag=True, help="Times in UTC; default: in this machine's zone.")
as_json = click.option("--json", "machine", is_flag=True, help="For machines.")
region_option = click.option(
    "--region",
    default=lambda: default_region(os.environ),
    show_default="$AWS_REGION, or the profile's",
    help="Of stacks that are given without one.",
)


def stack_refs(names: tuple[str, ...], region: str) -> tuple[StackRef, ...]:
    """Raises WrongWords."""
    try:
        return tuple(dict.fromkeys(_stack_ref(name, region) for name in names))
    except ValueError as error:
        raise UsageError(f"STACK: {error}") from error


def _stack_ref(name: str, region: str) -> StackRef:
    """An ARN stays the whole address, by which CloudFormation finds that very stack and none of its name."""
    ref = parse_stack_ref(name, region)
    return StackRef(ref.region, name) if name.startswith("arn:") else ref


def whoever(by: str | None) -> str:
    if by or os.environ.get("GITHUB_ACTOR"):
        return by or os.environ["GITHUB_ACTOR"]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody without a name"


def echo(text: str, *, indent: int = 0) -> None:
    """One line for people. What it quotes from outside is made harmless."""
    click.echo(" " * indent + log_text(text))


def warn(text: str) -> None:
    """Remarks beside the answer to the question."""
    print(log_text(text), file=sys.stderr)


def say_json(value: object) -> None:
    click.echo(machine_json(json.dumps(value, indent=2)))


def say_json_line(value: object) -> None:
    click.echo(machine_json(json.dumps(value, default=str)))


def _line(text: str) -> str:
    line = one_line(text, 500)
    if not line:
        raise ValueError("it is empty.")
    return line


def time_word(text: str) -> str:
    """An ISO 8601 time in UTC. Raises ValueError."""
    seconds = unix_seconds(text)
    if seconds is None:
        raise ValueError(f"`{text}` is no time such as 2026-12-27T08:00:00Z.")
    return iso(seconds)


def duration_word(text: str) -> float:
    """Seconds of `90m`, `12h`, `3d`. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if not found or not int(found[1]):
        raise ValueError(f"`{text}` is no duration such as 90m, 12h or 3d.")
    return int(found[1]) * _UNITS_SECONDS[found[2]]
