"""The registry in a local file: for a laptop, a self-hosted runner with its own disk, and the demo."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_action.errors import (
    RegistryConflict,
    RegistryForbidden,
    RegistryMisconfigured,
    RegistryStuck,
    RegistryUnavailable,
)
from deploy_action.locking.ports import DOCUMENT_BYTES_MAX, NO_FILES, Snapshot
from deploy_action.locking.registry_address import RegistryAddress
from deploy_action.locking.store import DOCUMENT, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy_action.locking.store import Opening

ABSENT = "absent"
RETRY_SECONDS = 1.0
"""After which a file that another process keeps locked is tried again."""

_FORBIDDEN = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}
)


class FileRegistry:
    """`ports.Registry` on one file, shared by the processes of one host.

    The version is the SHA-256 of the content. Two different states with the same content would share a
    version; every document holds the fresh id of the operation that wrote it, so that does not occur.

    Guarantees: a reader sees one complete document and never half of one; of all writers with one version,
    one wins; a document is on the disk before `swap` returns; a writer that dies frees the lock.
    Further documents are files in the same folder, each replaced as a whole before the document itself. A
    host that dies in between leaves newer ones beside the older document, so what is merged into one must
    not count twice when it is merged again.
    The folder is never created here: where it is missing, a mount may be, and every host would have an empty
    registry, and a lock, of its own.
    Not guaranteed: anything between hosts. File locks on network file systems are not to be trusted, and a
    hosted runner's disk is gone with its job.
    """

    advice = ""

    def __init__(self, path: Path, *, lock_timeout: float = 5.0) -> None:
        """`path` is the document if its name ends in `.json`, else the folder that holds `deployments.json`.

        `lock_timeout` is how long a swap waits for other writers, in seconds.
        """
        self._document = path if path.suffix == ".json" else path / DOCUMENT
        self._lock_file = self._document.with_name(self._document.name + ".lock")
        self._lock_timeout = lock_timeout

    @property
    def location(self) -> str:
        return f"file {self._document}"

    def read(self) -> Snapshot:
        with self._explained("read"):
            content = _content(self._document)
            if content is None:
                self._require_folder()
        return Snapshot(content, _version(content))

    def read_file(self, name: str, version: str) -> bytes | None:
        """See `ports.Registry`. Takes the lock, and so needs the right to write in the folder."""
        with self._explained("read"), self._locked():
            if _version(_content(self._document)) != version:
                raise RegistryConflict(f"The registry in {self.location} changed since it was read.")
            return _content(self._document.with_name(name))

    def swap(
        self,
        document: bytes,
        version: str,
        *,
        message: str,  # noqa: ARG002 - a file has no log
        files: Mapping[str, bytes] = NO_FILES,
    ) -> str:
        with self._explained("written"), self._locked():
            if _version(_content(self._document)) != version:
                raise RegistryConflict(f"The registry in {self.location} changed since it was read.")
            for name, content in files.items():
                _write(self._document.with_name(name), content)
            _write(self._document, document)
        return _version(document)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        import filelock

        self._require_folder()
        try:
            with filelock.FileLock(self._lock_file, timeout=self._lock_timeout):
                yield
        except filelock.Timeout as error:
            raise RegistryStuck(
                f"Another process has held the lock file {self._lock_file} for {self._lock_timeout:g} s.",
                why="Nothing was written. That process may be suspended in the middle of a write.",
                remedy="`fuser` names the process that has the file open: let it go on, or end it.",
                retry_seconds=RETRY_SECONDS,
            ) from error

    def _require_folder(self) -> None:
        """Raises RegistryMisconfigured where there is no folder. `stat` also tells what forbids to see it."""
        folder = self._document.parent
        try:
            folder.stat()
        except FileNotFoundError as error:
            raise RegistryMisconfigured(
                f"The registry folder {folder} does not exist.",
                why="If it is on a shared disk, that disk is not mounted, and this host would lock alone.",
                remedy=f"Mount the disk; for a new registry, create the folder once: `mkdir -p {folder}`.",
            ) from error

    @contextlib.contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"The registry in {self.location} cannot be {done}: {error.strerror or error}."
            if error.errno in _FORBIDDEN:
                raise RegistryForbidden(
                    what,
                    why="Deployments on this host cannot see each other.",
                    remedy=f"Let this user write in the folder {self._document.parent}, or name another.",
                ) from error
            raise RegistryUnavailable(what, remedy="Check the disk for space and errors.") from error


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX + 1)
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _version(content: bytes | None) -> str:
    return ABSENT if content is None else hashlib.sha256(content).hexdigest()


def _flush_folder(folder: Path) -> None:
    """Make the rename durable. Best effort: some systems cannot open a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parse(text: str) -> RegistryAddress | None:
    _, separator, path = text.partition("://")
    if not separator:
        return None
    if not path.startswith("/"):
        raise ValueError(f"`{text}` must be file:// and an absolute path that the runners share.")
    return RegistryAddress("file", path)


def _open(address: RegistryAddress, _job: Opening) -> FileRegistry:
    return FileRegistry(Path(address.place))


STORE = Store("file", "file:///path", 1.0, _parse, _open, of_one_machine=True)
