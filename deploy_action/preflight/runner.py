"""Runs the checks side by side, and never waits longer for them than it is told to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from deploy_action.errors import BehindDenied, BehindUnavailable, CoordinatorError
from deploy_action.preflight.finding import Finding, denied, finding, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

SECONDS_MAX = 10.0
"""From the start; what has no answer then is told as such."""


@dataclass(frozen=True, slots=True)
class Check:
    """`about` completes the sentence "it was not checked …": `whether the secrets exist`."""

    about: str
    run: Callable[[], Iterable[Finding]]


class Once(Generic[T]):
    """A fact that several checks need: whoever comes first asks for it, and all get its answer or error."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answers: list[T] = []
        self._error: CoordinatorError | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._answers:
                try:
                    self._answers.append(self._ask())
                except CoordinatorError as error:
                    self._error = error
                    raise
            return self._answers[0]

    def known(self) -> T | None:
        """The answer if it is there already. Never waits, never asks."""
        return self._answers[0] if self._answers else None


class Preflight:
    """The checks of one deployment, each in a thread of its own that ends with the process at the latest.

    Time here is real, whatever clock the deployment lives by: it is about threads and answers.
    """

    def __init__(self, checks: Iterable[Check]) -> None:
        self._checks = tuple(checks)
        self._changed = threading.Condition()
        self._found: list[Finding] = []
        self._running: dict[int, Check] = {}
        self._taken = 0
        self._began = time.monotonic()

    def start(self) -> None:
        self._running = dict(enumerate(self._checks))
        self._began = time.monotonic()
        for number, check in enumerate(self._checks):
            threading.Thread(
                target=self._run, args=(number, check), name=f"preflight-{number}", daemon=True
            ).start()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def done(self) -> bool:
        with self._changed:
            return not self._running

    def wait(self, seconds: float) -> bool:
        """Until all are done, for so long at most; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, max(0.0, seconds))

    def take(self) -> list[Finding]:
        """Findings since the last call, most urgent first."""
        with self._changed:
            new = self._found[self._taken :]
            earlier = set(self._found[: self._taken])
            self._taken = len(self._found)
        return ordered(one for one in new if one not in earlier)

    def give_up(self) -> list[Finding]:
        """Checks without an answer yet, as findings. Nothing more is found afterwards."""
        with self._changed:
            late, self._running = list(self._running.values()), {}
        return [
            finding("check-unanswered", f"It was not checked {check.about}: there was no answer in time.")
            for check in late
        ]

    def _run(self, number: int, check: Check) -> None:
        try:
            for one in check.run():
                self._add(number, one)
        except BehindDenied as error:
            self._add(number, denied(error.permission, check.about))
        except BehindUnavailable as error:
            self._add(number, _unanswered(check, error.what, error.remedy))
        except Exception as error:  # noqa: BLE001 - the first law: a check never fails a deployment
            self._add(number, _unanswered(check, f"{type(error).__name__}"))
        finally:
            with self._changed:
                self._running.pop(number, None)
                self._changed.notify_all()

    def _add(self, number: int, one: Finding) -> None:
        with self._changed:
            if number in self._running:
                self._found.append(one)


def _unanswered(check: Check, why: str, remedy: str = "") -> Finding:
    what = f"It was not checked {check.about} ({why.rstrip('.')[:300]})."
    return finding("check-unanswered", what, remedy=remedy)
