"""The inputs about the registry, and the tokens for GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.inputs.fields import Fields
from deploy_action.locking.registry_address import RegistryAddress
from deploy_action.locking.stores import parse_registry

if TYPE_CHECKING:
    from collections.abc import Mapping


class RegistryFields(Fields):
    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], step: str) -> None:
        super().__init__(raw, environ, step)
        self._own_server = environ.get("GITHUB_SERVER_URL", "")

    def _registry(self) -> RegistryAddress:
        """Without its host where that is the job's own GitHub."""
        address: RegistryAddress = self._checked("registry", parse_registry, RegistryAddress("github"))
        return address.seen_from(self._own_server)

    def _check_tokens(self, address: RegistryAddress) -> None:
        own, there = self._text("github-token"), self._text("registry-token")
        if address.host and not there:
            self._problem(
                f"`registry-token` is empty, and the registry is on {address.host}. Give a token of that "
                "server; `github-token` is sent to the job's own GitHub only."
            )
        on_github = self._text("registry").partition("://")[0].lower() in {"", "github"}
        if on_github and not (address.host or own or there):
            self._problem("`github-token` is empty, and the registry `github` needs one.")
        if self._boolean("github-deployment") and not (self._text("environment") and own):
            self._problem(
                "`github-deployment` needs `environment`, its name on the page, and `github-token`."
            )
