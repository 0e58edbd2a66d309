"""The template in the workspace with the nested ones that it names by their files, as `aws cloudformation
package` reads them: relative to the template that names them."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deploy_action.cloudformation.local_references import may_refer, references_in
from deploy_action.cloudformation.template_parser import BYTES_MAX, parse_template
from deploy_action.cloudformation.template_tree import TemplateTree, packaged

if TYPE_CHECKING:
    from deploy_action.cloudformation.local_references import Reference
    from deploy_action.inputs.workspace_file import JobFolders

TEMPLATES_MAX = 200
"""CloudFormation itself stops at 2,500 nested operations; this many files are a mistake."""


def read_templates(folders: JobFolders, name: str) -> TemplateTree:
    """Raises ValueError with a sentence for people."""
    tree = _Reader(folders).read(name, ())
    # What cannot be rewritten is told now, and not when the lock is held.
    packaged(tree, lambda key: f"https://bucket/{key}")
    return tree


class _Reader:
    def __init__(self, folders: JobFolders) -> None:
        self._folders = folders
        self._known: dict[str, TemplateTree] = {}

    def read(self, name: str, parents: tuple[str, ...]) -> TemplateTree:
        name = os.path.normpath(name)
        if name in parents:
            raise ValueError(f"`{name}` nests itself: {' > '.join((*parents, name))}.")
        if name not in self._known:
            self._known[name] = self._tree(name, (*parents, name))
        return self._known[name]

    def _tree(self, name: str, parents: tuple[str, ...]) -> TemplateTree:
        if len(self._known) >= TEMPLATES_MAX:
            raise ValueError(f"more than {TEMPLATES_MAX} templates are nested in it.")
        text = self._folders.read_text(
            name, BYTES_MAX, too_large="CloudFormation takes no larger template: split it into nested stacks."
        )
        if not text.strip():
            raise ValueError(f"`{name}` is empty.")
        try:
            data = parse_template(text) if may_refer(text) else {}
        except ValueError:  # CloudFormation says it better
            data = {}
        children: dict[tuple[str | int, ...], TemplateTree] = {}
        foreign: list[str] = []
        for one in references_in(data):
            there = str(PurePosixPath(name).parent / one.value)
            if one.template and (self._folders.has_file(there) or "Transform" not in data):
                children[one.path] = self._nested(there, one, parents)
            elif not one.template and self._folders.has(there):
                foreign.append(f"{one.owner} in `{name}` names `{one.value}` of this workspace")
        for child in children.values():
            foreign += [sentence for sentence in child.foreign if sentence not in foreign]
        return TemplateTree(name, text, tuple(children.items()), tuple(foreign))

    def _nested(self, there: str, reference: Reference, parents: tuple[str, ...]) -> TemplateTree:
        try:
            return self.read(there, parents)
        except ValueError as error:
            if not self._folders.has_file(there):
                raise ValueError(f"{reference.owner} in `{parents[-1]}`: {error}") from None
            raise
