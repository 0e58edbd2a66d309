"""Calls of the services behind resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.diagnosis.service_lookups import Finding, Service, Subject


class ServiceLookup(Protocol):
    """A service that knows more about a resource than CloudFormation tells. Read-only."""

    @property
    def service(self) -> Service: ...

    def look(self, subject: Subject) -> Sequence[Finding]:
        """Facts since the subject's start, oldest first; the same ones again at each look.

        At most `diagnosis.service_lookups.COSTS` requests. Raises BehindDenied, BehindUnavailable.
        """
        ...
