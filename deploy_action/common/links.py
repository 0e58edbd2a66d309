"""Which addresses from outside may be opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

URL_MAX = 2000
"""Slack takes 3,000; a longer address is no link here, rather than a broken one."""
_URL = re.compile(r"https?://[!-~]+")


def openable(url: str) -> bool:
    """A web address in ASCII, not too long, and without a name before its host that could pass for one."""
    if len(url) > URL_MAX or not _URL.fullmatch(url) or re.search(r'[<>|"`\\]', url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc


def leads_home(url: str, homes: Iterable[str]) -> bool:
    """The registry may hold anything: only what leads to where this deployment runs as well is a link there.
    `homes`: addresses of that place, such as the run's; GitHub's own where none is known."""
    if not openable(url):
        return False
    known = {urlsplit(home)[:2] for home in homes if home and openable(home)}
    return urlsplit(url)[:2] in (known or {("https", "github.com")})
