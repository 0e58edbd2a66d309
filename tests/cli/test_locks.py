"""What operators do from their shell."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy_action import cli
from deploy_action.cli.app import COMMANDS
from deploy_action.cli.text import history as past
from deploy_action.cli.text import tables
from deploy_action.locking.document import Document, Ticket
from deploy_action.main import run
from tests.clock import VirtualClock
from tests.fakes.github.server import GitHubServer
from tests.fakes.http import FakeServer, Request, Response

if TYPE_CHECKING:
    from tests.cli.desk import Desk

ROOT = Path(__file__).parents[2]


def test_an_empty_registry(desk: Desk) -> None:
    assert desk.run("active") == (0, "No deployment holds or waits for a lock.\n")


def test_who_holds_and_who_waits(desk: Desk) -> None:
    desk.arrives("a", actor="ada", url="https://run/1")
    desk.arrives("b", actor="grace")
    code, told = desk.run("active")
    assert code == 0
    head, first, second = told.splitlines()
    assert head.split() == ["STATE", "LOCKS", "STACKS", "DEPLOYMENT", "BY", "SINCE", "RUN"]
    assert first.split()[:5] == ["holds", "prod", "eu-west-1/shop", "id-a", "ada"]
    assert first.split()[-1] == "https://run/1"
    assert second.split()[:5] == ["waits", "prod", "eu-west-1/shop", "id-b", "grace"]


def test_times_are_this_machines_and_name_their_zone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        desk.arrives("a")
        assert " 2027-01-15 09:00:00 CET" in desk.run("active")[1]
        assert " 2027-01-15T08:00:00Z" in desk.run("active", "--utc")[1]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_queue_is_that_of_the_deployments(desk: Desk) -> None:
    assert desk.run("queue") == (0, "No deployment waits for a lock.\n")
    for nonce in "abc":
        desk.arrives(nonce, actor="ada")
    code, told = desk.run("queue", "Prod")
    assert code == 0
    _, second, third = told.splitlines()
    assert second.split()[:4] == ["2", "prod", "id-b", "ada"]
    assert third.split()[0] == "3"
    assert "id-a, id-b" in third
    found = json.loads(desk.run("queue", "--json")[1])
    assert [(one["correlation_id"], one["ahead"]) for one in found] == [
        ("id-b", ["id-a"]),
        ("id-c", ["id-a", "id-b"]),
    ]
    assert desk.run("queue", "other") == (0, "No deployment waits for a lock.\n")


def test_the_old_name_of_slacks_queue_still_works_and_tells_the_new_one(desk: Desk) -> None:
    code, told = desk.run("queue", "list")
    assert (code, told) == (0, "No messages are left over.\n`queue list` is `slack-queue list` now.\n")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("histroy", "history"), ("status", "active"), ("unlock", "release"), ("frezze", "freeze")],
)
def test_a_slip_is_told_what_was_meant(desk: Desk, word: str, meant: str) -> None:
    code, told = desk.run(word)
    assert (code, f"There is no command `{word}`. Did you mean `{meant}`?" in told) == (cli.USAGE, True)


def test_a_table_fits_its_terminal() -> None:
    rows = [("holds", "production", "eu-west-1/" + "x" * 60, "https://run/1"), ("waits", "p", "y", "")]
    lines = tables.table(("STATE", "LOCKS", "STACKS", "RUN"), rows, width=70)
    assert max(map(len, lines)) == 70
    assert "…" in lines[1]
    assert lines[1].endswith("https://run/1")
    assert max(map(len, tables.table(("STATE", "LOCKS", "STACKS", "RUN"), rows))) == 104


ID = "20270115-080000-a1b2c3"
RUN = "https://github.com/org/app/actions/runs/12345678901"
AT_80 = Document(
    tickets=(
        Ticket(
            "a",
            ID,
            ("production",),
            stacks=("eu-west-1/shop-api", "eu-west-1/shop-web"),
            epochs=(("production", 1),),
            actor="ada",
            held_since="2027-01-15T08:00:00Z",
            expected_end="2027-01-15T08:09:00Z",
            url=RUN,
        ),
        Ticket(
            "b",
            ID[:-1] + "4",
            ("production",),
            actor="grace-of-the-platform",
            requested_at="2027-01-15T08:00:01Z",
            url=RUN,
        ),
    )
)
PAST_AT_80 = {
    "correlation_id": ID,
    "environment": "production",
    "stacks": ["eu-west-1/shop-api", "eu-west-1/shop-web"],
    "outcome": "rolled-back",
    "released_at": "2027-01-15T08:00:00Z",
    "duration_seconds": 4250,
    "queue_seconds": 30,
    "actor": "grace-of-the-platform",
    "estimate": {"low": 200, "mid": 240, "high": 280, "basis": "the same resources", "samples": 4},
}


@pytest.mark.parametrize("utc", [True, False])
def test_a_narrow_terminal_cuts_no_id_no_outcome_and_no_time(
    utc: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "terminal_width", lambda: 80)

    def shown(time: str) -> str:
        return tables.shown_time(time, utc=utc)

    waiter = AT_80.tickets[1]
    listed = {
        "active": tables.active(AT_80, at="2027-01-15T08:00:02Z", utc=utc),
        "queue": tables.queue([waiter], {"b": [ID]}, utc=utc),
        "history": past.listing([PAST_AT_80], utc=utc),
    }
    for lines in listed.values():
        assert max(map(len, lines)) <= 80, lines
        assert "https:" not in "".join(lines).replace(RUN, "")
    _, holder, second = listed["active"]
    assert [holder.count(one) for one in ("holds", ID, shown("2027-01-15T08:00:00Z"))] == [1, 1, 1]
    assert [second.count(one) for one in ("waits", ID[:-1], shown("2027-01-15T08:00:01Z"))] == [1, 1, 1]
    assert listed["queue"][1].startswith("2 ")
    assert [listed["queue"][1].count(one) for one in (ID[:-1] + "4", shown("2027-01-15T08:00:01Z"))] == [1, 1]
    assert [
        listed["history"][1].count(one) for one in (ID, "rolled-back", shown("2027-01-15T08:00:00Z"))
    ] == [1, 1, 1]


def test_the_whole_document_for_machines(desk: Desk) -> None:
    desk.arrives("a")
    code, told = desk.run("active", "--json")
    assert code == 0
    assert json.loads(told)["tickets"][0]["nonce"] == "a"


def test_a_freeze_with_an_end_and_its_lifting(desk: Desk) -> None:
    code, told = desk.run("freeze", "prod", "test", "--reason", "month end", "--by", "ada", "--for", "90m")
    assert (code, told.splitlines()[0]) == (0, "Frozen until 2027-01-15 09:30:00 UTC: prod, test.")
    assert "prod is frozen by ada until 2027-01-15 09:30:00 UTC: month end" in desk.run("active")[1]
    code, told = desk.run("unfreeze", "prod", "nothing", "--reason", "done", "--by", "grace")
    assert (code, told) == (0, "Lifted: prod.\nNo freeze lies on: nothing.\n")
    assert desk.run("unfreeze", "prod", "--reason", "done") == (
        cli.NOT_FOUND,
        "No freeze lies on: prod.\n",
    )
    assert [(entry.action, entry.by, entry.locks) for entry in desk.document.audit] == [
        ("freeze", "ada", ("prod", "test")),
        ("unfreeze", "grace", ("prod",)),
    ]


@pytest.mark.parametrize(
    ("until", "kept"),
    [
        ("2027-01-16T09:00:00+01:00", "2027-01-16T08:00:00Z"),
        ("2027-01-16", "2027-01-16T00:00:00Z"),
    ],
)
def test_an_end_is_kept_in_utc(desk: Desk, until: str, kept: str) -> None:
    desk.run("freeze", "prod", "--reason", "x", "--until", until)
    freeze = desk.document.locks["prod"].freeze
    assert freeze is not None
    assert freeze.until == kept


def test_a_freeze_says_who_goes_on_and_what_may_be_a_slip(desk: Desk) -> None:
    desk.arrives("a")
    _, told = desk.run("freeze", "prod", "prodution", "--reason", "x")
    assert "Deployment id-a holds prod and goes on." in told
    assert "No deployment has used the lock prodution yet. Known: prod." in told


def test_a_freeze_says_which_one_it_replaces(desk: Desk) -> None:
    desk.run("freeze", "prod", "--reason", "audit", "--by", "ada", "--for", "90m")
    desk.run("freeze", "test", "--reason", "short", "--by", "ada", "--for", "1m")
    _, told = desk.run(
        "freeze", "Prod", "test", "new", "--reason", "month end", "--by", "grace", "--for", "1h"
    )
    assert "Replaces the freeze of Prod by ada until 2027-01-15 09:30:00 UTC: audit.\n" in told
    assert "Replaces the freeze of test by ada until 2027-01-15 08:01:00 UTC: short.\n" in told
    assert "freeze of new" not in told
    assert "used the lock Prod yet" not in told
    desk.clock.sleep(3601)
    assert "Replaces" not in desk.run("freeze", "prod", "test", "--reason", "x")[1]
    assert "Replaces the freeze of prod by " in desk.run("freeze", "prod", "--reason", "y")[1]


def test_one_of_several_readers_is_released_by_force_and_the_others_are_named(desk: Desk) -> None:
    for nonce in ("a", "b"):
        desk.arrives(nonce, shared=("prod",), stacks=(f"eu-west-1/{nonce}",))
    assert "prod:read" in desk.run("active")[1]
    code, told = desk.run("release", "prod", "--force", "--holder", "id-b", "--reason", "x")
    assert code == 0
    assert "Took prod away from id-b" in told
    assert "Others still read under prod: id-a. Each is released by itself." in told
    assert [ticket.nonce for ticket in desk.document.tickets] == ["a"]


def test_a_freeze_that_lets_somebody_deploy(desk: Desk) -> None:
    words = ("--reason", "release week", "--by", "ada")
    code, told = desk.run("freeze", "prod", "--allow", "ann", "--allow", "hotfix.yml", *words)
    assert (code, told.splitlines()[0]) == (
        0,
        "Frozen until somebody lifts it, for all but ann, hotfix.yml: prod.",
    )
    desk.arrives("a", actor="bob")
    desk.arrives("b", actor="Ann")
    active = desk.run("active")[1]
    assert [line.split()[0] for line in active.splitlines()[1:3]] == ["holds", "waits"]
    assert (
        "prod is frozen by ada until somebody lifts it, for all but ann, hotfix.yml: release week" in active
    )
    assert desk.document.audit[0].detail == "until it is lifted, for all but ann, hotfix.yml"


class Teams(FakeServer):
    """`GET /orgs/{org}/teams/{team_slug}/members`, in pages of a hundred, for whoever has `read:org`."""

    members = tuple(f"dev-{number}" for number in range(130))

    def respond(self, request: Request) -> Response:
        if " org" not in request.headers["authorization"]:
            return Response(404, {"message": "Not Found"})
        if request.path != "/orgs/acme/teams/platform/members":
            return Response(404, {"message": "Not Found"})
        first = (int(request.query["page"]) - 1) * 100
        return Response(200, [{"login": name} for name in self.members[first : first + 100]])


def test_a_freeze_lets_the_members_of_a_team_deploy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("freeze", "prod", "--allow", "@acme/platform", "--reason", "release week")
    code, told = desk.run(*words)
    assert (code, "a token with `read:org` is needed" in told) == (cli.USAGE, True)
    with Teams() as github:
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("GITHUB_TOKEN", "job")
        code, told = desk.run(*words)
        assert (code, "does not say who is in it (404 Not Found)" in told) == (cli.USAGE, True)
        assert desk.store.read().document is None
        monkeypatch.setenv("GITHUB_TOKEN", "org")
        assert desk.run(*words)[0] == 0
    freeze = desk.document.locks["prod"].freeze
    assert freeze is not None
    assert freeze.allow == Teams.members


def test_a_deployment_is_promoted(desk: Desk) -> None:
    for nonce in "abc":
        desk.arrives(nonce)
    why = ("--reason", "login is broken", "--by", "ada")
    assert desk.run("promote", "id-c", *why) == (0, "Promoted id-c. Ahead of it: id-a.\n")
    assert [ticket.nonce for ticket in desk.document.tickets] == ["a", "c", "b"]
    assert desk.run("promote", "id-c", *why) == (0, "Nobody to pass for id-c. Ahead of it: id-a.\n")
    assert desk.run("promote", "id-a", *why)[0] == cli.NOT_FOUND
    assert desk.run("promote", "id-x", *why)[0] == cli.NOT_FOUND
    (entry,) = desk.document.audit
    assert (entry.by, entry.action, entry.reason) == ("ada", "promote", "login is broken")


@pytest.mark.parametrize(
    "words",
    [
        ("freeze", "prod"),
        ("freeze", "prod", "--reason", "x", "--allow", "two words"),
        ("promote", "id-a"),
        ("freeze", "prod", "--reason", " "),
        ("freeze", "prod", "--reason", "x", "--until", "soon"),
        ("freeze", "prod", "--reason", "x", "--until", "2020-01-01T00:00:00Z"),
        ("freeze", "prod", "--reason", "x", "--for", "0h"),
        ("freeze", "prod", "--reason", "x", "--for", "1h", "--until", "2028-01-01"),
        ("freeze", "prod\u202e1", "--reason", "x"),
        ("release", "prod", "--reason", "x"),
        ("release", "prod", "--force"),
        ("dance",),
        (),
    ],
)
def test_wrong_words_change_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.run(*words)[0] == cli.USAGE
    assert desk.store.read().document is None


def test_a_lock_is_freed_by_force_and_the_audit_names_who_did_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "ada")
    desk.arrives("a", url="https://run/1")
    desk.arrives("b")
    code, told = desk.run("release", "prod", "--force", "--reason", "runner is gone")
    assert code == 0
    assert "Took prod away from id-a (https://run/1)" in told
    assert "waits until eu-west-1/shop is at rest" in told
    assert [ticket.nonce for ticket in desk.document.tickets] == ["b"]
    assert (desk.document.audit[-1].by, desk.document.audit[-1].reason) == ("ada", "runner is gone")
    code, told = desk.run("release", "prod", "--force", "--reason", "x")
    assert (code, "Waiting for it: 1" in told) == (cli.NOT_FOUND, True)
    assert (
        "Took id-b (no link) out of the queue for prod."
        in desk.run("release", "id-b", "--force", "--reason", "x")[1]
    )
    assert desk.document.tickets == ()


def test_a_lock_that_nobody_holds_cannot_be_freed(desk: Desk) -> None:
    code, told = desk.run("release", "prod", "--force", "--reason", "x")
    assert code == cli.NOT_FOUND
    assert "No deployment holds the lock prod" in told


def test_a_registry_that_cannot_be_read_is_told_and_left_alone(desk: Desk) -> None:
    desk.store.swap(b"{half", desk.store.read().version, message="test")
    for words in (("active",), ("freeze", "prod", "--reason", "x")):
        code, told = desk.run(*words)
        assert code == cli.REGISTRY
        assert "not JSON" in told
    assert desk.store.read().document == b"{half"


def test_what_stands_in_a_registry_writes_nothing_of_its_own_on_a_terminal(desk: Desk) -> None:
    desk.arrives("a", actor="\x1b[2J\nholds  evil", url="\x07x")
    told = desk.run("active")[1]
    assert "\x1b" not in told
    assert "\x07" not in told
    assert len(told.splitlines()) == 2


def test_a_branch_of_a_repository(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "give --repository" in desk.run("active", registry="github")[1]
    monkeypatch.setenv("GITHUB_REPOSITORY", "https://github.com/org/app")
    assert "is not OWNER/NAME" in desk.run("active", registry="github")[1]
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/app")
    assert "needs a token" in desk.run("active", registry="github")[1]
    with GitHubServer() as server:
        monkeypatch.setenv("GITHUB_TOKEN", "token")
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        assert desk.run("freeze", "prod", "--reason", "x", "--by", "ada", registry="github")[0] == 0
        assert "prod is frozen by ada" in desk.run("active", registry="github")[1]
        head = server.repository.head("refs/heads/deploy-registry")
        assert head is not None
        assert server.repository.commits[head].message.startswith("freeze prod by ada")


def test_the_entry_point_takes_commands_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "entrypoint.py"), "active", "--registry", f"file://{tmp_path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "No deployment holds or waits for a lock.\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_what_it_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"], VirtualClock()) == 0
    assert "Usage: deploy-coordinator" in capsys.readouterr().out


def test_the_list_of_commands_imports_none_of_them(tmp_path: Path) -> None:
    code = (
        "import sys; from deploy_action import cli; cli.main(['--help'], None);"
        "print([n for n in sys.modules if n.startswith('deploy_action.cli.')], 'boto3' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.splitlines()[-1] == "['deploy_action.cli.app'] False"
    assert all(name in told.stdout for name in COMMANDS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_words_are_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell], VirtualClock()) == 0
    assert "_DEPLOY_COORDINATOR_COMPLETE" in capsys.readouterr().out


def test_completion_knows_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    told = subprocess.run(
        [sys.executable, "-I", str(ROOT / "entrypoint.py")],
        capture_output=True,
        text=True,
        check=False,
        env={
            "_DEPLOY_COORDINATOR_COMPLETE": "bash_complete",
            "COMP_WORDS": "deploy-coordinator fr",
            "COMP_CWORD": "1",
        },
    )
    assert told.stdout.strip() == "plain,freeze"


def test_without_words_the_command_release_is_not_the_step_release(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["deploy-coordinator", "release"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 64
    assert "Usage: deploy-coordinator release" in capsys.readouterr().err


def test_a_lock_is_taken_only_from_the_holder_that_was_seen(desk: Desk) -> None:
    desk.arrives("a")
    words = ("release", "prod", "--force", "--reason", "stuck", "--by", "ada")
    code, told = desk.run(*words, "--holder", "id-gone")
    assert (code, told) == (cli.NOT_FOUND, "Deployment id-a holds prod by now, not id-gone: left as it is.\n")
    assert desk.document.holder_of("prod") is not None
    assert desk.run(*words, "--holder", "id-a")[0] == 0
    assert desk.document.holder_of("prod") is None
