"""What contention on ministack rests on: of writers that race with one condition, one wins."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryConflict
from tests.ground.stores import ON_AWS, new_store, session

if TYPE_CHECKING:
    from pathlib import Path

    from deploy_action.locking.ports import Registry

WRITERS = 20
ROUNDS = 15


def swaps(registry: Registry, content: bytes, version: str) -> bool:
    try:
        registry.swap(content, version, message="race")
    except RegistryConflict:
        return False
    return True


@pytest.mark.parametrize("kind", ON_AWS)
def test_one_of_twenty_racing_writers_wins(kind: str, tmp_path: Path, ministack_url: str) -> None:
    with ExitStack() as stack:
        store = new_store(kind, tmp_path, stack, ministack_url)
        shared = session()
        registries = [store.open(session=shared) for _ in range(WRITERS)]
        absent = registries[0].read().version
        for registry in registries:
            stack.callback(registry.close)  # type: ignore[attr-defined]
        # One after another first: a session must not make clients in several threads.
        assert [swaps(registry, b"first", absent) for registry in registries].count(True) == 1
        together = threading.Barrier(WRITERS)

        def write(registry: Registry, content: bytes) -> bool:
            version = registry.read().version
            together.wait(30)
            return swaps(registry, content, version)

        with ThreadPoolExecutor(WRITERS) as pool:
            for number in range(ROUNDS):
                contents = [b"%d of round %d" % (writer, number) for writer in range(WRITERS)]
                won = list(pool.map(write, registries, contents))
                assert won.count(True) == 1
                assert registries[0].read().document == contents[won.index(True)]
