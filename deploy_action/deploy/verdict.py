"""The error of a step for a verdict other than success or failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import Cancelled, TimedOut, VerdictUnknown
from deploy_action.monitoring.watch_loop import End

if TYPE_CHECKING:
    from deploy_action.errors import CoordinatorError

_EITHER = "It may have succeeded or failed; unknown is not success."
_LOOK = "Look at the stack in the console before you deploy again."


def error_of_stop(end: End, *, status: str, undone: str, limit: str) -> CoordinatorError | None:
    """Of a deployment that was cancelled, or undone when its time was up; None of any other.

    `status` of the stacks, `undone`: what was asked for when it was stopped, `limit`: `timeout-in-minutes`,
    all in words.
    """
    if end is End.CANCELLED:
        return Cancelled(
            "The job was cancelled while the deployment ran.",
            why=undone or f"CloudFormation continues the operation by itself: {status}.",
            remedy="Watch the stack in the console"
            + ("." if undone else "; cancel its update there if you want it stopped."),
        )
    if undone:
        return TimedOut(
            f"The deployment did not end within {limit}.",
            why=f"{undone} The stack is {status}.",
            remedy="Look at the stack in the console, or raise `timeout-in-minutes`.",
        )
    return None


def error_of_unknown(
    end: End, *, status: str, limit: str, unread: CoordinatorError | None = None
) -> CoordinatorError:
    """Of a deployment whose outcome is not known; the arguments as in `error_of_stop`. `unread`: why
    CloudFormation could not be asked the last time that it could not."""
    if end is End.TIMED_OUT:
        return TimedOut(
            f"The deployment did not end within {limit}.",
            why=f"The operation was left running: {status}.",
            remedy="Watch the stack in the console, or raise `timeout-in-minutes`.",
        )
    if end is End.NEVER_BEGAN:
        return VerdictUnknown(
            "The deployment was requested, and CloudFormation shows no sign of it.",
            why="It may still begin; unknown is not success.",
            remedy="Look at the stack and its change sets in the console before you deploy again.",
        )
    if end is not End.BLIND or unread is None:
        return VerdictUnknown(
            "CloudFormation could not be asked how the deployment ended.", why=_EITHER, remedy=_LOOK
        )
    error = VerdictUnknown(
        f"{unread.what.rstrip('.')}: how the deployment ended could not be read.",
        why=_EITHER,
        remedy=f"{_LOOK} {unread.remedy}".rstrip(),
    )
    error.cause = unread.what
    return error
