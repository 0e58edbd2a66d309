"""The recording of the demo shows every line of a run, when it was written."""

from __future__ import annotations

import re

from demo.picture import ROWS, WIDTH, drawn


def test_every_line_is_there_in_its_colours_and_nothing_is_asked_of_the_network() -> None:
    lines = [(number * 0.5, f"\x1b[31mjob 1\x1b[0m line-{number}-") for number in range(ROWS * 2)]
    picture = drawn([*lines, (31.0, "x" * WIDTH + "wrapped")])
    found = re.sub(r"<[^>]*>", "", picture)
    assert all(f"line-{number}-" in found for number in range(ROWS * 2))
    assert "wrapped" in found
    assert "#cc555a" in picture
    assert re.findall(r"https?://[^\s\"]*", picture) == ["http://www.w3.org/2000/svg"]


def test_the_newest_line_is_seen_when_it_is_written_and_the_end_where_nothing_moves() -> None:
    picture = drawn([(0.0, "one"), (1.0, "two"), (1.0, "three"), (2.0, "four")])
    frames = re.findall(r"([\d.]+)% \{ transform: translateY\(([\d.]+)px\) \}", picture)
    assert frames == [("0", "707.6"), ("10", "658.8"), ("20", "634.4")]
    assert ".scroll { transform: translateY(634.4px); animation: play 10.0s" in picture
    assert "prefers-reduced-motion: reduce) { .scroll { animation: none } }" in picture
