"""Whether a command tears stacks down, by its words.

It is asked before anything happens, for estimates, warnings and headings; what became of the stacks decides
about the verdict. A command that deploys as well is no teardown.
"""

from __future__ import annotations

import re

_DEPLOYS = frozenset({"deploy", "launch", "create", "update", "import", "execute", "sync", "up", "package"})
_TOOLS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "cdk": (frozenset({"destroy"}), _DEPLOYS),
    "sam": (frozenset({"delete"}), _DEPLOYS),
    "sceptre": (frozenset({"delete", "prune"}), _DEPLOYS),
    "serverless": (frozenset({"remove"}), _DEPLOYS),
    "sls": (frozenset({"remove"}), _DEPLOYS),
    "osls": (frozenset({"remove"}), _DEPLOYS),
    "rain": (frozenset({"rm"}), _DEPLOYS),
    "aws": (
        frozenset({"delete-stack", "delete-stack-instances"}),
        frozenset(
            {
                "deploy",
                "create-stack",
                "update-stack",
                "create-change-set",
                "execute-change-set",
                "create-stack-instances",
                "update-stack-instances",
                "update-stack-set",
            }
        ),
    ),
}
"""By tool: the words that delete, and those that deploy. The first of either in a call decides about it."""
_SPEAKS = frozenset({"echo", "printf", "grep", "#"})
_CALLS = re.compile(r"&&|\|\||[;|&\n(){}]")
_SEARCHED = 100_000


def teardown_of(command: str) -> str:
    """The call that deletes, such as `cdk destroy`; empty where nothing does, or something deploys."""
    found = ""
    text = command[:_SEARCHED].replace("\\\n", " ")
    for call in _CALLS.split(re.sub(r"(?m)(^|\s)#.*$", " ", text)):
        words = [word.strip("'\"") for word in call.split()]
        if not words or words[0] in _SPEAKS:
            continue
        for number, word in enumerate(words):
            tool = re.sub(r"@[^/]*$", "", word).rpartition("/")[2]
            if tool not in _TOOLS:
                continue
            deletes, deploys = _TOOLS[tool]
            verb = next((one for one in words[number + 1 :] if one in deletes | deploys), "")
            if verb in deploys:
                return ""
            if verb:
                found = found or f"{tool} {verb}"
            break
    return found
