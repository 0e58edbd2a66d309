"""Stacks that earlier holders of a lock left in progress, as the registry names them: looked at once, in
bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.errors import Cancelled, StackSourceError
from deploy_action.locking.stack_activity import account_of, in_progress, ref_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.common.ports import Clock

LOOKS_MAX = 200
"""Each is a request, and the registry's writers choose how many there are."""
LOOK_SECONDS = 60.0
"""So long it looks even where no time is left to wait."""


@dataclass(frozen=True, slots=True)
class Settling:
    """`wait_for`: those that are in progress, or may be. `forget`: `REGION/ID` texts that need not be looked
    at again once these are at rest."""

    wait_for: tuple[StackRef, ...]
    forget: tuple[str, ...]


def look_at_settling(
    source: StackSource,
    clock: Clock,
    texts: tuple[str, ...],
    *,
    own_account: str,
    timeout_seconds: float,
    note: Callable[[str], object],
    cancelled: Callable[[], bool],
    alive: Callable[[], None],
) -> Settling:
    """One request a stack, and none for those of another account. One that is refused for good keeps nobody
    from waiting for the rest. `alive` renews the lock. Raises Cancelled, and what `alive` raises."""
    wait_for: dict[StackRef, None] = {}
    looked_at: list[str] = []
    unreadable: list[str] = []
    until = clock.monotonic() + max(timeout_seconds, LOOK_SECONDS)
    for position, text in enumerate(texts):
        if position >= LOOKS_MAX or clock.monotonic() >= until:
            note(
                f"The registry names {len(texts)} stacks that earlier deployments left in progress; "
                f"{position} of them were looked at. The next deployment under this lock looks at the rest."
            )
            break
        if cancelled():
            raise Cancelled("Cancelled while waiting for the stacks.", why="Nothing was changed.")
        alive()
        account = account_of(text)
        if own_account and account and account != own_account:
            note(f"An earlier deployment left {text} in progress, in another account: it is not waited for.")
            continue
        looked_at.append(text)
        try:
            ref = ref_of(text)
            if not in_progress(source, [ref]):
                continue
        except ValueError:
            unreadable.append(text)
            continue
        except StackSourceError as error:
            if not error.temporary:
                note(f"An earlier deployment left {ref} in progress, which cannot be seen: {error}")
                continue
        wait_for[ref] = None
    if unreadable:
        more = f" and {len(unreadable) - 5} more" if len(unreadable) > 5 else ""
        note(f"The registry names stacks that cannot be read: {', '.join(unreadable[:5])}{more}")
    # Without the own account nobody knows whether a stack was looked for in its own.
    forget = tuple(text for text in looked_at if own_account or not account_of(text))
    return Settling(tuple(wait_for), forget)
