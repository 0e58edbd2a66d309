"""The meaning of a 403 of GitHub that no permission mends, by its own words; and what of it is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryUnreadable
from deploy_action.locking.ports import DOCUMENT_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSALS = (
    (
        "ip allow list",
        "Add the runner's address to the IP allow list of the organisation or enterprise.",
    ),
    ("saml", "Authorise the token for the organisation's single sign-on: Configure SSO beside it on GitHub."),
    ("archived", "Unarchive the repository, or name another one for the registry."),
    ("disabled", "GitHub or an administrator has disabled the repository: ask them, or name another one."),
    ("suspended", "The account or the App's installation is suspended: ask an owner of the organisation."),
    (
        "personal access token",
        "The organisation forbids this kind of token, or its lifetime: use a GitHub App's token.",
    ),
    ("two-factor", "The token's owner has to turn on two-factor authentication."),
    (
        "github actions is not permitted",
        "An administrator restricts `GITHUB_TOKEN`: hand in a GitHub App's token as `registry-token`.",
    ),
)


def remedy_of_refusal(message: str) -> str:
    """The remedy of a 403 whose own words name another reason than a permission; empty for none."""
    lowered = message.lower()
    return next((remedy for words, remedy in _REFUSALS if words in lowered), "")


def check_size(entry: Mapping[str, Any], location: str) -> None:
    """Raises RegistryUnreadable for a file that is larger than any of ours, before it is fetched. GitHub has
    `size`, in bytes, beside a file's contents and in a tree."""
    size = entry.get("size")
    if isinstance(size, int) and size > DOCUMENT_BYTES_MAX:
        raise RegistryUnreadable(
            f"A document on {location} has {size:,} bytes; {DOCUMENT_BYTES_MAX:,} are read at most.",
            why="It is left as it is, so that nothing in it is lost.",
            remedy="Restore an earlier version of it, or delete it when no deployment is running.",
        )
