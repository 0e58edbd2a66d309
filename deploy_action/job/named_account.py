"""The account that a stack's ARN names in `stack-name` has to be that of the credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.slow_call import SlowCall
from deploy_action.errors import CannotStart
from deploy_action.job.default_locks import account_of_stacks, soon_known

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.wiring import Wiring


def check_account(job: JobContext, wiring: Wiring, settings: Settings) -> None:
    """Stacks are addressed by name, and another account may have one of that name. Raises CannotStart where
    the account is known to be another one; one that cannot be told is noted.
    """
    if not settings.account:
        return
    with SlowCall("AWS to name the account", job.reporter.line, job.clock):
        account = soon_known(wiring.identity(settings.stacks[0].region)) or account_of_stacks(
            wiring, settings
        )
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
