"""A `stack-name` that names no stack: told, with the names that may be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.stack_names import unmatched_sentence
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.deploy.expected_changes import is_of
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.deploy.deployment import Deployment

ASKED_MAX = 10


def tell_unmatched(deployment: Deployment, operation: Operation, since: float | None = None) -> None:
    """`since`: when the deployment began, unix seconds of CloudFormation."""
    source = deployment.cloudformation
    for wanted in deployment.settings.stacks[:ASKED_MAX]:
        if deployment.job.cancelled():
            return
        if any(is_of(wanted, root.region, root.name) for root in operation.roots):
            continue
        try:
            if source.matching(wanted) if wanted.is_glob else source.describe(wanted):
                continue
            existing = source.matching(StackRef(wanted.region, "*"))
        except StackSourceError:
            continue  # what could not be read is told where the verdict is
        deployment.reporter.note(unmatched_sentence(wanted, existing, since))
