"""Which locks a deployment takes where none are named: one a stack, ACCOUNT/REGION/NAME."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.common.background_call import BackgroundCall
from deploy_action.common.slow_call import SlowCall
from deploy_action.errors import AccountUnknown, CannotStart, StackSourceError
from deploy_action.inputs.settings import Mode
from deploy_action.locking.stack_activity import account_of

if TYPE_CHECKING:
    from deploy_action.cloudformation.ports import IdentitySource
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.wiring import Wiring

ACCOUNT_SECONDS = 10.0
"""Of real time. A network without a way to STS lets each request hang, and the lock can do without."""
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
                soon_known(identity)
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


def soon_known(identity: IdentitySource) -> str:
    """The account; empty where it cannot be told, or not soon."""
    try:
        return BackgroundCall(identity.whoami, "identity").result(ACCOUNT_SECONDS).account
    except (StackSourceError, TimeoutError):
        return ""


def account_of_stacks(wiring: Wiring, settings: Settings) -> str:
    """By the name that CloudFormation gives a stack, where STS is silent; empty where there is none yet."""
    with suppress(StackSourceError):
        for stack in settings.stacks:
            if not stack.is_glob and (state := wiring.cloudformation.describe(stack)) is not None:
                return account_of(f"{stack.region}/{state.stack_id}")
    return ""
