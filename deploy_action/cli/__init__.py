"""The command line `deploy-coordinator`, for operators, laptops and scheduled jobs.

What people ask for goes to standard output, what they should know beside it to standard error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from deploy_action.common.escape import log_text
from deploy_action.errors import CoordinatorError, RegistryError

if TYPE_CHECKING:
    from deploy_action.common.ports import Clock

NOT_FOUND, REGISTRY, USAGE, INTERRUPTED = 1, 8, 64, 130
EXIT_CODES = {
    "0": "done",
    "1": "there is no such thing, or something was found that needs a hand; of `watch` and `run`: the "
    "deployment failed",
    "2": "`run`: another deployment holds the lock; `cleanup --yes`: a deployment holds it",
    "3": "`run`: an input is wrong; nothing was locked or changed",
    "4": "AWS refuses, or cannot be asked",
    "5": "`run`, `fence`: the lock was lost",
    "6, 7": "`watch`, `run`: time is over, or how it ended is not known",
    "8": "the registry cannot be used",
    "10": "`run`: an older commit than the one that is deployed, and `on-older` is `fail`",
    "64": "usage error, or something that it has to know is missing",
    "70": "a defect in deploy-coordinator itself",
    "130": "interrupted, or cancelled",
    "any other": "of `run`: the exit code of the command",
}
"""The only list: `--help` and docs/cli.md show it."""


def main(arguments: list[str], clock: Clock) -> int:
    """Returns the exit code."""
    import click

    from deploy_action.cli.app import PROGRAM, app

    try:
        code = app.main(arguments, PROGRAM, standalone_mode=False, obj=clock)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except RegistryError as error:
        print(log_text(str(error)), file=sys.stderr)
        return REGISTRY
    except CoordinatorError as error:
        print(log_text(str(error)), file=sys.stderr)
        return error.exit_code
