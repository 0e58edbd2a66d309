"""The meaning of a 403 of GitHub that no permission mends, by its own words; and what of it is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryForbidden, RegistryUnreadable
from deploy_action.locking.ports import DOCUMENT_BYTES_MAX
from deploy_action.locking.stores.github_answers import text_at

if TYPE_CHECKING:
    from collections.abc import Mapping

FALLBACK = "Deployments cannot see each other."
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


def advice_on_rename(before: str, name: str) -> str:
    return (
        f"The repository {before} is called {name} now, and the registry was found there. Write {name} "
        f"wherever {before} is named, such as in `registry` and in workflows: if somebody creates a new "
        "repository under the old name, deployments no longer find this registry."
    )


def names_a_rule(message: str) -> bool:
    lowered = message.lower()
    return "rule violation" in lowered or "protected branch" in lowered


def check_type(body: Any, path: str, location: str) -> None:
    """Raises RegistryForbidden where GitHub shows something else than a file at `path`."""
    if isinstance(body, list) or text_at(body, "type") != "file":
        raise RegistryForbidden(
            f"{path} on {location} is not a file.",
            why=FALLBACK,
            remedy="Name another path or branch for the registry.",
        )


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
