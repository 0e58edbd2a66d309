"""A listener for tests that only care for some of what a session tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.diagnosis.service_lookups import Finding
    from deploy_action.history.estimate import Estimate
    from deploy_action.monitoring.stall import StallChange


class SilentListener:
    """Implements session.Listener."""

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None: ...

    def looked(self, operation: Operation, *, now: float) -> None: ...

    def quiet(self, operation: Operation, *, now: float, unanswered_since: float | None) -> None: ...

    def stalled(self, change: StallChange, operation: Operation) -> None: ...

    def moving(self, change: StallChange, operation: Operation) -> None: ...

    def overdue(self, elapsed_seconds: float, estimate: Estimate) -> None: ...

    def warned(self, cause: Cause) -> None: ...

    def found(self, findings: Sequence[Finding]) -> None: ...

    def trouble(self, sentence: str, error: object = None) -> None: ...

    def line(self, text: str) -> None: ...
