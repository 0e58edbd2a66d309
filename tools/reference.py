"""Writes the parts of the documents that are copies of something else, between markers:

    <!-- generated: NAME -->
    <!-- /generated -->

`python3 -m tools.reference` rewrites them (`make docs`); `--check` says which are stale, and changes nothing.
deploy/action.yml is a copy as a whole, and so is the workflow to call for GitHub Enterprise Server.
Sources: data/inputs.toml for inputs, action.yml for outputs, deploy_action/errors.py for exit codes, the
command line for its commands, preflight/finding.py for what the checks find, docs/adr/ for the list of
decisions.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deploy_action import errors
from deploy_action.cli import EXIT_CODES
from deploy_action.cli.app import COMMANDS, PROGRAM
from deploy_action.inputs.table import TABLE
from deploy_action.preflight.finding import KINDS
from tools.action_files import (
    action_with_inputs,
    lock_descriptions,
    main_descriptions,
    release_descriptions,
    workflow_with_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
COPY = "deploy/action.yml"
CALLED = ".github/workflows/deploy.yml"
CALLED_ON_ENTERPRISE_SERVER = ".github/workflows/deploy-enterprise-server.yml"
ACTIONS = {
    "action.yml": main_descriptions(),
    "lock/action.yml": lock_descriptions(),
    "release/action.yml": release_descriptions(),
}
DOCUMENTS = ("README.md", "docs/reference.md", "docs/cli.md", "docs/preflight.md", "docs/adr/README.md")
_BLOCK = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w ]+?) -->\n).*?(?P<end><!-- /generated -->)", re.DOTALL
)


def inputs_by_group(action: Mapping[str, Any]) -> str:
    parts = []
    for group, names in grouped(action["inputs"]).items():
        parts.append(f"### {group}\n\n{_inputs(action['inputs'], names)}")
    return "\n\n".join(parts)


def outputs(action: Mapping[str, Any]) -> str:
    return _table(
        ("Output", "Meaning"), ((f"`{n}`", it["description"]) for n, it in action["outputs"].items())
    )


def exit_codes(_action: Mapping[str, Any]) -> str:
    """The table of errors.py, as it stands there."""
    lines = [line for line in (errors.__doc__ or "").splitlines() if line.startswith("|")]
    return "\n".join(line[:1].upper() + line[1:] for line in lines)


def commands(_action: Mapping[str, Any]) -> str:
    return _table(
        ("Command", "What it does"), ((f"`{PROGRAM} {n}`", words) for n, (_, words) in COMMANDS.items())
    )


def exit_codes_of_commands(_action: Mapping[str, Any]) -> str:
    return _table(("Exit code", "Meaning"), EXIT_CODES.items())


def findings(_action: Mapping[str, Any]) -> str:
    rows = (
        (
            f"`{code}`",
            kind.level.value,
            kind.meaning,
            kind.remedy or "Run it again; the log names the reason.",
        )
        for code, kind in KINDS.items()
    )
    return _table(("Code", "Level", "What it means", "What to do"), rows)


def decisions(_action: Mapping[str, Any]) -> str:
    rows = []
    for file in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        title = file.read_text("utf-8").splitlines()[0].lstrip("# ")
        rows.append((f"[{file.name[:4]}]({file.name})", re.sub(r"^\d+\. ", "", title)))
    return _table(("", ""), rows)


def half(name: str) -> Callable[[Mapping[str, Any]], str]:
    """Inputs and outputs of a sub-action, without those that nobody sets."""

    def part(_action: Mapping[str, Any]) -> str:
        inputs = {
            each: {"description": text, "default": TABLE[each].default}
            for each, text in ACTIONS[f"{name}/action.yml"].items()
            if not text.startswith("Leave as it is.")
        }
        tables = [_inputs(inputs, inputs)]
        described = yaml.safe_load((ROOT / name / "action.yml").read_text("utf-8"))
        if described.get("outputs"):
            tables.append(outputs(described))
        return "\n\n".join(tables)

    return part


PARTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "inputs": inputs_by_group,
    "outputs": outputs,
    "lock": half("lock"),
    "release": half("release"),
    "exit codes": exit_codes,
    "commands": commands,
    "command line exit codes": exit_codes_of_commands,
    "preflight findings": findings,
    "decisions": decisions,
}


def grouped(inputs: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The names by the heading of their table, in the order of `data/inputs.toml`."""
    found: dict[str, list[str]] = {}
    for name in inputs:
        found.setdefault(TABLE[name].group, []).append(name)
    return {group: tuple(names) for group, names in found.items()}


def first_sentence(text: str) -> str:
    """Up to the first full stop outside of code, so that a short table stays short."""
    match = re.match(r"(?:`[^`]*`|[^`.]|\.(?!\s|$))+\.", text)
    return match[0] if match else text


def rewritten(text: str, action: Mapping[str, Any]) -> str:
    """Raises KeyError for a part that nobody generates."""
    return _BLOCK.sub(lambda m: f"{m['begin']}{PARTS[m['name']](action)}\n{m['end']}", text)


def below_a_folder(action: str) -> str:
    """The same action for a folder below the repository's root, where `uses: $/FOLDER` finds it."""
    head = (
        "# A copy of ../action.yml for .github/workflows/deploy.yml, made by `make docs`. Change that one.\n"
    )
    return head + action.replace('"$GITHUB_ACTION_PATH/', '"$GITHUB_ACTION_PATH/../')


def for_enterprise_server(workflow: str) -> str:
    """The workflow to call without what GitHub Enterprise Server does not know: `queue:` and `uses: $/`."""
    head = (
        "# A copy of deploy.yml for GitHub Enterprise Server and `act`, by `make docs`. Change that one.\n"
        "# It has no `queue:`, so GitHub keeps one pending run of a group and cancels the one before. The\n"
        "# action is named by its version, since that server does not know `$/`.\n"
    )
    body = workflow[workflow.index("\nname: ") + 1 :]
    without = re.sub(r"^ +queue: .*\n", "", body, flags=re.MULTILINE)
    return head + without.replace("uses: $/deploy", "uses: org/deploy-coordinator@v1")


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    check = "--check" in arguments
    generated = {
        name: action_with_inputs((root / name).read_text("utf-8"), descriptions)
        for name, descriptions in ACTIONS.items()
    }
    action = yaml.safe_load(generated["action.yml"])
    generated |= {name: rewritten((root / name).read_text("utf-8"), action) for name in DOCUMENTS}
    generated[COPY] = below_a_folder(generated["action.yml"])
    generated[CALLED] = workflow_with_inputs((root / CALLED).read_text("utf-8"))
    generated[CALLED_ON_ENTERPRISE_SERVER] = for_enterprise_server(generated[CALLED])
    stale = []
    for name, current in generated.items():
        file = root / name
        if not file.is_file() or file.read_text("utf-8") != current:
            stale.append(name)
            if not check:
                file.write_text(current, "utf-8")
    for name in stale:
        print(f"{name} {'is stale: run `make docs`.' if check else 'was brought up to date.'}")
    return int(check and bool(stale))


def _inputs(
    inputs: Mapping[str, Any], names: Iterable[str], shortened: Callable[[str], str] = lambda text: text
) -> str:
    rows = []
    for name in names:
        it = inputs[name]
        rows.append((f"`{name}`", _default(it), shortened(" ".join(it["description"].split()))))
    return _table(("Input", "Default", "Meaning"), rows)


def _default(it: Mapping[str, Any]) -> str:
    if it.get("required"):
        return "(required)"
    default = str(it.get("default", ""))
    return f"`{default}`" if default else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
