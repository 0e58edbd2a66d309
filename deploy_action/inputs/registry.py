"""The inputs about the registry, and the tokens for GitHub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.github.app_key import AppKey
from deploy_action.inputs.fields import Fields
from deploy_action.locking.registry_address import RegistryAddress
from deploy_action.locking.stores import parse_registry

if TYPE_CHECKING:
    from collections.abc import Mapping


_APP_ID = re.compile(r"\d{1,12}|Iv[A-Za-z0-9.]{6,40}")
_KEY = re.compile(
    r"-----BEGIN (RSA )?PRIVATE KEY-----\s[\sA-Za-z0-9+/=]{100,16000}-----END (RSA )?PRIVATE KEY-----\s"
)


class RegistryFields(Fields):
    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], step: str) -> None:
        super().__init__(raw, environ, step)
        self._own_server = environ.get("GITHUB_SERVER_URL", "")

    def _registry(self) -> RegistryAddress:
        """Without its host where that is the job's own GitHub."""
        address: RegistryAddress = self._checked("registry", parse_registry, RegistryAddress("github"))
        return address.seen_from(self._own_server)

    def _registry_app(self) -> AppKey | None:
        """The App by which the registry is used; None where none is given."""
        app_id, key = self._text("github-app-id"), self._text("github-app-private-key")
        if not (app_id or key):
            return None
        # As some tools keep it: in one line.
        key = f"{key.replace(chr(92) + 'n', chr(10)).strip()}\n"
        if not _APP_ID.fullmatch(app_id):
            self._problem("`github-app-id` is neither an App's id (`123456`) nor its client id (`Iv23li…`).")
        if not _KEY.fullmatch(key):
            self._problem(
                "`github-app-private-key` is no private key in PEM: it begins with `-----BEGIN RSA PRIVATE "
                "KEY-----` and has several lines."
            )
        if self._text("registry-token"):
            self._problem("`registry-token` and `github-app-id`: give one of them.")
        return AppKey(app_id, key)

    def _check_tokens(self, address: RegistryAddress) -> None:
        own = self._text("github-token")
        there = self._text("registry-token") or self._text("github-app-id")
        if address.host and not there:
            self._problem(
                f"`registry-token` is empty, and the registry is on {address.host}. Give a token of that "
                "server; `github-token` is sent to the job's own GitHub only."
            )
        on_github = self._text("registry").partition("://")[0].lower() in {"", "github"}
        if self._text("github-app-id") and not on_github:
            self._warn("`github-app-id` has no effect: the registry is not on GitHub.")
        if on_github and not (address.host or own or there):
            self._problem("`github-token` is empty, and the registry `github` needs one.")
        if self._boolean("github-deployment") and not (self._text("environment") and own):
            self._problem(
                "`github-deployment` needs `environment`, its name on the page, and `github-token`."
            )
