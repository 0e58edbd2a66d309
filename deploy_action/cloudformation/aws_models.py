"""How botocore reads its descriptions of AWS's services, and the times in answers.

To be imported late: it imports botocore.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from botocore.session import Session

_UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def read_quickly(session: Session) -> None:
    """The first client is there sooner, and what one session of this process has read serves the others."""
    session.register_component("data_loader", _loader(session.get_config_variable("data_path") or ""))
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=time_of)


def time_of(value: Any) -> datetime:
    """As botocore's own, which takes 300 microseconds for each; an event has one. Raises ValueError."""
    if isinstance(value, str) and _UTC_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    return parse_timestamp(value)  # type: ignore[no-any-return]


class _Files(JSONFileLoader):  # type: ignore[misc]
    """Keeps the order as botocore's own does, without a function call for each object."""

    def load_file(self, file_path: str) -> Any:
        for path, open_file in ((Path(f"{file_path}.json"), open), (Path(f"{file_path}.json.gz"), gzip.open)):
            if path.is_file():
                with open_file(path, "rb") as file:
                    return json.loads(file.read())
        return None


class _Services(Loader):  # type: ignore[misc]
    """Knows services by their folders: botocore looks into each of the 400."""

    @functools.cache  # noqa: B019 - one for the whole process
    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - a folder is enough
        folders = [folder for path in self.search_paths if (folder := Path(path)).is_dir()]
        return sorted({entry.name for folder in folders for entry in os.scandir(folder) if entry.is_dir()})


@functools.cache
def _loader(data_path: str) -> Loader:
    """`data_path`: AWS_DATA_PATH."""
    paths = [str(Path(os.path.expandvars(path)).expanduser()) for path in data_path.split(os.pathsep) if path]
    return _Services(extra_search_paths=paths, file_loader=_Files())
