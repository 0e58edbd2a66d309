"""The command line `deploy-coordinator`, for operators, laptops and scheduled jobs.

Exit codes: 0 done; 1 there is no such thing, or something was found; 8 the registry cannot be used; 64
wrong words. `watch` ends with the codes of the action (errors.py). What people ask for goes to standard
output, what they should know beside it to standard error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from deploy_action.common.escape import log_text
from deploy_action.errors import CoordinatorError, RegistryError

if TYPE_CHECKING:
    from deploy_action.common.ports import Clock

NOT_FOUND, REGISTRY, USAGE, INTERRUPTED = 1, 8, 64, 130


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
