"""Taking the lock as `when-busy` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import Busy
from deploy_action.inputs.settings import TOKENS_VARIABLE, WhenBusy, job_tokens
from deploy_action.locking.messages import busy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.inputs.settings import Settings
    from deploy_action.locking.client import LockClient
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.grant import Grant
    from deploy_action.locking.transitions import Waiting


def acquire(
    client: LockClient, settings: Settings, timeout_seconds: float, tell: Callable[[Waiting], None]
) -> Grant:
    """`LockClient.acquire`, whose errors it raises. With `when-busy: skip`, a job waits for the other jobs of
    its own run: they deploy something else of the same, so nobody would do what it skips."""
    limit_seconds = settings.wait_timeout_seconds
    try:
        return client.acquire(
            wait=settings.when_busy is WhenBusy.WAIT,
            timeout_seconds=timeout_seconds,
            tell=tell,
            limit_seconds=limit_seconds,
        )
    except Busy as error:
        skips = settings.when_busy is WhenBusy.SKIP and error.may_skip
        if not (skips and all_of_own_run(client.ticket, error.ahead)):
            raise

    def tell_or_skip(waiting: Waiting) -> None:
        if waiting.ahead and not all_of_own_run(client.ticket, waiting.ahead):
            raise busy(waiting, None)
        tell(waiting)

    return client.acquire(
        wait=True, timeout_seconds=limit_seconds, tell=tell_or_skip, limit_seconds=limit_seconds
    )


def all_of_own_run(ticket: Ticket, ahead: tuple[Ticket, ...]) -> bool:
    """Whether there is somebody ahead, and nobody but jobs of the ticket's run and attempt."""

    def run(one: Ticket) -> tuple[str, str, str]:
        return one.repository, one.run_id, one.run_attempt

    known = bool(ticket.repository and ticket.run_id)
    return known and bool(ahead) and all(run(one) == run(ticket) for one in ahead)


def stale_token(settings: Settings, environ: Mapping[str, str]) -> str:
    """For a deployment that took a lock of its own: that the input `lock-token` opened none; else empty."""
    if not set(settings.lock_tokens) - set(job_tokens(environ.get(TOKENS_VARIABLE, ""))):
        return ""
    return (
        "The lock of `lock-token` is not held by this run any more, so this deployment took its own lock. "
        "Other runs may deploy between it and the jobs that share the token. After `Re-run failed jobs` the "
        "token is that of an earlier attempt: run all jobs again to deploy them under one lock."
    )
