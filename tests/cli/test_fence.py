"""A script asks between two stacks whether its lock is still held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.cli import USAGE
from deploy_action.locking.delegation import nonce_of
from deploy_action.locking.tokens import new_token

if TYPE_CHECKING:
    from tests.cli.desk import Desk


def test_a_lock_that_is_held(desk: Desk) -> None:
    desk.arrives("a")
    assert desk.run("fence", "--token", "a") == (0, "The lock prod is held (epoch 1).\n")


def test_the_token_of_a_lock_step_is_not_what_the_registry_holds(desk: Desk) -> None:
    token = new_token()
    desk.arrives(nonce_of(token))
    assert desk.run("fence", "--token", token) == (0, "The lock prod is held (epoch 1).\n")


def test_a_lock_that_was_taken_away_and_one_that_is_waited_for(desk: Desk) -> None:
    desk.arrives("a")
    desk.arrives("b")
    assert desk.run("fence", "--token", "b")[0] == 5
    desk.run("release", "prod", "--force", "--reason", "stuck", "--by", "ada")
    code, told = desk.run("fence", "--token", "a")
    assert code == 5
    assert 'Released by force by ada: "stuck".' in told


@pytest.mark.parametrize(("epoch", "code"), [("1", 0), ("2", 5)])
def test_a_command_knows_its_ticket_and_its_epoch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, epoch: str, code: int
) -> None:
    desk.arrives("a")
    monkeypatch.setenv("DEPLOY_COORDINATOR_TICKET", "a")
    monkeypatch.setenv("DEPLOY_COORDINATOR_EPOCH", epoch)
    assert desk.run("fence")[0] == code


def test_without_a_token_nobody_knows_which_lock_is_meant(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEPLOY_COORDINATOR_TICKET", raising=False)
    monkeypatch.delenv("DEPLOY_COORDINATOR_LOCK_TOKENS", raising=False)
    assert desk.run("fence")[0] == USAGE
