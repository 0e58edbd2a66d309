"""One budget for everything that is still read once an end is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.ports import Clock

CLOSING_SECONDS = 50.0
"""The time that reading an end may take in all steps of a job, however many stacks there are and however
often it is asked again."""
POST_SECONDS = 5.0
"""The part of it that is left for `post` where `main` has used up its own."""
CANCELLED_SECONDS = 5.0
"""The same after a cancellation, of which the runner leaves ten."""
IN_FLIGHT_SECONDS = 20.0
"""How long a request may have hung already when the end that it was to show becomes known otherwise."""
NAP_SECONDS = 1.0
"""How late a cancellation may be noticed in a pause."""


class Closing:
    """The budget of one end, `seconds` from `begin` on.

    Requests are to ask for `left_seconds` (`AwsClients.limit`): none is begun once nothing is left, and none
    waits for longer than that.
    """

    def __init__(
        self, clock: Clock, *, cancelled: Callable[[], bool], seconds: float = CLOSING_SECONDS - POST_SECONDS
    ) -> None:
        self._clock = clock
        self._cancelled = cancelled
        self._seconds = seconds
        self._deadline: float | None = None
        self._cut = False

    def begin(self, *, answered_at: float = math.inf) -> None:
        """The end is known now; nothing where it was known before. `answered_at`: when CloudFormation
        answered last, where it does not answer now; a request that hung meanwhile counts."""
        if self._deadline is None:
            now = self._clock.monotonic()
            self._deadline = min(now, max(answered_at, now - IN_FLIGHT_SECONDS)) + self._seconds

    def again(self) -> None:
        """It was no end: something else began."""
        self._deadline = None

    def left_seconds(self) -> float:
        """Infinite where no end is known."""
        if self._deadline is None:
            return math.inf
        now = self._clock.monotonic()
        if not self._cut and self._cancelled():
            self._cut = True
            self._deadline = min(self._deadline, now + CANCELLED_SECONDS)
        return max(0.0, self._deadline - now)

    def over(self) -> bool:
        """Whether the budget is used up, or what a cancellation leaves of it."""
        return self._cancelled() if self._deadline is None else self.left_seconds() <= 0

    def pause(self, seconds: float) -> bool:
        """Wait; False where there is no time for another try."""
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            if self.over() or self._cancelled():
                return False
            self._clock.sleep(min(NAP_SECONDS, left))
        return not self.over()
