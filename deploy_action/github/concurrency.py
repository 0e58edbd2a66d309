"""The effect of GitHub's own `concurrency:` on a deployment: cancel it, drop it, or let it wait for free."""

from __future__ import annotations

from dataclasses import dataclass

EXPRESSION = "${{"


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what was found, why it matters and what to do. `warning`: it costs or endangers now."""

    warning: bool
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """One `concurrency:` of a workflow file. None stands for an expression, whose value is not known here."""

    cancels: bool | None = False
    keeps_all: bool | None = False


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """The groups that a job is in by its workflow file; `complete` where it cannot be in others."""

    groups: tuple[Group, ...]
    complete: bool


NO_GROUP = Finding(
    warning=True,
    text="This job is in no concurrency group, so each run that waits for its turn holds a runner. Add "
    "`concurrency:` with a `group` and `queue: max` to the workflow: a pending run costs nothing.",
)
NO_GROUP_NEWEST = Finding(
    warning=True,
    text="This job is in no concurrency group, so each run that waits for its turn holds a runner until a "
    "newer one supersedes it. Add `concurrency:` with a `group` alone: it costs no runner and, like "
    "`queue-policy: newest`, keeps only the newest pending run.",
)
NEWEST_SEES_NOBODY = Finding(
    warning=True,
    text="`queue-policy: newest` has no effect among the runs of this concurrency group: with `queue: max` "
    "they wait at GitHub, all of them and in turn, and never meet in the lock's queue. Replace `queue: max` "
    "by `queue: single`: GitHub then keeps only the newest pending run.",
)
CANCELS = Finding(
    warning=True,
    text="With `cancel-in-progress: true`, a newer run cancels this one in the middle of its deployment: a "
    "command is cut off, and CloudFormation goes on with nobody watching. Replace it by "
    "`cancel-in-progress: false`: newer runs then wait.",
)
MAY_CANCEL = Finding(
    warning=False,
    text="`cancel-in-progress` is an expression: where it is true, a newer run cancels this one in the "
    "middle of its deployment. Make sure that it is false wherever this workflow deploys.",
)
DROPS = Finding(
    warning=False,
    text="The concurrency group keeps one pending run and cancels the one before it, so a deployment may be "
    "dropped before it ran. Add `queue: max` where your GitHub has it: that keeps up to 100.",
)


def findings(
    groups: tuple[str, ...] | None, file: WorkflowFile | None, *, waits: bool = True, newest: bool = False
) -> tuple[Finding, ...]:
    """`groups` are those of the whole run by GitHub's API; None where either is not known. `waits`: this
    deployment waits where the lock is busy; `newest`: it wants older ones that wait to be dropped.

    Nothing is found where all is well, or where too little is known to say.
    """
    if groups == () or (groups is None and file is not None and file.complete and not file.groups):
        return (NO_GROUP_NEWEST if newest else NO_GROUP,) if waits else ()
    known = file.groups if file is not None else ()
    found: list[Finding] = []
    if any(group.cancels for group in known):
        found.append(CANCELS)
    elif any(group.cancels is None for group in known):
        found.append(MAY_CANCEL)
    if newest and any(group.keeps_all for group in known):
        found.append(NEWEST_SEES_NOBODY)
    if not newest and any(group.cancels is False and group.keeps_all is False for group in known):
        found.append(DROPS)
    return tuple(found)


def workflow_file(data: object, job: str) -> WorkflowFile | None:
    """From a workflow file's data, in which all scalars are texts, and a job's key. None: not a workflow.

    A job that is not there, or that only calls another workflow, is of a reusable workflow: what its own file
    says is not known.
    """
    jobs = data.get("jobs") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(jobs, dict):
        return None
    places, own = [data], jobs.get(job)
    complete = isinstance(own, dict) and "uses" not in own
    if isinstance(own, dict) and complete:
        places.append(own)
    groups: list[Group] = []
    for place in places:
        if "concurrency" in place:
            group = _group(place["concurrency"])
            groups += [group] if group else []
            complete = complete and group is not None
    return WorkflowFile(tuple(groups), complete)


def _group(value: object) -> Group | None:
    """None for a shape that GitHub does not know."""
    if isinstance(value, str):
        return Group() if value else None
    if not isinstance(value, dict) or not value.get("group"):
        return None
    cancel, queue = value.get("cancel-in-progress", "false"), value.get("queue", "single")
    if not (isinstance(cancel, str) and isinstance(queue, str)):
        return None
    return Group(
        cancels=None if EXPRESSION in cancel else cancel.lower() == "true",
        keeps_all=None if EXPRESSION in queue else queue == "max",
    )
