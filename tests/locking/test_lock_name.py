"""Names of locks: every printable one is valid, and one name in several spellings is one lock."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.locking.lock_name import lock_key, parse_lock_name, parse_locks, unique_locks


@pytest.mark.parametrize(
    "name",
    [
        "production",
        "#1 (blue)",
        "R&D",
        "Bob's, left – right",
        "Zürich 本番 🚀",
        "a|b<c>`d`",
        "-x",
        "prod\N{NO-BREAK SPACE}eu",
        "x" * 255,
    ],
)
def test_every_printable_name_is_kept_as_given(name: str) -> None:
    assert parse_lock_name(name) == name


@pytest.mark.parametrize(
    "name", ["a\u202eb", "a\nb", "a\x1b[0m", "a\u200bb", "a\u3164b", "a\ud800b", "a\ue000b"]
)
def test_a_name_with_what_nobody_can_see_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(ValueError, match="invisible character U") as caught:
        parse_lock_name(name)
    assert name not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164"])
def test_a_name_of_nothing_visible_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="visible character"):
        parse_lock_name(name)


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="256 characters"):
        parse_lock_name("x" * 256)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("production", "Production"),
        ("production", "ｐｒｏｄｕｃｔｉｏｎ"),
        ("office", "oﬃce"),
        ("prod eu", "prod  eu"),
        ("prod eu", " prod\N{NO-BREAK SPACE}eu "),
        ("STRASSE", "straße"),
        ("café", "cafe\u0301"),
        ("rocket 🚀", "rocket 🚀\ufe0f"),
    ],
)
def test_one_name_in_two_spellings_is_one_lock(one: str, other: str) -> None:
    assert lock_key(one) == lock_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("prod", "prod-eu"), ("prod eu", "prodeu"), ("a/b", "a:b"), ("café", "cafe"), ("v1", "v1.")],
)
def test_two_names_are_two_locks(one: str, other: str) -> None:
    assert lock_key(one) != lock_key(other)


def test_the_first_spelling_of_each_lock_stays() -> None:
    assert unique_locks(["Prod", "network", "prod", "NETWORK"]) == ("Prod", "network")


@given(st.text(max_size=20))
def test_a_key_is_its_own_key_and_case_and_form_do_not_change_it(name: str) -> None:
    key = lock_key(name)
    assert lock_key(key) == key
    assert lock_key(unicodedata.normalize("NFD", name)) == key
    assert lock_key(f"  {name} ") == key


class TestTheInput:
    """Names, those only read under, and problems."""

    def test_a_lock_that_is_only_read_under_says_so(self) -> None:
        assert parse_locks(["network:read", "prod"]) == (("network", "prod"), ("network",), ())

    @pytest.mark.parametrize("lines", [["prod:read", "Prod"], ["prod", "Prod:read"]])
    def test_a_lock_named_both_ways_is_locked_for_writing(self, lines: list[str]) -> None:
        names, shared, problems = parse_locks(lines)
        assert (len(names), shared, problems) == (1, (), ())

    def test_a_name_that_is_refused_hides_no_other(self) -> None:
        names, shared, problems = parse_locks(["a\nb", "prod", "x" * 256])
        assert (names, shared) == (("prod",), ())
        assert ["invisible" in problems[0], "256" in problems[1]] == [True, True]
