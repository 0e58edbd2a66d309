"""What is said of an operation that ended well all the same."""

from __future__ import annotations

from deploy_action.reporting.remarks import remarks_on_success
from tests.cloudformation.story import resource, stack, told

EXPRESS = (
    "Resource operation completed using Express Mode. It may continue becoming available in the background."
)


def test_express_mode_does_not_wait_until_resources_are_ready() -> None:
    operation = told(
        stack(1, "UPDATE_IN_PROGRESS"),
        resource(2, "Service", "UPDATE_IN_PROGRESS"),
        resource(3, "Service", "UPDATE_COMPLETE", EXPRESS),
        stack(4, "UPDATE_COMPLETE"),
    )
    (remark,) = remarks_on_success(operation)
    assert "express mode does not wait until resources are ready" in remark


def test_nothing_is_said_of_what_is_as_it_should_be() -> None:
    operation = told(
        stack(1, "UPDATE_IN_PROGRESS"),
        resource(2, "Old", "DELETE_IN_PROGRESS"),
        resource(3, "Old", "DELETE_FAILED", "in use"),
        resource(4, "Old", "DELETE_IN_PROGRESS"),
        resource(5, "Old", "DELETE_COMPLETE"),
        stack(6, "UPDATE_COMPLETE"),
    )
    assert remarks_on_success(operation) == []
