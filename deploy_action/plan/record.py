"""The plans in the registry: a document of its own beside that of the locks.

Readable by people, newest last, never larger than BYTES_MAX. It names change sets and what they were to do,
and no value of a property.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryUnreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

NAME = "deployment-plans.json"
SCHEMA = 1
BYTES_MAX = 300_000
"""An item of DynamoDB holds 400 KB."""
PLANS_MAX = 300
CHANGES_MAX = 200
"""Of one stack; what was reviewed beyond is compared by nothing."""
_READ_BYTES_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class RecordedStack:
    """The change set of one root stack. `changes`: one line a resource, as `summary_of` writes them; `new`:
    the stack exists for this change set only."""

    region: str
    name: str
    stack_id: str
    arn: str
    changes: tuple[str, ...] = ()
    new: bool = False
    role: str | None = None
    """The service role that CloudFormation was given with the change set, which no answer of it tells; None
    where the plan's own command gave it."""


@dataclass(frozen=True, slots=True)
class RecordedPlan:
    """One plan. `commits`: all ids by which what was planned is known (the commit that was checked out, that
    of the event, the head of the pull request)."""

    repository: str
    environment: str
    commits: tuple[str, ...]
    places: tuple[str, ...]
    """The stacks that were asked for, `REGION/NAME`, sorted; a name may be a glob."""
    stacks: tuple[RecordedStack, ...]
    """Those whose change sets stay."""
    changes: bool = False
    """The plan would change something."""
    pull_request: int = 0
    at: str = ""
    url: str = ""
    correlation_id: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """A later plan of the same takes its place: of the pull request, or else of the commit."""
        of = self.pull_request or (self.commits[0] if self.commits else "")
        return (self.repository.lower(), self.environment, self.places, of)


def merged(content: bytes | None, plan: RecordedPlan) -> bytes:
    """The document with that plan in place of an earlier one of the same. Raises RegistryUnreadable."""
    plans = [one for one in read(content) if one.key != plan.key] + [plan]
    plans = plans[-PLANS_MAX:]
    written = _written(plans)
    while len(written) > BYTES_MAX and len(plans) > 1:
        plans = plans[max(1, len(plans) // 10) :]
        written = _written(plans)
    return written


def read(content: bytes | None) -> list[RecordedPlan]:
    """Oldest first. What is no plan in it is left out. Raises RegistryUnreadable for what is no document."""
    if content is None:
        return []
    try:
        data = json.loads(content) if len(content) <= _READ_BYTES_MAX else None
    except (ValueError, RecursionError):
        data = None
    rows = data.get("plans") if isinstance(data, dict) and data.get("schema") == SCHEMA else None
    if not isinstance(rows, list):
        raise RegistryUnreadable(
            f"{NAME} in the registry is damaged, or a newer version wrote it.",
            why="Which plan was reviewed is not known.",
            remedy="Give the output `change-set-arn` of the plan as `execute-change-set-id`.",
        )
    return [plan for row in rows if (plan := _plan(row)) is not None]


def find(
    plans: Iterable[RecordedPlan],
    *,
    repository: str,
    environment: str,
    commits: Collection[str],
    places: Collection[str],
) -> RecordedPlan | None:
    """The newest plan of one of the commits for the same `places`."""
    found = None
    for plan in plans:
        same = plan.repository.lower() == repository.lower() and plan.environment == environment
        if same and plan.places == tuple(sorted(places)) and set(plan.commits) & set(commits) - {""}:
            found = plan
    return found


def replaced_by(plans: Iterable[RecordedPlan], plan: RecordedPlan) -> tuple[RecordedStack, ...]:
    """Change sets of the earlier plan whose place this one takes."""
    kept = {stack.arn for stack in plan.stacks}
    return tuple(
        stack for one in plans if one.key == plan.key for stack in one.stacks if stack.arn not in kept
    )


def _written(plans: list[RecordedPlan]) -> bytes:
    return (json.dumps({"schema": SCHEMA, "plans": [asdict(one) for one in plans]}, indent=1) + "\n").encode()


def _plan(row: Any) -> RecordedPlan | None:
    if not isinstance(row, dict) or not isinstance(row.get("stacks"), list):
        return None
    names = ("repository", "environment", "at", "url", "correlation_id")
    texts = {name: row[name] for name in names if isinstance(row.get(name), str)}
    found = [stack for one in row["stacks"] if (stack := _stack(one)) is not None]
    number = row.get("pull_request")
    commits, places = _texts(row.get("commits")), _texts(row.get("places"))
    if len(texts) < len(names) or len(found) != len(row["stacks"]) or commits is None or places is None:
        return None
    return RecordedPlan(
        **texts,
        commits=commits,
        places=places,
        stacks=tuple(found),
        changes=row.get("changes") is True,
        pull_request=number if isinstance(number, int) else 0,
    )


def _stack(row: Any) -> RecordedStack | None:
    if not isinstance(row, dict):
        return None
    names = ("region", "name", "stack_id", "arn")
    texts = {name: row[name] for name in names if isinstance(row.get(name), str)}
    changes = _texts(row.get("changes"))
    if len(texts) < len(names) or changes is None:
        return None
    role = row.get("role")
    return RecordedStack(
        **texts,
        changes=changes[:CHANGES_MAX],
        new=row.get("new") is True,
        role=role if isinstance(role, str) else None,
    )


def _texts(value: Any) -> tuple[str, ...] | None:
    """None for what is no list of texts."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(value)
