"""The declaration of a store. A module of `stores/`, named as the scheme, holds it as STORE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.github.api import TokenSource
    from deploy_action.github.run_context import RunContext
    from deploy_action.locking.ports import Registry
    from deploy_action.locking.registry_address import RegistryAddress

DOCUMENT = "deployments.json"
"""The usual name of the document."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The means of a job to open its registry. `token`: for GitHub. `regions`: of the stacks, where a job may
    look for a registry whose address names none."""

    run: RunContext
    environ: Mapping[str, str]
    token: str | TokenSource = ""
    regions: tuple[str, ...] = ()

    def region(self, address: RegistryAddress) -> str | None:
        """That of the address, else the job's; boto3 itself reads AWS_DEFAULT_REGION only."""
        return (
            address.region or self.environ.get("AWS_REGION") or self.environ.get("AWS_DEFAULT_REGION") or None
        )


@dataclass(frozen=True, slots=True)
class Store:
    scheme: str
    example: str
    """An address, as people write it."""
    poll_seconds: float
    """Between a waiter's looks at the registry; a hosted store counts requests."""
    parse: Callable[[str], RegistryAddress | None]
    """Of the input `registry`. None for what is no address of this store; raises ValueError, with a sentence
    for people, where a part of it is wrong."""
    open: Callable[[RegistryAddress, Opening], Registry]
    """Raises RegistryError where it cannot even be set up."""
    of_one_machine: bool = False
    """Runners that share no disk do not see each other there."""
