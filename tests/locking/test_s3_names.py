"""Names and ids in an object's metadata become parts of keys: whoever writes them chooses no other place."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from deploy_action.locking.stores.s3 import _POINTERS, _pointers


def read(**names: str) -> dict[str, str]:
    return dict(_pointers({"Metadata": {_POINTERS: urlencode(names)}}))


@pytest.mark.parametrize(
    "part", ["../x", "..", ".hidden", "a/b", "a\\b", "", "a" * 201, "a b", "a%2fb", "a\n", "ä", "-/../x"]
)
def test_a_name_or_an_id_cannot_leave_the_place_of_the_files(part: str) -> None:
    assert read(**{part: "0a1b"}) == {}
    assert read(**{"deployment-history.json": part}) == {}


def test_what_is_written_is_read() -> None:
    assert read(**{"deployment-history.json": "0a1b"}) == {"deployment-history.json": "0a1b"}
