"""Asks AWS as a waiting deployment does: again while there is no answer, its lock renewed, in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deploy_action.cloudformation.retry import PATIENCE_SECONDS, retry_while_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.deploy.deployment import Deployment

T = TypeVar("T")


def patiently(deployment: Deployment, call: Callable[[], T], *, seconds: float = PATIENCE_SECONDS) -> T:
    """As `retry_while_unavailable`; raises also what `Deployment.keep_waiting` raises."""
    return retry_while_unavailable(
        call,
        deployment.job.clock,
        cancelled=deployment.job.cancelled,
        alive=deployment.lock.keep_waiting,
        tell=deployment.reporter.line,
        seconds=seconds,
    )
