"""The region of stacks that are named without one, found as AWS's own tools find it."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def default_region(environ: Mapping[str, str]) -> str:
    """AWS_REGION, else AWS_DEFAULT_REGION, else the `region` of the profile in use; empty where none has one.

    The profile is AWS_PROFILE, else AWS_DEFAULT_PROFILE, else `default`; it is looked up in AWS_CONFIG_FILE
    (~/.aws/config), then in AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials).
    """
    named = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    return named or _region_of_profile(environ)


def _region_of_profile(environ: Mapping[str, str]) -> str:
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    config = environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    credentials = environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    section = profile if profile == "default" else f"profile {profile}"
    return _read(config, section, environ) or _read(credentials, profile, environ)


def _read(path: str, section: str, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    if path.startswith("~/"):
        if not home:
            return ""
        path = f"{home}/{path[2:]}"
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(Path(path).read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return ""
    return (parser.get(section, "region", fallback="") or "").strip()
