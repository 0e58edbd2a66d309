"""Waits until nobody is working on the stacks, whoever that may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef, parse_stack_ref
from deploy_action.errors import Busy, Cancelled, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.ports import StackDeployer, StackSource
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Ticket

_ACCOUNT = re.compile(r"(\d{12})/")
POLL_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
"""How long CloudFormation may keep silent before the caller goes on without this look."""


def in_progress(
    source: StackSource, stacks: Iterable[StackRef], *, between: Callable[[], object] = lambda: None
) -> list[StackState]:
    """Those of the stacks, globs expanded, that CloudFormation is working on. `between` is called before each
    request, and may raise. Raises StackSourceError."""
    found: list[StackState] = []
    for stack in stacks:
        between()
        states = source.in_progress(stack) if stack.is_glob else described(source, stack)
        found += (state for state in states if state.in_progress)
    return found


@dataclass(frozen=True, slots=True)
class Look:
    """The state of some `REGION/NAME` texts in CloudFormation: which are in progress, which could not be told
    of, and the names of the change sets that were executed last on those that were seen."""

    in_progress: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    change_sets: tuple[str, ...] = ()


def look_at(source: StackSource, texts: Iterable[str], *, stop: Callable[[], bool] = lambda: False) -> Look:
    """Never raises: what cannot be told is unseen, and so is what was not asked for since `stop` said so."""
    busy: list[str] = []
    unseen: list[str] = []
    names: list[str] = []
    for text in dict.fromkeys(texts):
        if stop():
            unseen.append(text)
            continue
        try:
            ref = ref_of(text)
            states = source.in_progress(ref) if ref.is_glob else described(source, ref)
        except (StackSourceError, ValueError):
            unseen.append(text)
            continue
        if any(state.in_progress for state in states):
            busy.append(text)
        names += [name for state in states if (name := executed_by(state))]
    return Look(tuple(busy), tuple(unseen), tuple(names))


def executed_by(state: StackState) -> str:
    """The name of the change set whose execution was the stack's last operation; empty where that was
    none's."""
    parts = state.change_set_arn.split("/")
    return parts[1] if len(parts) > 1 else ""


def described(source: StackSource, stack: StackRef) -> list[StackState]:
    """The stack, or all that its glob matches. Raises StackSourceError."""
    if stack.is_glob:
        return list(source.matching(stack))
    state = source.describe(stack)
    return [] if state is None else [state]


def doubtful(
    source: StackSource, texts: Iterable[str], *, stop: Callable[[], bool] = lambda: False
) -> list[str]:
    """Those of the `REGION/NAME` texts that are in progress or cannot be told: doubt never frees a lock."""
    wanted = list(texts)
    found = look_at(source, wanted, stop=stop)
    doubted = {*found.in_progress, *found.unseen}
    return [text for text in wanted if text in doubted]


def revoke(deployer: StackDeployer, holder: Ticket, *, stop: Callable[[], bool] = lambda: False) -> bool:
    """Delete the change sets that a holder, or who uses its lock, made and has not executed, so that one that
    was only paused cannot execute them any more. Best effort: CloudFormation's own fence, one operation a
    stack, stays."""
    certain = True
    borrowers = (loan.correlation_id for loan in holder.loans)
    makers = {name for name in (holder.correlation_id, *borrowers, *holder.borrowers) if name}
    for text in dict.fromkeys(holder.stacks):
        if stop():
            return False
        try:
            stack = ref_of(text)
            if not stack.is_glob:
                deployer.delete_unexecuted_change_sets(stack, makers)
        except StackSourceError as error:
            certain = certain and not error.temporary
        except ValueError:
            continue
    return certain


def ref_of(text: str) -> StackRef:
    """`REGION/NAME` or `REGION/ARN` as the registry holds it, perhaps after `ACCOUNT/`; raises ValueError for
    anything else."""
    text = _ACCOUNT.sub("", text)
    region, _, rest = text.partition("/")
    if rest.startswith("arn:"):
        parse_stack_ref(f"{region}/name", "")
        return StackRef(region, rest)
    return parse_stack_ref(text, "")


def account_of(text: str) -> str:
    """The account in such a text; empty where none is named."""
    named = _ACCOUNT.match(text)
    if named:
        return named[1]
    parts = text.partition("/")[2].split(":")
    return parts[4] if len(parts) > 5 and parts[0] == "arn" else ""


def wait_until_idle(
    source: StackSource,
    clock: Clock,
    stacks: Iterable[StackRef],
    *,
    timeout_seconds: float,
    tell: Callable[[list[StackState], float], None],
    cancelled: Callable[[], bool],
    alive: Callable[[], None],
) -> float:
    """Wait; returns the seconds waited. `tell` is called at each look, `alive` renews the lock.

    Raises Busy after `timeout_seconds` (the first look is finished), Cancelled, StackSourceError where
    CloudFormation refuses to tell, or gave no answer for PATIENCE_SECONDS. Of many stacks, each is one
    request, and all of that holds between two of them.
    """
    wanted = list(dict.fromkeys(stacks))
    started = clock.monotonic()
    alive_at = started
    busy: list[StackState] = []

    def between() -> None:
        nonlocal alive_at
        _stop_if(cancelled)
        if clock.monotonic() - alive_at >= POLL_SECONDS:
            alive()
            alive_at = clock.monotonic()
        if busy and clock.monotonic() - started >= timeout_seconds:
            raise _busy(busy, clock.monotonic() - started)

    silent_since: float | None = None
    while True:
        waited = clock.monotonic() - started
        alive_at = clock.monotonic()
        pause = min(POLL_SECONDS, max(0.1, timeout_seconds - waited))
        try:
            busy = in_progress(source, wanted, between=between)
        except StackSourceError as error:
            now = clock.monotonic()
            silent_since = now if silent_since is None else silent_since
            if not error.temporary or now - silent_since >= PATIENCE_SECONDS:
                raise
            pause = POLL_SECONDS
        else:
            silent_since = None
            if not busy:
                return waited
            if waited >= timeout_seconds:
                raise _busy(busy, waited)
            tell(busy, waited)
        _stop_if(cancelled)
        alive()
        clock.sleep(pause)


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Cancelled while waiting for the stacks.", why="Nothing was changed.")


def _busy(busy: list[StackState], waited: float) -> Busy:
    names = ", ".join(f"{state.ref} ({state.status})" for state in busy[:5])
    return Busy(
        f"CloudFormation is still working on {names} after {waited:.0f} s of waiting.",
        why="A stack takes one operation at a time. Nothing was changed.",
        remedy="Let it end or cancel it in the console, or raise `wait-timeout-in-minutes`.",
    )
