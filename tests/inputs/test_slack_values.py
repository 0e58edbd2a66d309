"""The words of the inputs about Slack."""

from __future__ import annotations

import pytest

from deploy_action.inputs.slack_values import channel, mentions, outputs, overrides


@pytest.mark.parametrize(
    "line",
    ["lunch: off", "stalled", "stalled:", "stalled: off thread", "stalled: not a channel!", "stalled: <@U1>"],
)
def test_overrides_that_cannot_be_meant(line: str) -> None:
    with pytest.raises(ValueError, match="`"):
        overrides([line])


def test_an_event_stands_there_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        overrides(["stalled: off", "stalled: thread"])


@pytest.mark.parametrize("text", ["C0123456789", "#deploys", "deploys-2", "G123"])
def test_channels(text: str) -> None:
    assert channel(text) == text


@pytest.mark.parametrize("text", ["a b", "C1,C2", "<#C1>", "x" * 81, "C12<!here>"])
def test_channels_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a channel"):
        channel(text)


def test_people() -> None:
    assert mentions("@here, U0123456789\nS0123456789 here") == ("here", "U0123456789", "S0123456789")
    for text in ("everyone", "@anna", "<!here>", "u0123"):
        with pytest.raises(ValueError, match="nobody's id"):
            mentions(text)


def test_names_of_outputs() -> None:
    assert outputs("Url, Web*\n*") == ("Url", "Web*", "*")
    with pytest.raises(ValueError, match="not the name"):
        outputs("a-b")
