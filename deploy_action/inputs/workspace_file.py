"""Files that inputs name: regular files inside the workspace or RUNNER_TEMP, read up to a bound."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Outside(Exception):
    """The file is not below the folder that it is named in."""


@dataclass(frozen=True, slots=True)
class JobFolders:
    """Where files of a job may lie. `temp` is RUNNER_TEMP, where earlier steps leave what they make."""

    workspace: Path
    temp: Path | None = None

    @classmethod
    def of_job(cls, environ: Mapping[str, str]) -> JobFolders:
        temp = environ.get("RUNNER_TEMP")
        return cls(Path(environ.get("GITHUB_WORKSPACE") or "."), Path(temp) if temp else None)

    def read(self, name: str, bytes_max: int, *, too_large: str = "") -> bytes:
        """The file's bytes. `name` is relative to the workspace, or absolute inside one of the folders.

        Links are followed as long as they stay inside the folder that `name` lies in: what a repository
        contains leads nowhere else. Raises ValueError with a sentence for people, which names the file and
        never its content. `too_large` says what to do about a file above `bytes_max`.
        """
        try:
            handle = self._opened(name)
        except FileNotFoundError:
            raise ValueError(
                f"there is no file `{name}` in the workspace; is `actions/checkout` an earlier step?"
            ) from None
        except _Outside:
            raise ValueError(
                f"`{name}` is outside the workspace and RUNNER_TEMP. Copy the file into one of them in an "
                "earlier step."
            ) from None
        except (OSError, RuntimeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ValueError(f"`{name[:200]}` cannot be read: {reason}.") from None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"`{name}` is not a regular file.")
            with open(handle, "rb", closefd=False) as file:
                content = file.read(bytes_max + 1)
        finally:
            os.close(handle)
        if len(content) > bytes_max:
            raise ValueError(
                f"`{name}` has {status.st_size:,} bytes; {bytes_max:,} are allowed. {too_large}".strip()
            )
        return content

    def read_text(self, name: str, bytes_max: int, *, too_large: str = "") -> str:
        """The same as UTF-8, with or without a byte order mark."""
        try:
            return self.read(name, bytes_max, too_large=too_large).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"`{name}` is not UTF-8. Save the file in that encoding.") from None

    def has(self, name: str) -> bool:
        """Whether there is such a file or folder, wherever it lies. Never raises."""
        try:
            return (self.workspace / name).exists()
        except (OSError, ValueError):
            return False

    def has_file(self, name: str) -> bool:
        try:
            return (self.workspace / name).is_file()
        except (OSError, ValueError):
            return False

    def _opened(self, name: str) -> int:
        path = Path(os.path.normpath(self.workspace / name))
        in_temp = self.temp is not None and path.is_relative_to(os.path.normpath(self.temp))
        folder = self.temp if in_temp and self.temp is not None else self.workspace
        resolved = (self.workspace / name).resolve(strict=True)
        if not resolved.is_relative_to(folder.resolve(strict=True)):
            raise _Outside
        # A pipe would block at its opening, a device never end.
        return os.open(resolved, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
