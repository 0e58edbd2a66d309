"""A template with the nested ones that it names by local files, and what has to be in S3 to deploy it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.cloudformation.template_rewrite import with_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy_action.cloudformation.local_references import Path

BODY_BYTES_MAX = 51_200
"""The most that CloudFormation takes as a template's body; a template at an address may have 1 MB."""
FOREIGN_ADVICE = (
    "CloudFormation cannot read that. Run `aws cloudformation package` before and deploy what it writes, or "
    "use `command` with your tool, such as `sam deploy`."
)


@dataclass(frozen=True, slots=True)
class TemplateTree:
    """`name` is the file's, for people."""

    name: str
    text: str
    children: tuple[tuple[Path, TemplateTree], ...] = ()
    """By the place that names them."""
    foreign: tuple[str, ...] = ()
    """Other files of the workspace that it names, one clause each: `Code` of … names `src`, a folder."""

    def descendants(self) -> Iterator[TemplateTree]:
        for _, child in self.children:
            yield child
            yield from child.descendants()


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """`name` is the file that it comes from, `key` the object's without a prefix."""

    name: str
    key: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PackagedTemplate:
    """`text` has addresses in place of local files. `root`: the object that is deployed; None where the text
    itself is short enough to be handed over."""

    text: str
    root: StoredTemplate | None
    objects: tuple[StoredTemplate, ...] = field(default=())
    """All that have to be in S3, nested ones first."""


def packaged(tree: TemplateTree, url_of: Callable[[str], str]) -> PackagedTemplate:
    """`url_of` gives the address of a key. Raises ValueError where a local name cannot be replaced."""
    found: dict[str, StoredTemplate] = {}
    text = _with_addresses(tree, url_of, found)
    root = stored(tree.name, text) if len(text.encode()) > BODY_BYTES_MAX else None
    if root is not None:
        found[root.key] = root
    return PackagedTemplate(text, root, tuple(found.values()))


def stored(name: str, text: str) -> StoredTemplate:
    """Named by its content: the same template is one object, and no deployment overwrites another's."""
    content = text.encode()
    return StoredTemplate(name, f"{hashlib.sha256(content).hexdigest()}.template", content)


def _with_addresses(
    tree: TemplateTree, url_of: Callable[[str], str], found: dict[str, StoredTemplate]
) -> str:
    new: dict[Path, str] = {}
    for path, child in tree.children:
        one = stored(child.name, _with_addresses(child, url_of, found))
        found[one.key] = one
        new[path] = url_of(one.key)
    try:
        return with_texts(tree.text, new)
    except ValueError as error:
        raise ValueError(f"`{tree.name}`: {error}") from error
