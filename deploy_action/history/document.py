"""One document of remembered deployments; `history.files` says which there are.

Readable by people, a deployment a line, newest last, never larger than BYTES_MAX. What a later version knows
more of a deployment is kept as it is.
"""

from __future__ import annotations

import json
import reprlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from deploy_action.common.times import iso
from deploy_action.errors import RegistryUnreadable
from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.operations import runs_of
from deploy_action.history.record_codec import damaged_parts, deployment_of, run_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.history.deployments import Deployment
    from deploy_action.history.operations import OperationRecord

NAME = "deployment-history.json"
SCHEMA = 1
BYTES_MAX = 350_000
"""An item of DynamoDB holds 400 KB. Enough for about 300 deployments that touch ten resources each."""
RECORD_BYTES_MAX = 30_000
"""A deployment that needs more is remembered without its resources."""
KEPT_PER_STACK = 20
"""Older ones of a stack go first, so that a busy stack does not push out the memory of a quiet one."""
DETAILED_PER_STACK = 6
"""Where room is short, older ones of a stack keep their times, and not those of each resource."""
_READ_BYTES_MAX = 4_000_000
_DEPLOYMENT_BYTES_MIN = 100
"""None that was ever written has fewer: more of them in as many bytes are there to cost time."""


def records_from_events(
    operations: Iterable[Operation], *, account: str = "", known: DeploymentHistory | None = None
) -> list[dict[str, Any]]:
    """A record of each operation that CloudFormation still has the events of, the oldest first.

    An operation whose beginning or end is missing is left out, and so is what is `known`. The same operation
    has the same correlation id each time, so collecting twice remembers once.
    """
    remembered = {_mark(run) for run in known.runs} if known is not None else set()
    found: list[tuple[float, dict[str, Any]]] = []
    for operation in operations:
        started = {f"{root.region}/{root.name}": root.started or 0.0 for root in operation.roots}
        for run in runs_of(operation):
            if _mark(run) in remembered:
                continue
            began = started[run.stack]
            record = {
                "correlation_id": f"collected:{account}{run.stack}:{iso(began)}",
                "account": account,
                "stacks": [run.stack],
                "outcome": run.outcome,
                "held_since": iso(began),
                "released_at": iso(began + run.seconds),
                "queue_seconds": 0,
                "duration_seconds": run.seconds,
                "runs": [run_record(run)],
            }
            found.append((began, record))
    return [record for _, record in sorted(found, key=lambda pair: pair[0])]


def _mark(run: OperationRecord) -> tuple[str, str, float, str]:
    """Tells an operation from others: its events say the same whenever they are read."""
    return run.stack, run.kind, run.seconds, run.touched


def read(
    content: bytes | None,
    prior: Mapping[tuple[str, str], float],
    prior_samples: Mapping[tuple[str, str], int] | None = None,
    *,
    account: str = "",
) -> DeploymentHistory:
    """The lessons about an AWS account, or about all where none is given: stacks of two accounts may bear the
    same name. Never raises: of a history that cannot be used, only the prior table is left, and `trouble`
    says so."""
    samples = prior_samples or {}
    try:
        all_records = records(content)
    except RegistryUnreadable as error:
        sentence = f"{error} Estimates rest on typical durations."
        return DeploymentHistory(prior=prior, prior_samples=samples, trouble=sentence)
    found: list[Deployment] = []
    damaged = 0
    for record in all_records:
        deployment = deployment_of(record)
        if deployment is None:
            damaged += 1
            continue
        damaged += damaged_parts(record, deployment) > 0
        if not account or deployment.account in {"", account}:
            found.append(deployment)
    return DeploymentHistory(tuple(found), prior, samples, damaged)


def merged(content: bytes | None, record: dict[str, Any]) -> bytes:
    """The history with this record in it. Idempotent: of one deployment there is one record, the last one.

    Raises RegistryUnreadable for what is not a history of this schema: it is left as it is.
    """
    return merged_all(content, [record])


def merged_all(content: bytes | None, records: Sequence[dict[str, Any]], *, older: bool = False) -> bytes:
    """The history with these records in it, in their order: after those that it has, or before them if they
    are `older`. Raises as `merged`."""
    try:
        return _merged(content, records, older=older)
    except RecursionError as error:
        raise _unreadable(NAME, "it is nested too deeply") from error


def _merged(content: bytes | None, records: Sequence[dict[str, Any]], *, older: bool) -> bytes:
    data, old = parsed(content)
    names = {record["correlation_id"] for record in records}
    kept = [one for one in old if not _is_one_of(one, names)]
    new = [_within_bounds(record) for record in records]
    return written(data, _newest(data, [*new, *kept] if older else [*kept, *new]))


def seeded(content: bytes | None, records: Sequence[dict[str, Any]]) -> bytes:
    """The history with these records of earlier operations before the rest; those whose operations it has
    already are left out, whoever remembered them. Raises as `merged`."""
    return merged_all(content, unknown_to(content, records), older=True)


def unknown_to(content: bytes | None, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the records whose operations the history does not have."""
    remembered = {_mark(run) for run in read(content, {}).runs}
    return [one for one in records if not _is_known(one, remembered)]


def _is_known(record: dict[str, Any], remembered: set[tuple[str, str, float, str]]) -> bool:
    deployment = deployment_of(record)
    return deployment is None or all(_mark(run) in remembered for run in deployment.runs)


def _is_one_of(record: dict[str, Any], names: set[str]) -> bool:
    name = record.get("correlation_id")
    return isinstance(name, str) and name in names


def _within_bounds(record: dict[str, Any]) -> dict[str, Any]:
    if _size(record) <= RECORD_BYTES_MAX:
        return record
    bare = without_resources(record)
    return bare if _size(bare) <= RECORD_BYTES_MAX else {k: v for k, v in record.items() if k != "runs"}


def without_resources(record: dict[str, Any]) -> dict[str, Any]:
    """The record with how long its operations took, and not each of their resources."""
    runs = record.get("runs")
    if not isinstance(runs, list):
        return record
    bare = [
        {k: v for k, v in run.items() if k not in {"resources", "cleanup"}} if isinstance(run, dict) else run
        for run in runs
    ]
    return {**record, "runs": bare}


def _newest(data: dict[str, Any], deployments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as there is room for: resources of those beyond the newest of their stack go first, then these
    deployments, then the oldest."""
    room = BYTES_MAX - len(written(data, []))
    sizes = [_size(one) for one in deployments]
    excess = sum(sizes) - room
    if excess <= 0:
        return deployments
    kept = list(deployments)
    ranks = _ranks(kept)
    for index, rank in enumerate(ranks):
        if excess > 0 and rank > DETAILED_PER_STACK:
            kept[index] = without_resources(kept[index])
            excess -= sizes[index] - _size(kept[index])
            sizes[index] = _size(kept[index])
    spare = [index for index, rank in enumerate(ranks) if rank > KEPT_PER_STACK]
    spared = set(spare)
    gone: set[int] = set()
    for index in [*spare, *(index for index in range(len(kept) - 1) if index not in spared)]:
        if excess <= 0:
            break
        gone.add(index)
        excess -= sizes[index]
    return [one for index, one in enumerate(kept) if index not in gone]


def _ranks(deployments: list[dict[str, Any]]) -> list[int]:
    """1 for the newest of its stacks, 2 for the one before."""
    seen: Counter[str] = Counter()
    ranks: list[int] = []
    for one in reversed(deployments):
        key = repr((one.get("account"), one.get("stacks")))[:2_000]
        seen[key] += 1
        ranks.append(seen[key])
    return ranks[::-1]


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _size(record: dict[str, Any]) -> int:
    """Bytes that it takes in the document, at most."""
    return len(_line(record).encode("utf-8", "surrogatepass")) + 3


def written(data: dict[str, Any], deployments: Sequence[dict[str, Any]]) -> bytes:
    """The document. `data`: what stands in it beside the deployments."""
    head = _line({"schema": SCHEMA, **data})[:-1]
    lines = ",\n ".join(map(_line, deployments))
    text = f'{head},\n"deployments": [{f"{chr(10)} {lines}{chr(10)}" if lines else ""}]}}\n'
    return text.encode("utf-8", "surrogatepass")


def records(content: bytes | None, *, bytes_max: int = _READ_BYTES_MAX) -> list[dict[str, Any]]:
    """The records as they stand, oldest first, for people and machines; `read` is for who learns from them.

    Raises RegistryUnreadable for what is not a history of this schema, or longer than `bytes_max`.
    """
    return parsed(content, bytes_max)[1]


def parsed(
    content: bytes | None, bytes_max: int = _READ_BYTES_MAX, name: str = NAME
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The parts of the document `name` beside the deployments, and these. Raises as `records`."""
    if content is None:
        return {}, []
    if len(content) > bytes_max:
        told = f"it has {len(content):,} bytes, and {BYTES_MAX:,} is the most that is written"
        raise _unreadable(name, told)
    try:
        data = json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, f"it is not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise _unreadable(name, f"its schema is {reprlib.repr(found)}, and this version knows {SCHEMA}")
    deployments = data.pop("deployments", [])
    if not isinstance(deployments, list) or not all(isinstance(one, dict) for one in deployments):
        raise _unreadable(name, "its deployments are no list of objects")
    if len(deployments) * _DEPLOYMENT_BYTES_MIN > bytes_max:
        raise _unreadable(name, f"it has {len(deployments):,} deployments, too many for its size")
    return data, deployments


def _unreadable(name: str, reason: str) -> RegistryUnreadable:
    return RegistryUnreadable(
        f"The deployment history cannot be used: {reason}.",
        why="It is left as it is, so this deployment is not remembered.",
        remedy=f"Repair or delete {name} beside the registry document.",
    )
