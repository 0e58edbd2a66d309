"""A mutant with a defect of its own; only for the test of the trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common import escape
from tests.common import test_escape
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_escape.TestTheLog.test_no_command_is_recognised_wherever_the_text_stands)
def broken(patch: Patch) -> None:
    patch.function(escape.log_text, lambda original: original())
