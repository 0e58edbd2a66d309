"""Causes that many complaints have in common: told in full once, and named after that."""

from __future__ import annotations

_SHORT = {
    "credentials have expired": "the credentials have expired",
    "There are no usable AWS credentials": "there are no AWS credentials",
}
"""A cause that stands in several sentences, and its name from the second one on."""


def shared_cause(sentence: str) -> str:
    """The words by which sentences of one cause know each other; empty for a cause that stands alone."""
    return next((words for words in _SHORT if words in sentence), "")


def says_again(note: str, told: str) -> bool:
    """Whether a note says no more than the sentence `told`, which stands above it."""
    cause = shared_cause(told)
    return bool(told) and (note.startswith(told) or (bool(cause) and note == shortened(cause, cause)))


def shortened(sentence: str, cause: str) -> str:
    """The effect of the cause, without repeating it: `shop cannot be watched: there are no AWS credentials,
    as reported above.`"""
    before = sentence.partition(cause)[0]
    # The beginning of the sentence that names the cause goes with it.
    consequence = before[: max(before.rfind(". ") + 1, before.rfind(": "), 0)].rstrip(" :.")
    named = f"{_SHORT[cause]}, as reported above."
    return f"{consequence}: {named}" if consequence else f"{named[0].upper()}{named[1:]}"
