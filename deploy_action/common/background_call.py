"""Work that may take long or hang, and that nobody may have to wait for."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call in a thread of its own, begun at once. The thread ends with the process, done or not."""

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._answers: list[T] = []
        self._errors: list[Exception] = []
        self._began = monotonic()
        self._call = call
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answers.append(self._call())
        except Exception as error:  # noqa: BLE001 - raised again where somebody hears it
            self._errors.append(error)

    def result(self, seconds: float) -> T:
        """The returned value, or the raised exception. What is left of `seconds` of real time since it began
        is waited for; raises TimeoutError where it is not done then."""
        self._thread.join(max(0.0, self._began + seconds - monotonic()))
        if self._errors:
            raise self._errors[0]
        if not self._answers:
            raise TimeoutError(f"there was no answer within {seconds:.0f} s")
        return self._answers[0]

    @property
    def done(self) -> bool:
        """It has returned or raised."""
        return bool(self._answers or self._errors)

    def result_so_far(self) -> T | None:
        """None while it is not done, and where it failed. Does not wait."""
        return self._answers[0] if self._answers else None
