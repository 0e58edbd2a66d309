"""Somebody with the command line: freezes the locks for a while, and frees one by force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.times import iso
from deploy_action.errors import RegistryError
from deploy_action.locking import admin as operators
from deploy_action.locking.compare_and_swap import Swapper
from tests.simulation.audit import OPERATOR
from tests.simulation.faults import LATE_SECONDS_MAX, STALE_SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.locking.document import Document
    from deploy_action.locking.ports import Registry
    from tests.simulation.actor import Actor

FROZEN_SECONDS = (30.0, 200.0, 600.0)


class Operator:
    """One shift: each deed is one swap. What was frozen without an end is unfrozen, whatever it takes."""

    def __init__(
        self,
        actor: Actor,
        registry: Registry,
        locks: tuple[str, ...],
        *,
        timed: bool,
        prefers: tuple[str, ...] = (),
    ) -> None:
        """`prefers`: actors that its freezes let pass; with any it promotes a deployment too."""
        self._actor = actor
        self._swapper = Swapper(registry, actor)
        self._locks = locks
        self._timed = timed
        self._prefers = prefers

    def run(self) -> str:
        dice = self._actor.dice
        if dice.random() < 0.6:
            self._do("forced release", self._force)
        if self._prefers:
            self._do("promotion", self._promote)
        if dice.random() < 0.6:
            seconds = dice.choice(FROZEN_SECONDS)
            until = iso(self._actor.now() + seconds) if self._timed else ""
            self._do("freeze with an end" if until else "freeze", lambda old: self._freeze(old, until))
            self._actor.sleep(seconds)
            self._unfreeze_for_sure()
        return "done"

    def free(self, nonce: str) -> str:
        """`release --force` of one holder that was seen."""
        self._do("forced release of a dead one", lambda old: self._release(old, nonce))
        return "done"

    def _unfreeze_for_sure(self) -> None:
        """A read may be so stale that it shows no freeze yet: then nothing is done, and told as done."""
        for _ in range(2):
            while not self._do("unfreeze", self._unfreeze):
                self._actor.sleep(30.0)
            self._actor.sleep(STALE_SECONDS_MAX + LATE_SECONDS_MAX)

    def _do(self, what: str, deed: Callable[[Document], Document]) -> bool:
        try:
            self._swapper.apply(lambda old: (deed(old), None), message=what)
        except RegistryError:
            return False
        self._actor.faults.count(f"operator: {what}")
        return True

    def _force(self, old: Document) -> Document:
        nonce = next((ticket.nonce for ticket in old.tickets if ticket.holding), "")
        return self._release(old, nonce)

    def _release(self, old: Document, nonce: str) -> Document:
        return operators.force_release(old, nonce, by=OPERATOR, reason="stuck", at=iso(self._actor.now()))

    def _freeze(self, old: Document, until: str) -> Document:
        at = iso(self._actor.now())
        return operators.freeze(
            old, self._locks, by=OPERATOR, reason="audit", at=at, until=until, allow=self._prefers
        )

    def _promote(self, old: Document) -> Document:
        """The last one that waits."""
        nonce = next((ticket.nonce for ticket in reversed(old.tickets) if not ticket.holding), "")
        return operators.promote(old, nonce, by=OPERATOR, reason="hotfix", at=iso(self._actor.now()))

    def _unfreeze(self, old: Document) -> Document:
        at = iso(self._actor.now())
        return operators.unfreeze(old, self._locks, by=OPERATOR, reason="done", at=at)
