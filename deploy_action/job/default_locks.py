"""Which locks a deployment takes where none are named: one a stack, ACCOUNT/REGION/NAME."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.common.slow_call import SlowCall
from deploy_action.errors import AccountUnknown, CannotStart, StackSourceError
from deploy_action.inputs.settings import Mode
from deploy_action.job.account import account_of_stacks, soon_known

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.wiring import Wiring

PATIENCE_SECONDS = 30.0
"""How long AWS is asked again where the lock's name depends on it."""


def lock_names(job: JobContext, wiring: Wiring, settings: Settings) -> tuple[str, ...]:
    """The names given, else one a stack. Raises AccountUnknown where AWS does not answer, CannotStart where
    it refuses for good."""
    if settings.locks or settings.mode is Mode.ATTACH:
        return settings.locks
    identity = wiring.identity(settings.region)
    try:
        with SlowCall("AWS to name the account", job.reporter.line, job.clock):
            account = (
                soon_known(wiring, settings)
                or account_of_stacks(wiring, settings)
                or retry_while_unavailable(
                    identity.whoami, job.clock, cancelled=job.cancelled, seconds=PATIENCE_SECONDS
                ).account
            )
    except StackSourceError as error:
        raise (AccountUnknown if error.temporary else CannotStart)(
            f"The lock has no name: the account is not known. {error.what}",
            why="Without `environment` or `lock`, the lock is named after account, region and stack.",
            remedy=f"{error.remedy} Or give `environment`.".strip(),
        ) from error
    return tuple(f"{account}/{stack.region}/{stack.name}" for stack in settings.stacks)
