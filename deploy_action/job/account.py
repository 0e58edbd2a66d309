"""The account of the job's credentials."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.common.background_call import BackgroundCall
from deploy_action.common.slow_call import SlowCall
from deploy_action.errors import CannotStart, StackSourceError
from deploy_action.locking.stack_activity import account_of

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.wiring import Wiring


ACCOUNT_SECONDS = 10.0
"""Of real time. A network without a way to STS lets each request hang, and a job can do without."""


def soon_known(wiring: Wiring, settings: Settings) -> str:
    """By STS; empty where it cannot be told, or not soon."""
    if not settings.region:
        return ""
    identity = wiring.identity(settings.region)
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


def check_account(job: JobContext, wiring: Wiring, settings: Settings) -> None:
    """The account that an ARN in `stack-name` names has to be this one: stacks are addressed by name, and
    another account may have one of that name. Raises CannotStart where it is known to be another one; notes
    one that cannot be told."""
    if not settings.account:
        return
    with SlowCall("AWS to name the account", job.reporter.line, job.clock):
        account = soon_known(wiring, settings) or account_of_stacks(wiring, settings)
    if not account:
        job.reporter.note(
            f"AWS does not return the account of the credentials, so nobody knows whether it is "
            f"{settings.account}, as `stack-name` says."
        )
    elif account != settings.account:
        raise CannotStart(
            f"`stack-name` names a stack of account {settings.account}, and the credentials are those of "
            f"account {account}.",
            why="A stack of the same name in the wrong account would be taken for it. Nothing was changed.",
            remedy=f"Sign in to account {settings.account}, or correct `stack-name`.",
        )
