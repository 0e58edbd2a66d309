"""A shell in front of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action import cli
from deploy_action.common.times import iso
from deploy_action.locking import transitions as core
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.stores.file import FileRegistry
from tests.clock import START, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from deploy_action.common.ports import Clock


class Desk:
    """A shell with a registry in a file."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], clock: Clock | None = None) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.store = FileRegistry(folder)
        self.address = f"file://{folder}"
        self.clock = clock or VirtualClock()
        self._capsys = capsys

    def run(self, *words: str, registry: str = "") -> tuple[int, str]:
        code = cli.main([*words, "--registry", registry or self.address], self.clock)
        out, err = self._capsys.readouterr()
        return code, out + err

    @property
    def document(self) -> Document:
        return decode(self.store.read().document)

    def change(self, change: Callable[[Document], Document | None]) -> None:
        snapshot = self.store.read()
        new = change(decode(snapshot.document))
        assert new is not None
        self.store.swap(encode(new.with_operation(snapshot.version)), snapshot.version, message="test")

    def arrives(self, nonce: str, **fields: Any) -> None:
        given = {"correlation_id": f"id-{nonce}", "stacks": ("eu-west-1/shop",), **fields}
        ticket = Ticket(nonce, locks=("prod",), **given)
        self.change(lambda document: core.request(document, ticket, at=iso(START), enqueue_if_busy=True))
