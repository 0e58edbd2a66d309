"""Hostile text in every place where text from outside is shown."""

from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy_action.common import escape
from tests.reporting.readers import (
    COMMANDS,
    GITHUB_ACTS,
    REGISTERED,
    decoded_command,
    elements,
    prose_of,
    runner_command,
    runner_commands,
    runner_lines,
    slack_acts,
)

commands = st.builds(
    lambda form, name, properties, data: form.format(name, properties, data),
    st.sampled_from(
        ["::{0}{1}::{2}", " \t::{0}{1}::{2}", "##[{0}{1}]{2}", "x ##[{0}{1}]{2}", "###[{0}]", "::{0}"]
    ),
    st.sampled_from(COMMANDS).flatmap(lambda name: st.sampled_from([name, name.upper(), name.title()])),
    st.sampled_from(["", " name=PATH", " file=a,line=1"]),
    st.text(max_size=10),
)
pieces = st.sampled_from(
    [
        *"`*_~[]()<>|!#$&@:;,.+-=%'\"\\/ \t\n\r\0\x07\x1b\x7f\x85\xa0\u200b\u2028\u2029\u202e\u2066\ufeff",
        "\r\n",
        "\x1b[31m",
        "\x1b]8;;http://x\x07",
        "\x1b]0;title",
        "\x9b31m",
        "```",
        "~~~",
        "https://evil.example",
        "http://evil.example",
        "www.evil.example",
        "ftp://evil.example",
        "mailto:a@b.example",
        "xmpp:a@b.example/x",
        "a@b.example",
        "<img src=x onerror=x>",
        "</details>",
        "<!-- -->",
        "<!channel>",
        "<@U123>",
        "<https://x|y>",
        "<https://evil.example>",
        "![x](https://evil.example)",
        "[x](https://evil.example)",
        "[^1]",
        "- [ ] x",
        "# x",
        "1. x",
        "---",
        ":tada:",
        "@org/team",
        "#123",
        "GH-123",
        "org/repo#1",
        "&lt;",
        "&#96;",
        "$`x`$",
        "$$",
        "%0A::error::",
        "%25",
        "\\|",
        "section x",
        "click x",
        "%%{init: {}}%%",
    ]
)
hostile = st.lists(st.text(max_size=8) | pieces | commands, max_size=12).map("".join)
many = settings(max_examples=200, deadline=None)


def shown(text: str) -> str:
    """What a reader sees of a text, where invisible characters and kinds of white space do not count."""
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C" or char.isspace())
    return "".join(text.split())


class TestTheLog:
    @many
    @given(hostile)
    @example("::error::x")
    @example(" \u2003::ADD-PATH::x")
    @example("##[Set-Env name=PATH]x")
    @example("###[group]")
    @example("##\x1b[0m[error]x")
    @example("##\u200b[error]x")
    @example(":\x1b[0m:error::x")
    @example(":\0:error::x")
    @example("\r::error::x")
    @example("a\n::error::x")
    def test_no_command_is_recognised_wherever_the_text_stands(self, text: str) -> None:
        found = escape.log_text(text)
        for line in (found, f"  {found}", f"{found} {found}", f"17:55:02  {found}", f"\x1b[2m{found}\x1b[0m"):
            assert runner_commands(line) == []

    @many
    @given(hostile)
    @example("0::ERROR \n%0A::error::")
    @example("arn::add-mask::x")
    @example("x ::Stop-Commands::x")
    @example("::::error::x")
    @example("AWS::IAM::Group was not made: ::x")
    @example("add-mask::x")
    @example(":set-output name=a::x")
    def test_the_rest_of_a_torn_line_is_no_command(self, text: str) -> None:
        found = escape.log_text(text)
        annotation = f"::warning title={escape.command_property(text)}::{escape.command_data(text)}"
        for line in (found, f"at:{found}", f"\x1b[31m{found}", annotation):
            for start in range(1, len(line)):
                assert runner_command(line[start:]) not in REGISTERED, line[start:]

    def test_it_is_said_visibly_and_types_stay_whole(self) -> None:
        assert escape.log_text("arn::add-mask::x ##[error]y") == "arn: :add-mask::x ## [error]y"
        for text in ("AWS::IAM::Group", "Group (AWS::IAM::Group) 5m40s", "Custom::Error [1/2]"):
            assert escape.log_text(text) == text

    @many
    @given(hostile)
    def test_it_is_one_line_without_control_characters(self, text: str) -> None:
        found = escape.log_text(text)
        assert len(found.splitlines()) <= 1
        assert all(unicodedata.category(char)[0] != "C" for char in found)

    @pytest.mark.parametrize("start", ["\x1b[", "\x1b[1;31", "\x1b]0;t", "\x1b", "\x9b"])
    def test_a_sequence_without_its_end_takes_none_of_our_own_words_along(self, start: str) -> None:
        for ours in (" holds it for 7 min.", " (turn 7) since 08:00", ". Ask 2 people.", ", 3 of 4"):
            assert escape.log_text(f"prod{start}{ours}").endswith(" ".join(ours.split()))

    def test_ordinary_text_stays_as_it_is(self) -> None:
        text = 'Resource handler returned message: "größe::x [a] #1 (Code: 3)" — 50 % 日本語'
        assert escape.log_text(text) == text

    def test_a_flood_is_cut_with_a_sign(self) -> None:
        assert len(escape.log_text("x" * 100_000)) == escape.LOG_LINE_MAX
        assert escape.log_text("x" * 100_000).endswith("…")
        assert len(escape.log_text("##[" * 100_000)) < 2 * escape.LOG_LINE_MAX
        assert escape.log_text("\x1b[" * 100_000)
        assert escape.log_text("\n" * 100_000) == ""

    @many
    @given(hostile, hostile)
    def test_an_annotation_is_one_command_whatever_it_quotes(self, title: str, text: str) -> None:
        line = f"::error title={escape.command_property(title)}::{escape.command_data(text)}"
        assert len(runner_lines(line)) == 1
        assert runner_command(line) == "error"
        name, properties, data = decoded_command(line)
        assert name == "error"
        assert set(properties) <= {"title"}
        assert "##[" not in line
        assert "\r" not in data
        assert shown(data).replace("…", "") in shown(escape.plain(text))

    def test_an_annotation_keeps_lines_signs_and_percents(self) -> None:
        text = "100 % of a:b,c\nsecond line"
        line = f"::error title={escape.command_property('a:b,c 100%')}::{escape.command_data(text)}"
        assert decoded_command(line) == ("error", {"title": "a:b,c 100%"}, text)


def without_code(page: str) -> list[str]:
    return [tag for tag in elements(page)[0] if tag != "code"]


ADDRESSES = [
    "https://evil.example/a_(b)?c=d&e=%20#f",
    "arn:aws:iam::123456789012:role/deploy",
    "someone@corp.example",
    "@org/team",
    "org/repo#12",
    "www.evil.example",
]


class TestMarkdown:
    @many
    @given(hostile)
    @example("_https://evil.example")
    @example("*www.evil.example")
    @example("# x")
    @example("- x")
    @example("1) x")
    def test_prose_holds_text_only(self, text: str) -> None:
        found = escape.markdown(text)
        if not found:
            return
        assert without_code(f"Note: {found}") == ["p"]
        assert without_code(f"**{found}**")[:1] == ["p"]
        assert set(without_code(f"**x{found}x**")) <= {"p", "strong"}
        assert without_code(f"- x\n- {found}") in (["ul", "li", "li"], ["ul", "li", "li", "p", "p"])
        assert without_code(f"## {found}") == ["h2"]

    @many
    @given(hostile)
    def test_prose_stays_readable(self, text: str) -> None:
        assert shown(elements(f"x {escape.markdown(text)}")[1]) == shown("x " + escape.one_line(text, 2000))

    @many
    @given(hostile)
    def test_nobody_is_mentioned_and_nothing_referenced(self, text: str) -> None:
        assert not GITHUB_ACTS.search(prose_of(f"x {escape.markdown(text)}"))

    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("around", ["{}", "see {}.", "({})", '"{}", x', "a {} b {} c"])
    def test_an_address_is_copied_as_it_was(self, address: str, around: str) -> None:
        text = around.replace("{}", address)
        page = escape.markdown(text)
        assert "".join(elements(f"x {page}")[1].split()) == "x" + text.replace(" ", "")
        assert f"`{address}`" in page
        assert not GITHUB_ACTS.search(prose_of(page))

    @many
    @given(hostile)
    @example("a`b")
    @example("``` x")
    @example("`")
    def test_code_holds_its_text_only(self, text: str) -> None:
        found = escape.code(text)
        tags, seen = elements(f"x {found} y")
        assert tags == (["p", "code"] if found else ["p"])
        if "|" not in text:
            assert "".join(seen.split()) == "".join(f"x{escape.one_line(text, 300)}y".split())

    @many
    @given(hostile, hostile, hostile)
    @example("a|b", "a\\|b", "\\\\|")
    @example("\\", "|\\", "`|`")
    def test_a_table_keeps_its_columns(self, name: str, prose: str, last: str) -> None:
        row = f"| {escape.code(name)} | {escape.markdown(prose)} | {escape.code(last)} |"
        tags, _ = elements(f"| a | b | c |\n| --- | --- | --- |\n{row}\n")
        body = tags[tags.index("tbody") :] if "tbody" in tags else []
        assert [tag for tag in body if tag != "code"] == ["tbody", "tr", "td", "td", "td"]
        assert body.count("code") >= bool(escape.code(name)) + bool(escape.code(last))

    def test_pipes_and_backslashes_read_right_in_a_table(self) -> None:
        rows = f"| a |\n| --- |\n| {escape.code('x|y')} |\n| {escape.markdown('x|y')} |\n"
        assert elements(rows)[1].split() == ["a", "x|y", "x|y"]

    @many
    @given(hostile)
    @example("```\nx\n```")
    @example("~~~\n````")
    def test_a_block_holds_its_text_only(self, text: str) -> None:
        tags, seen = elements(f"x\n\n{escape.code_block(text)}\n\ny")
        assert tags == ["p", "pre", "code", "p"]
        assert shown(seen) == shown(f"x{escape.plain(text)}y")

    @many
    @given(hostile)
    def test_our_sentences_may_quote_code_and_nothing_else(self, text: str) -> None:
        assert set(elements(f"x {escape.prose(text)}")[0]) <= {"p", "code"}

    def test_a_sentence_keeps_the_spaces_around_its_code(self) -> None:
        assert escape.prose("set `when-busy` to `wait`.") == "set `when-busy` to `wait`."
        assert escape.prose("one ` alone") == r"one \` alone"

    def test_a_flood_is_cut(self) -> None:
        for render in (escape.markdown, escape.code, escape.code_block, escape.prose):
            assert len(render("<`|" * 40_000)) < 20_000


class TestMermaid:
    @many
    @given(hostile)
    def test_a_name_holds_nothing_of_the_grammar(self, text: str) -> None:
        found = escape.mermaid(text)
        assert re.fullmatch(r"[\w .()/+=@…-]{1,40}", found)

    def test_the_end_of_a_long_name_is_kept(self) -> None:
        assert escape.mermaid("Outer/" * 20 + "Leaf").endswith("/Leaf")

    def test_nothing_left_has_a_name_too(self) -> None:
        assert escape.mermaid("::;;") == "unnamed"


class TestSlack:
    @many
    @given(hostile)
    def test_nothing_pings_or_links(self, text: str) -> None:
        found = escape.slack(text)
        assert "<" not in found
        assert ">" not in found
        assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", found)

    @pytest.mark.parametrize("text", ["<" * 100_000, "&" * 100_000, "x<" * 100_000, "x" * 100_000])
    def test_it_fits_into_a_section_also_when_escaped(self, text: str) -> None:
        assert 2700 < len(escape.slack(text)) <= 2800
        assert escape.slack(text).endswith("…")

    @many
    @given(hostile)
    def test_bare_words_do_nothing_either(self, text: str) -> None:
        found = escape.slack(text)
        assert slack_acts(found) == []
        assert len(found.splitlines()) <= 1
        assert len(found) <= 2800

    @many
    @given(hostile)
    def test_plain_text_knows_no_emoji_in_it(self, text: str) -> None:
        assert not re.search(r":[a-z0-9_+-]+:", escape.slack_plain(text, 150))
        assert len(escape.slack_plain(text, 40)) <= 40

    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("around", ["{}", "see {}.", "({})", "a ` {}"])
    def test_an_address_is_copied_as_it_was(self, address: str, around: str) -> None:
        found = html.unescape(escape.slack(around.replace("{}", address)))
        assert f"`{address}`" in found
        assert slack_acts(found) == []

    def test_code_of_our_own_sentences_stays_code(self) -> None:
        assert escape.slack("set `when-busy` to `wait`.") == "set `when-busy` to `wait`."
        assert escape.slack("one ` alone, ```a``` b`c`") == "one ' alone, '''a''' b'c'"

    def test_entities_are_escaped_once(self) -> None:
        assert escape.slack("<!here> & &lt;") == "&lt;!here&gt; &amp; &amp;lt;"
