"""The command line for operators: who deploys, freezing locks, and freeing one by hand.

Exit codes: 0 done; 1 there is no such deployment; 8 the registry cannot be used; 64 wrong words.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys
from typing import TYPE_CHECKING, TypeVar

from deploy_action.context import run_context
from deploy_action.core import operators
from deploy_action.core.lock_codec import encode
from deploy_action.core.times import iso, unix_seconds
from deploy_action.engine.swap import Swapper
from deploy_action.errors import CoordinatorError, RegistryError
from deploy_action.inputs import parse_lock_name
from deploy_action.registry_address import parse_registry
from deploy_action.render import tables
from deploy_action.render.escape import log_text, one_line
from deploy_action.wiring import open_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.document import Document, Ticket
    from deploy_action.ports import Clock

T = TypeVar("T")

NOT_FOUND, REGISTRY, USAGE = 1, 8, 64
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def main(arguments: list[str], clock: Clock) -> int:
    """Returns the exit code."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as end:
        return USAGE if end.code else 0
    try:
        return int(options.run(options, clock))
    except RegistryError as error:
        print(log_text(str(error)), file=sys.stderr)
        return REGISTRY
    except CoordinatorError as error:
        print(log_text(str(error)), file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--registry",
        type=_checked(parse_registry),
        default=os.environ.get("DEPLOY_COORDINATOR_REGISTRY") or "github",
        help="as the action's input `registry`; default: $DEPLOY_COORDINATOR_REGISTRY, else github",
    )
    common.add_argument(
        "--repository",
        default=os.environ.get("GITHUB_REPOSITORY", ""),
        metavar="OWNER/NAME",
        help="for the registry `github`; its token is read from $GITHUB_TOKEN or $GH_TOKEN",
    )
    deed = argparse.ArgumentParser(add_help=False)
    deed.add_argument("--reason", required=True, type=_checked(_line), help="why; everybody will read it")
    deed.add_argument("--by", default=None, type=_checked(_line), help="who; default: the user of this shell")

    parser = argparse.ArgumentParser(prog="deploy-coordinator", allow_abbrev=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    active = commands.add_parser("active", parents=[common], help="who holds which lock, and who waits")
    active.add_argument("--json", action="store_true", help="the whole document, for machines")
    active.set_defaults(run=_active)

    freeze = commands.add_parser("freeze", parents=[common, deed], help="grant locks to nobody for a while")
    freeze.add_argument("locks", nargs="+", metavar="LOCK", type=_checked(parse_lock_name))
    end = freeze.add_mutually_exclusive_group()
    end.add_argument("--until", type=_checked(_time), help="an ISO 8601 time; UTC without a zone")
    end.add_argument(
        "--for", dest="seconds", metavar="DURATION", type=_checked(_seconds), help="such as 90m, 12h or 3d"
    )
    freeze.set_defaults(run=_freeze)

    unfreeze = commands.add_parser("unfreeze", parents=[common, deed], help="lift freezes")
    unfreeze.add_argument("locks", nargs="+", metavar="LOCK")
    unfreeze.set_defaults(run=_unfreeze)

    release = commands.add_parser("release", parents=[common, deed], help="take a lock or a place away")
    release.add_argument("what", metavar="LOCK|CORRELATION-ID", help="a lock's holder, or any deployment")
    release.add_argument("--force", action="store_true", required=True, help="yes, although it is not mine")
    release.set_defaults(run=_release)
    return parser


def _active(options: argparse.Namespace, clock: Clock) -> int:
    document = _apply(options, clock, lambda document: (None, document), "")
    if options.json:
        print(encode(document).decode("utf-8", "replace"), end="")
        return 0
    for line in tables.active(document, at=iso(clock.now())):
        print(line)
    return 0


def _freeze(options: argparse.Namespace, clock: Clock) -> int:
    now = clock.now()
    until = iso(now + options.seconds) if options.seconds else options.until or ""
    if until and (unix_seconds(until) or 0.0) <= now:
        raise _WrongWords(f"The end {until} is not in the future.")
    names = tuple(dict.fromkeys(options.locks))
    by, at = _by(options), iso(now)

    def decide(document: Document) -> tuple[Document, Document]:
        return operators.freeze(document, names, by=by, reason=options.reason, at=at, until=until), document

    before = _apply(options, clock, decide, f"freeze {', '.join(names)} by {by}")
    print(f"Frozen {f'until {until}' if until else 'until somebody lifts it'}: {', '.join(names)}.")
    known = sorted({*before.locks, *(name for ticket in before.tickets for name in ticket.locks)})
    for name in names:
        holder = before.holder_of(name)
        if holder is not None:
            print(log_text(f"Deployment {holder.correlation_id} holds {name} and goes on."))
        if name not in known:
            told = f" Known: {', '.join(known)}." if known else ""
            print(log_text(f"No deployment has used the lock {name} yet.{told}"), file=sys.stderr)
    return 0


def _unfreeze(options: argparse.Namespace, clock: Clock) -> int:
    names, by, at = tuple(dict.fromkeys(options.locks)), _by(options), iso(clock.now())

    def decide(document: Document) -> tuple[Document, list[str]]:
        new = operators.unfreeze(document, names, by=by, reason=options.reason, at=at)
        return new, [name for name in names if document.locks.get(name) != new.locks.get(name)]

    lifted = _apply(options, clock, decide, f"unfreeze {', '.join(names)} by {by}")
    if lifted:
        print(f"Lifted: {', '.join(lifted)}.")
    left = [name for name in names if name not in lifted]
    if left:
        print(f"No freeze lies on: {', '.join(left)}.", file=sys.stderr)
    return 0 if lifted else NOT_FOUND


def _release(options: argparse.Namespace, clock: Clock) -> int:
    by, at, what = _by(options), iso(clock.now()), options.what

    def decide(document: Document) -> tuple[Document, tuple[Ticket | None, int]]:
        ticket = document.holder_of(what) or next(
            (ticket for ticket in document.tickets if ticket.correlation_id == what), None
        )
        waiting = sum(what in one.locks for one in document.tickets)
        if ticket is None:
            return document, (None, waiting)
        reason = options.reason
        new = operators.force_release(document, ticket.nonce, by=by, reason=reason, at=at)
        return new, (ticket, waiting)

    ticket, waiting = _apply(options, clock, decide, f"release {what} by force, by {by}")
    if ticket is None:
        queue = f" Waiting for it: {waiting}; see `active`." if waiting else ""
        told = f"No deployment holds the lock {what}, and none has that id.{queue}"
        print(log_text(told), file=sys.stderr)
        return NOT_FOUND
    locks, stacks = ", ".join(ticket.locks), ", ".join(ticket.stacks)
    who = f"{ticket.correlation_id} ({ticket.url or 'no link'})"
    if ticket.holding:
        rest = f" The next deployment waits until {stacks} is at rest." if stacks else ""
        print(log_text(f"Took {locks} away from {who}.{rest}"))
    else:
        print(log_text(f"Took {who} out of the queue for {locks}."))
    return 0


def _apply(
    options: argparse.Namespace,
    clock: Clock,
    decide: Callable[[Document], tuple[Document | None, T]],
    message: str,
) -> T:
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or ""
    run = run_context({**os.environ, "GITHUB_REPOSITORY": options.repository})
    if options.repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", options.repository):
        raise _WrongWords(f"`{options.repository}` is not OWNER/NAME.")
    if options.registry.kind == "github":
        if not (options.registry.place or run.repository):
            raise _WrongWords("The registry `github` is a branch of a repository: give --repository.")
        if not token:
            raise _WrongWords("The registry `github` needs a token in $GITHUB_TOKEN.")
    registry = open_registry(options.registry, token=token, run=run, environ=os.environ)
    try:
        return Swapper(registry, clock).apply(decide, message=message)
    except RegistryError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError):
            raise _WrongWords(
                f"The package `{missing.name}` is not installed.",
                remedy="Install what requirements.txt names, in a virtual environment.",
            ) from error
        raise


class _WrongWords(CoordinatorError):
    exit_code = USAGE


def _by(options: argparse.Namespace) -> str:
    if options.by:
        return str(options.by)
    actor = os.environ.get("GITHUB_ACTOR")
    if actor:
        return actor
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody without a name"


def _checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """argparse shows the words of its own error class only."""

    def checked(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def _line(text: str) -> str:
    line = one_line(text, 500)
    if not line:
        raise ValueError("it is empty.")
    return line


def _time(text: str) -> str:
    seconds = unix_seconds(text)
    if seconds is None:
        raise ValueError(f"`{text}` is no time such as 2026-12-27T08:00:00Z.")
    return iso(seconds)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if not found or not int(found[1]):
        raise ValueError(f"`{text}` is no duration such as 90m, 12h or 3d.")
    return int(found[1]) * _UNITS[found[2]]
