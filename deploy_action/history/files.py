"""Which documents the history consists of, and what a deployment changes in them.

- RECENT: the newest deployments, whole. A release rewrites this one alone, and it is small.
- ESTIMATES: what RECENT had no room for, bounded: what estimates rest on (`history.document`).
- ARCHIVE: all of these, for years, without their resources. One that is full is sealed: it goes on under a
  name that ends in the hash of its content, is never changed again, and ARCHIVE lists its name.

A version that knows RECENT only reads what is there, and may let it grow to 350 KB; the next release of a
version that knows all of them moves that on.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from deploy_action.history import document
from deploy_action.history.document import NAME as RECENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Read = Callable[[str], bytes | None]
    """The content of a document by its name; None where there is none."""

ESTIMATES = "deployment-history-estimates.json"
ARCHIVE = "deployment-history-archive.json"
RECENT_BYTES_MAX = 32_000
RECENT_BYTES_KEPT = 8_000
"""Of the newest, so that who reads RECENT alone always knows some."""
ARCHIVE_BYTES_MAX = 300_000
SEALED_MAX = 1_000
"""Names of sealed archives that are listed: 500,000 deployments and more."""
SEALED = re.compile(r"deployment-history-[0-9]{4}-[0-9]{2}-[0-9a-f]{16}\.json")


def remembered(
    read: Read, record: dict[str, Any] | None, *, earlier: Sequence[dict[str, Any]] = ()
) -> dict[str, bytes]:
    """The documents that change, with their new content, when this deployment, and operations of before
    (`earlier`), are remembered. Idempotent. Raises RegistryUnreadable, and leaves what cannot be read."""
    recent = read(RECENT)
    if earlier:
        known = learned(lambda name: recent if name == RECENT else read(name))
        fresh = document.unknown_to(known, earlier)
        recent = document.merged_all(recent, fresh, older=True) if fresh else recent
    if record is not None:
        recent = document.merged(recent, record)
    if recent is None or len(recent) <= RECENT_BYTES_MAX:
        return {} if recent is None else {RECENT: recent}
    return _moved_on(read, recent)


def learned(read: Read) -> bytes | None:
    """The files that estimates learn from, as one document. Raises RegistryUnreadable where one of several
    cannot be read; a single one is returned as it is."""
    recent, estimates = read(RECENT), read(ESTIMATES)
    if estimates is None:
        return recent
    data, newest = document.parsed(recent)
    known = document.parsed(estimates, name=ESTIMATES)[1]
    return document.written(data, _without_twins([*known, *newest]))


def archives(read: Read) -> Iterator[tuple[str, bytes | None]]:
    """Name and content of each archive, the newest first. Raises RegistryUnreadable for the list of them."""
    current = read(ARCHIVE)
    yield ARCHIVE, current
    for name in reversed(_sealed(document.parsed(current, name=ARCHIVE)[0])):
        yield name, read(name)


def whole(read: Read) -> list[tuple[str, bytes | None]]:
    """Name and content of all documents, the oldest deployments first: the same one may stand in several, the
    fullest last. Raises RegistryUnreadable for the list of archives."""
    older = list(archives(read))[::-1]
    return [*older, *((name, read(name)) for name in (ESTIMATES, RECENT))]


def _moved_on(read: Read, recent: bytes) -> dict[str, bytes]:
    data, found = document.parsed(recent)
    kept, size = 1, 0
    for kept in range(1, len(found) + 1):
        size += len(document.written({}, found[-kept:][:1]))
        if size > RECENT_BYTES_KEPT:
            break
    old, new = found[:-kept], found[-kept:]
    if not old:
        return {RECENT: recent}
    known = document.parsed(read(ESTIMATES), name=ESTIMATES)[1]
    together = sorted(_without_twins([*known, *old]), key=_ended)
    # A file store replaces one after the other: what is moved on leaves its place last.
    return {
        **_archived(read(ARCHIVE), old),
        ESTIMATES: document.merged_all(None, together),
        RECENT: document.written(data, new),
    }


def _archived(content: bytes | None, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    data, before = document.parsed(content, name=ARCHIVE)
    bare = [document.without_resources(one) for one in records]
    together = _without_twins([*before, *bare])
    grown = document.written(data, together)
    if len(grown) <= ARCHIVE_BYTES_MAX or not before:
        return {ARCHIVE: grown}
    # What is sealed stands in the store already, byte by byte: git keeps it once.
    sealed = content or b""
    month = (_ended(before[-1]) or "0000-00")[:7]
    name = f"deployment-history-{month}-{hashlib.sha256(sealed).hexdigest()[:16]}.json"
    data = {**data, "sealed": [*_sealed(data), name][-SEALED_MAX:]}
    return {name: sealed, ARCHIVE: document.written(data, bare)}


def _sealed(data: dict[str, Any]) -> list[str]:
    found = data.get("sealed")
    names = found if isinstance(found, list) else []
    return [name for name in names if isinstance(name, str) and SEALED.fullmatch(name)]


def _without_twins(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of several records of one deployment, the last at the place of the first."""
    found: dict[object, dict[str, Any]] = {}
    for index, one in enumerate(records):
        name = one.get("correlation_id")
        found[name if isinstance(name, str) else index] = one
    return list(found.values())


def _ended(record: dict[str, Any]) -> str:
    """Its end in ISO 8601, which sorts as text; empty where that is not known."""
    found = record.get("released_at")
    return found if isinstance(found, str) and re.match(r"[0-9]{4}-[0-9]{2}-", found) else ""
