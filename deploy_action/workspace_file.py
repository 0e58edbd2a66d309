"""Files that inputs name: regular files inside the workspace, read up to a bound."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class _Outside(Exception):
    """The file is not below the workspace."""


def read_workspace_file(workspace: Path, name: str, bytes_max: int, *, too_large: str = "") -> bytes:
    """The file's bytes. `name` is relative to the workspace, or absolute inside it.

    Links are followed as long as they stay inside. Raises ValueError with a sentence for people, which names
    the file and never its content. `too_large` says what to do about a file above `bytes_max`.
    """
    try:
        path = (workspace / name).resolve(strict=True)
        inside = path.is_relative_to(workspace.resolve(strict=True))
        if not inside:
            raise _Outside
        # A pipe would block at its opening, a device never end.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ValueError(
            f"there is no file `{name}` in the workspace; is `actions/checkout` an earlier step?"
        ) from None
    except _Outside:
        raise ValueError(
            f"`{name}` is outside the workspace. Copy the file into the workspace in an earlier step."
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


def read_workspace_text(workspace: Path, name: str, bytes_max: int, *, too_large: str = "") -> str:
    """The same as UTF-8, with or without a byte order mark."""
    try:
        return read_workspace_file(workspace, name, bytes_max, too_large=too_large).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"`{name}` is not UTF-8. Save the file in that encoding.") from None
