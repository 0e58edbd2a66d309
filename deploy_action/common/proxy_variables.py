"""The proxy by one rule for all clients.

boto3 and Slack's SDK do not read ALL_PROXY, requests does. requests and boto3 refuse an address with a space
or a line break at its end, as a secret often has one; Slack's SDK takes it. requests refuses a user without a
scheme before it, and boto3 a scheme in capitals. So the variables are put in order before they are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

HTTP, HTTPS, ALL = ("http_proxy", "HTTP_PROXY"), ("https_proxy", "HTTPS_PROXY"), ("all_proxy", "ALL_PROXY")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def put_in_order(environ: MutableMapping[str, str]) -> None:
    """Changes the environment of this process, as each client is to read it."""
    environ.update(in_order(environ))


def in_order(environ: Mapping[str, str]) -> dict[str, str]:
    """Those variables of proxies that have to be another text. ALL_PROXY stands in for HTTPS_PROXY alone: by
    http:// EC2's metadata service is asked, which no proxy reaches. A SOCKS proxy is left as it is: no client
    can use it, and boto3 does without."""
    cleaned = {
        name: _cleaned(environ[name]) for name in (*HTTP, *HTTPS, *ALL) if environ.get(name, "").strip()
    }
    general = next((cleaned[name] for name in ALL if name in cleaned), "")
    if general.startswith(("http://", "https://")) and not any(name in cleaned for name in HTTPS):
        cleaned["HTTPS_PROXY"] = general
        # Empty in small letters, it would take the other one away (urllib.request.getproxies_environment).
        if "https_proxy" in environ:
            cleaned["https_proxy"] = general
    return {name: text for name, text in cleaned.items() if environ.get(name) != text}


def _cleaned(address: str) -> str:
    address = address.strip()
    scheme = _SCHEME.match(address)
    return f"{scheme[1].lower()}://{address[scheme.end() :]}" if scheme else f"http://{address}"
