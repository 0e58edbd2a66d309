"""One deployment among many is named by what it deploys and where."""

from __future__ import annotations

import pytest

from deploy_action.reporting.subject import subject


@pytest.mark.parametrize(
    ("stacks", "environment", "named"),
    [
        (["shop"], "production", "shop → production"),
        (["shop", "shop"], "", "shop"),
        ([], "production", "production"),
        (["a", "b", "c"], "test", "a, b, c → test"),
        (["a", "b", "c", "d"], "test", "a, b and 2 more → test"),
        ([], "", ""),
        (["sh\x1b[31mop\nx"], "p\r\nq", "shop x → p q"),
    ],
)
def test_stacks_point_at_the_environment(stacks: list[str], environment: str, named: str) -> None:
    assert subject(stacks, environment) == named
