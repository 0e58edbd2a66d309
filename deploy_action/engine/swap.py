"""Compare-and-swap driven to a certain end: done, refused, or known to be out of reach."""

from __future__ import annotations

import random
import secrets
from typing import TYPE_CHECKING, TypeVar

from deploy_action.core.lock_codec import decode, encode
from deploy_action.errors import RegistryConflict, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.document import Document
    from deploy_action.ports import Clock, Registry

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
"""How long a registry may be out of reach before the caller must go on without it."""
PAUSE_SECONDS_MAX = 5.0


class Swapper:
    """Applies a transition to the registry document.

    Every write carries an operation id. After an answer that leaves open whether the write took effect, the
    document is read back: an id of ours is there = done; the version is another = decide again, for only one
    of the two writes can land; the version is unmoved = send the same write again (at most one can land).
    All ids are kept until then: a stale read may show an older version while the write can still land.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def apply(
        self,
        decide: Callable[[Document], tuple[Document | None, T]],
        *,
        message: str,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> T:
        """Read, `decide`, swap, until it is certain what happened; returns what `decide` returned with it.

        `decide` gets the newest document and returns the one to write, or None for nothing to write. It may
        be called many times and must not have effects. Conflicts do not count against patience: somebody
        made progress. Raises RegistryUnavailable after `patience_seconds` without an answer, or as soon as
        the store asks to be left alone for longer than that, and what `decide` or the store raise
        (RegistryForbidden, RegistryUnreadable).
        """
        sent: dict[str, tuple[str, T]] = {}  # by the version to swap: operation id and result
        unanswered_since: float | None = None
        attempt = 0
        while True:
            try:
                snapshot = self._registry.read()
                document = decode(snapshot.document)
                for operation, result in sent.values():
                    if operation in document.operations:
                        return result
                operation, _ = sent.get(snapshot.version, (secrets.token_hex(8), None))
                new, result = decide(document)
                if new is None or new == document:
                    return result
                sent[snapshot.version] = (operation, result)
                self._registry.swap(encode(new.with_operation(operation)), snapshot.version, message=message)
                return result
            except RegistryConflict:
                unanswered_since, stay_away = None, 0.0
            except RegistryUnavailable as error:
                now, stay_away = self._clock.monotonic(), error.retry_seconds or 0.0
                unanswered_since = now if unanswered_since is None else unanswered_since
                if now - unanswered_since + stay_away >= patience_seconds:
                    raise
            attempt += 1
            pause = random.uniform(0.05, min(0.2 * 2**attempt, PAUSE_SECONDS_MAX))  # noqa: S311
            self._clock.sleep(max(pause, stay_away))
