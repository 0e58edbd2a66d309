"""Remarks on an operation that ended well all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cleanup.plan import left_undeleted
from deploy_action.common.escape import log_text

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation

SHOWN_MAX = 5
_EXPRESS = "using express mode"


def remarks_on_success(operation: Operation) -> list[str]:
    """One sentence for each thing; () where there is nothing to tell."""
    found = []
    kept = left_undeleted(operation)
    if kept:
        more = f"; and {len(kept) - SHOWN_MAX} more" if len(kept) > SHOWN_MAX else ""
        named = "; ".join(_named(operation, activity) for activity in kept[:SHOWN_MAX])
        found.append(
            "The update is done, but CloudFormation failed to delete what it replaced or removed: "
            f"{named}{more}. It belongs to no stack any more and may go on costing. Remove what uses it, "
            "then delete it by hand."
        )
    if any(_EXPRESS in activity.reason.lower() for activity in operation.activities):
        found.append(
            "CloudFormation's express mode does not wait until resources are ready: they may still be "
            "starting or being deleted. Check them before you rely on them; use the standard mode for "
            "production."
        )
    return found


def _named(operation: Operation, activity: Activity) -> str:
    what = f"{log_text(operation.label_of(activity), 120)} ({log_text(activity.resource_type, 100)}"
    return f"{what}, {log_text(activity.physical_id, 200)}): {log_text(activity.reason, 300).rstrip('.')}"
