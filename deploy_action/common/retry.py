"""Asking again, for reads outside the SDKs that bring their own retries."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

PAUSE_SECONDS_MAX = 3600.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """For how many seconds an answer asks to be left alone, within bounds; None where it does not say.

    The names of `headers` are in lower case. A date, which HTTP allows too, counts as nothing said.
    """
    text = headers.get("retry-after", "")
    return bounded(float(text)) if text.isdecimal() else None


def bounded(seconds: float) -> float:
    """A longer pause than an hour is not believed."""
    return min(max(seconds, 0.0), PAUSE_SECONDS_MAX)


def ask_again(
    call: Callable[[], T], *, on: type[Exception], give_up: Callable[[Exception], bool], seconds: float
) -> T:
    """Call; after an `on` error call again, at most three times in all, unless `give_up` says it is useless.

    Waits are random, up to half a second and up to a second. No attempt starts once `seconds` have passed
    (0: no second attempt); the last attempt still takes as long as its own time-out allows. For reads only:
    a write that is repeated blindly may happen twice.
    """
    began = monotonic()
    try:
        return call()
    except on as error:
        left = seconds - (monotonic() - began)
        if left <= 0 or give_up(error):
            raise
        failures = [error]

    import backoff  # 80 ms, and rarely needed

    def first_the_known_failure() -> T:
        if failures:
            raise failures.pop()
        return call()

    retrying = backoff.on_exception(
        backoff.expo, on, max_tries=3, max_time=left, giveup=give_up, factor=0.5, logger=None
    )
    return retrying(first_the_known_failure)()
