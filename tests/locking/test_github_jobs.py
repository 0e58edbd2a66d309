"""Whether the job behind a ticket lives, and what else GitHub says of a run, over real HTTP."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.errors import Cancelled
from deploy_action.locking.document import WHOLE_RUN, Ticket
from deploy_action.locking.github_jobs import LISTED_AFTER, REMEMBERED_MAX, GitHubRuns
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.review import Review
from tests.fakes.github.described import problems
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNING, COMPLETED, UNKNOWN = JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.UNKNOWN
SERVER = "https://github.com"
NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}


class Place:
    """A GitHub with one repository, and looks at it as the jobs of `org/app` have them."""

    def __init__(self, stack: ExitStack, server: GitHubServer) -> None:
        self.stack = stack
        self.server = server

    def open(self, token: str = "token", *, prefix: str = "", **options: Any) -> GitHubRuns:
        runs = GitHubRuns(token, "org/app", api_url=f"{self.server.url}{prefix}", **options)
        self.stack.callback(runs.close)
        return runs

    def job(self, number: int, **details: Any) -> None:
        self.server.state.jobs["org/app", number] = {"id": number, "run_id": 7, **details}

    def run(self, number: int = 7, **details: Any) -> None:
        self.server.state.runs["org/app", number] = {"id": number, **details}

    @property
    def paths(self) -> list[str]:
        return [request.target for request in self.server.requests]


@pytest.fixture
def place() -> Iterator[Place]:
    with ExitStack() as stack:
        server = stack.enter_context(GitHubServer(now=lambda: 1_000_000.0))
        yield Place(stack, server)
        assert problems(server.exchanges) == []


def ticket(**changes: str) -> Ticket:
    named = {"repository": "org/app", "run_id": "7", "run_attempt": "1", "job": "21", **changes}
    named.setdefault("url", f"{SERVER}/{named['repository']}/actions/runs/{named['run_id']}")
    return Ticket(nonce="n", correlation_id="c", locks=("production",), **named)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["queued", "in_progress", "waiting", "requested", "pending"])
def test_a_job_that_has_not_ended_lives(place: Place, status: str) -> None:
    place.job(21, status=status)
    assert place.open().life(ticket()) is RUNNING
    assert place.paths == ["/repos/org/app/actions/jobs/21"]


@pytest.mark.parametrize("conclusion", ["success", "failure", "cancelled", "timed_out", "skipped"])
def test_a_job_that_has_ended_is_completed_whatever_became_of_it(place: Place, conclusion: str) -> None:
    place.job(21, status="completed", conclusion=conclusion)
    place.run(status="in_progress")
    assert place.open().life(ticket()) is COMPLETED


@pytest.mark.parametrize(("status", "life"), [("in_progress", RUNNING), ("completed", COMPLETED)])
def test_without_a_job_id_the_attempt_is_asked(place: Place, status: str, life: JobStatus) -> None:
    place.run(status=status)
    assert place.open().life(ticket(job="deploy")) is life
    assert place.paths == ["/repos/org/app/actions/runs/7/attempts/1"]


def test_a_job_that_is_not_there_leaves_its_attempt(place: Place) -> None:
    place.run(status="completed")
    assert place.open().life(ticket()) is COMPLETED
    assert len(place.paths) == 2


def test_a_job_of_another_run_is_not_believed(place: Place) -> None:
    place.job(21, run_id=8, status="completed")
    place.run(status="in_progress")
    assert place.open().life(ticket()) is RUNNING


def test_a_job_of_another_attempt_is_not_believed(place: Place) -> None:
    place.job(21, run_attempt=1, status="completed")
    place.run(run_attempt=2, status="in_progress")
    assert place.open().life(ticket(run_attempt="2")) is RUNNING


def test_a_newer_attempt_does_not_make_an_older_one_look_alive(place: Place) -> None:
    place.run(run_attempt=2, status="in_progress")
    runs = place.open()
    assert runs.life(ticket(job="deploy", run_attempt="1")) is COMPLETED
    assert runs.life(ticket(job="deploy", run_attempt="2")) is RUNNING


def test_the_end_of_one_attempt_does_not_end_the_next(place: Place) -> None:
    place.run(run_attempt=1, status="completed")
    assert place.open().life(ticket(job="deploy", run_attempt="2")) is UNKNOWN


def test_without_an_attempt_the_run_is_not_asked_since_it_would_answer_for_its_newest(place: Place) -> None:
    place.run(run_attempt=2, status="completed")
    place.job(21, status="in_progress")
    runs = place.open()
    assert runs.life(ticket(job="deploy", run_attempt="")) is UNKNOWN
    assert place.paths == []
    assert runs.life(ticket(run_attempt="")) is RUNNING


def test_an_answer_about_another_attempt_is_not_believed(place: Place) -> None:
    answer = {"id": 7, "run_attempt": 2, "status": "completed"}
    place.server.fail("/attempts/1$", status=200, body=answer)
    assert place.open().life(ticket(job="deploy")) is UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "../../other/app/actions/runs/7"},
        {"run_id": "7/attempts/2?"},
        {"run_id": "7\n"},
        {"run_id": "-7"},
        {"run_id": "٧"},
        {"run_id": "7" * 40},
        {"run_id": ""},
        {"run_attempt": "1/../2"},
        {"run_attempt": "0"},
        {"repository": "org/app/../../user"},
        {"repository": "org/.."},
        {"repository": "org/."},
        {"repository": "../app"},
        {"repository": "org"},
        {"repository": "org/app\n"},
        {"repository": "org/app?x="},
        {"repository": "org/%2e%2e"},
        {"repository": ""},
        {"url": ""},
        {"url": "https://ghes.example.com/org/app/actions/runs/7"},
        {"url": "https://github.com.example.com/org/app/actions/runs/7"},
        {"url": "https://github.com@example.com/org/app/actions/runs/7"},
    ],
)
def test_what_is_no_run_of_this_server_is_never_asked_about(place: Place, changes: dict[str, str]) -> None:
    place.job(21, status="completed")
    place.run(status="completed")
    assert place.open().life(ticket(**changes)) is UNKNOWN
    assert place.paths == []


@pytest.mark.parametrize("job", ["../runs/7", "21/logs", "21?x", "٢١", "021", "deploy", ""])
def test_what_is_no_job_id_never_gets_into_a_request(place: Place, job: str) -> None:
    place.job(21, status="completed")
    place.run(status="in_progress")
    assert place.open().life(ticket(job=job)) is RUNNING
    assert place.paths == ["/repos/org/app/actions/runs/7/attempts/1"]


def test_an_enterprise_server(place: Place) -> None:
    place.run(status="completed")
    runs = place.open(prefix="/api/v3", server_url="https://ghes.example.com/")
    url = "https://ghes.example.com/org/app/actions/runs/7"
    assert runs.life(ticket(job="deploy", url=url)) is COMPLETED
    assert runs.life(ticket(job="deploy")) is UNKNOWN
    assert place.paths == ["/api/v3/repos/org/app/actions/runs/7/attempts/1"]


@pytest.mark.parametrize("job", ["21", "deploy"])
def test_without_permission_nothing_is_known_and_the_remedy_is(place: Place, job: str) -> None:
    place.server.state.tokens["blind"] = {"metadata": "read", "contents": "write"}
    place.job(21, status="completed")
    place.run(status="completed")
    runs = place.open("blind")
    assert runs.trouble == ""
    assert runs.life(ticket(job=job)) is UNKNOWN
    assert "add `permissions: actions: read`" in runs.trouble
    assert len(place.paths) == 1
    first = runs.trouble
    assert runs.life(ticket(repository="org/other")) is UNKNOWN
    assert runs.trouble == first


def test_a_repository_that_the_token_cannot_see(place: Place) -> None:
    runs = place.open()
    assert runs.life(ticket(repository="org/other")) is UNKNOWN
    assert "the runs of org/other" in runs.trouble
    assert "`github-token`" in runs.trouble
    assert len(place.paths) == 2


def test_a_run_of_our_own_that_was_deleted_is_no_permission_problem(place: Place) -> None:
    runs = place.open()
    assert runs.life(ticket()) is UNKNOWN
    assert runs.trouble == ""


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502, "body": "<html>bad gateway</html>"},
        {"status": 401, "body": {"message": "Bad credentials"}},
        {"status": 410, "body": NOT_FOUND},
        {"status": 422, "body": {"message": "no"}},
        {"kind": "drop"},
        {"kind": "hang", "seconds": 5},
        {"status": 200, "body": "<html>proxy</html>"},
        {"status": 200, "body": "[" * 100_000},
        {"status": 200, "body": b"\xff\xfe{"},
        {"status": 200},
        {"status": 200, "body": []},
        {"status": 200, "body": {"id": 21, "run_id": 7, "status": "frozen"}},
        {"status": 200, "body": {"id": 21, "run_id": 7, "status": ["completed"]}},
        {"status": 200, "body": {"id": 21, "run_id": 7, "status": None}},
        {"status": 200, "body": {"status": "completed"}},
        {"status": 200, "body": {"id": "7", "run_id": "7", "status": "completed"}},
        {"status": 302, "headers": {"location": "https://example.invalid/"}},
        {"status": 301, "headers": {"location": "/repos/org/app/actions/jobs/21"}},
        {"status": 304},
    ],
)
def test_whatever_else_comes_back_says_nothing(place: Place, fault: dict[str, Any]) -> None:
    place.job(21, status="completed")
    place.run(status="completed")
    place.server.fail(times=None, **fault)
    assert place.open(timeout=1).life(ticket()) is UNKNOWN


def test_a_rate_limit_says_nothing_and_is_no_lasting_trouble(place: Place) -> None:
    place.job(21, status="completed")
    place.server.limit_rate()
    runs = place.open()
    assert runs.life(ticket()) is UNKNOWN
    assert (len(place.paths), runs.trouble) == (1, "")
    place.server.clear_faults()
    assert runs.life(ticket()) is COMPLETED


def test_a_failing_server_is_asked_once(place: Place) -> None:
    place.server.fail(times=None)
    place.open().life(ticket())
    assert len(place.paths) == 1


def test_a_cancelled_job_does_not_wait_for_an_answer(place: Place) -> None:
    def cancel(_signal: int, _frame: object) -> None:
        raise Cancelled("The job was cancelled.")

    place.server.fail(kind="hang", seconds=5)
    before = signal.signal(signal.SIGALRM, cancel)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Cancelled):
            place.open().life(ticket())
    finally:
        signal.signal(signal.SIGALRM, before)


def test_looking_again_is_free_until_something_changes(place: Place) -> None:
    place.job(21, status="in_progress")
    runs = place.open()
    assert runs.life(ticket()) is RUNNING
    cost = place.server.cost
    assert [runs.life(ticket()) for _ in range(3)] == [RUNNING] * 3
    assert place.server.cost == cost
    place.job(21, status="completed")
    assert runs.life(ticket()) is COMPLETED


def test_many_that_ended_are_listed_with_one_request(place: Place) -> None:
    runs = place.open()
    for number in range(10, 40):
        place.run(number, status="completed", run_attempt=2)
    place.run(40, status="in_progress", run_attempt=2)
    tickets = [ticket(run_id=str(number), run_attempt="2", job="") for number in range(10, 41)]
    assert [runs.life(one) for one in tickets] == [COMPLETED] * 30 + [RUNNING]
    listed = [path for path in place.paths if "/actions/runs?" in path]
    assert (len(place.paths), len(listed)) == (LISTED_AFTER + 1 + 1, 1)


def test_the_list_says_nothing_about_an_attempt_that_came_after_it(place: Place) -> None:
    runs = place.open()
    for number in range(10, 14):
        place.run(number, status="completed")
    assert [runs.life(ticket(run_id=str(number), job="")) for number in range(10, 14)] == [COMPLETED] * 4
    place.run(13, status="in_progress", run_attempt=2)
    assert runs.life(ticket(run_id="13", run_attempt="2", job="")) is RUNNING
    assert runs.life(ticket(run_id="13", run_attempt="1", job="")) is COMPLETED


@pytest.mark.parametrize("body", [{}, [], {"workflow_runs": None}, {"workflow_runs": [None, {"id": "13"}]}])
def test_a_list_that_is_none_says_nothing(place: Place, body: object) -> None:
    runs = place.open()
    for number in range(10, 13):
        place.run(number, status="completed")
    place.run(13, status="in_progress")
    place.server.fail(r"/actions/runs\?status", times=1, status=200, body=body)
    assert [runs.life(ticket(run_id=str(number), job="")) for number in range(10, 13)] == [COMPLETED] * 3
    assert runs.life(ticket(run_id="13", job="")) is RUNNING
    place.server.exchanges.clear()


def test_what_is_remembered_is_bounded(place: Place) -> None:
    runs = place.open()
    for number in range(1, REMEMBERED_MAX + 20):
        place.job(number, status="completed")
        assert runs.life(ticket(job=str(number))) is COMPLETED
    assert len(runs._seen) == REMEMBERED_MAX


def test_the_groups_of_a_run(place: Place) -> None:
    place.run()
    runs = place.open()
    assert runs.concurrency_groups("7") == ()
    place.server.state.groups["org/app", "deploy"] = [7, 8]
    assert runs.concurrency_groups("7") == ("deploy",)


@pytest.mark.parametrize("run_id", ["", "x", "../7", "7/../8"])
def test_groups_of_what_is_no_run(place: Place, run_id: str) -> None:
    assert place.open().concurrency_groups(run_id) is None
    assert place.paths == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404, "body": NOT_FOUND},
        {"status": 403, "body": {"message": "Resource not accessible by integration"}},
        {"status": 500},
        {"kind": "drop"},
        {"status": 200, "body": {"concurrency_groups": {}}},
        {"status": 200, "body": {"concurrency_groups": [1]}},
        {"status": 200, "body": {"concurrency_groups": [{"group_name": None}]}},
        {"status": 200, "body": {}},
    ],
)
def test_groups_that_cannot_be_read_are_not_known(place: Place, fault: dict[str, Any]) -> None:
    place.run()
    place.server.fail(times=None, **fault)
    assert place.open().concurrency_groups("7") is None
    assert len(place.paths) == 1


PATH = ".github/workflows/deploy now.yml"


def commit(place: Place, content: bytes) -> str:
    repository = place.server.repository
    tree = repository.add_tree({PATH: repository.add_blob(content)})
    return repository.add_commit(tree, (), "m", 0.0)


def test_the_workflow_file_is_that_of_the_commit(place: Place) -> None:
    old, new = commit(place, b"on: push\n"), commit(place, "name: Wörk\n".encode())
    runs = place.open()
    assert runs.workflow_text(PATH, old) == "on: push\n"
    assert runs.workflow_text(PATH, new) == "name: Wörk\n"


@pytest.mark.parametrize("content", [b"a" * 1_000_001, b"\xff\xfe\xfd"])
def test_a_file_that_is_no_text_or_too_large(place: Place, content: bytes) -> None:
    assert place.open().workflow_text(PATH, commit(place, content)) is None


@pytest.mark.parametrize(
    ("path", "ref"), [("", "0" * 40), (PATH, ""), (PATH, "main"), (PATH, f"{'0' * 40}&x=")]
)
def test_a_file_that_cannot_be_named_is_not_asked_for(place: Place, path: str, ref: str) -> None:
    assert place.open().workflow_text(path, ref) is None
    assert place.paths == []


@pytest.mark.parametrize(
    "body", [[], {"encoding": "base64"}, {"encoding": "base64", "content": "é"}, {"content": "eA=="}]
)
def test_an_answer_that_is_no_file(place: Place, body: object) -> None:
    place.server.fail(status=200, body=body)
    assert place.open().workflow_text(PATH, "0" * 40) is None


def test_a_file_that_may_not_be_read_is_no_trouble_with_runs(place: Place) -> None:
    place.server.state.tokens["blind"] = {"metadata": "read"}
    runs = place.open("blind")
    assert runs.workflow_text(PATH, "0" * 40) is None
    assert runs.trouble == ""


class TestCommits:
    """How two commits stand to each other."""

    def commits(self, place: Place) -> list[str]:
        repository = place.server.state.repositories["org/app"]
        tree = repository.add_tree({})
        made: list[str] = []
        for parents in ((), (0,), (1,), (0,)):
            made.append(repository.add_commit(tree, tuple(made[one] for one in parents), f"{len(made)}", 0.0))
        return made

    @pytest.mark.parametrize(
        ("base", "head", "standing"),
        [(0, 2, "ahead"), (2, 0, "behind"), (1, 1, "identical"), (2, 3, "diverged")],
    )
    def test_they_are_compared_by_github(self, place: Place, base: int, head: int, standing: str) -> None:
        made = self.commits(place)
        assert place.open().compare(made[base], made[head]) == standing
        assert place.paths == [f"/repos/org/app/compare/{made[base]}...{made[head]}?page=2&per_page=1"]

    def test_without_an_answer_nothing_is_made_up(self, place: Place) -> None:
        made = self.commits(place)
        assert place.open().compare(made[0], "0" * 40) == ""
        place.server.state.tokens["weak"] = {"actions": "read"}
        assert place.open("weak").compare(made[0], made[1]) == ""

    @pytest.mark.parametrize("text", ["", "main", "../../x", "0" * 39, "é" * 40])
    def test_what_is_no_commit_gets_into_no_request(self, place: Place, text: str) -> None:
        assert place.open().compare(text, "0" * 40) == place.open().compare("0" * 40, text) == ""
        assert place.paths == []


def test_a_job_is_named_as_its_page_shows_it(place: Place) -> None:
    place.job(21, name="production / deploy (eu)")
    assert place.open().job_name("21") == "production / deploy (eu)"
    assert place.open().job_name("22") == place.open().job_name("") == place.open().job_name("x") == ""


class TestReviews:
    RUN = ticket(job=WHOLE_RUN)

    def test_a_run_whose_jobs_all_wait_or_are_done_is_idle(self, place: Place) -> None:
        place.run(status="waiting")
        place.job(21, status="completed")
        place.job(22, status="waiting", created_at="2027-01-15T08:30:00Z")
        place.job(23, status="waiting", created_at="2027-01-15T08:10:00Z")
        review = place.open().review(self.RUN)
        assert review == Review(idle=True, since="2027-01-15T08:10:00Z", url=self.RUN.url)
        assert len(place.paths) == 2

    @pytest.mark.parametrize("status", ["queued", "in_progress", "requested", "pending"])
    def test_a_run_with_a_job_that_is_not_done_is_not_idle(self, place: Place, status: str) -> None:
        place.run(status="waiting")
        place.job(21, status=status)
        place.job(22, status="waiting")
        review = place.open().review(self.RUN)
        assert review is not None
        assert not review.idle

    def test_a_run_that_does_not_wait_costs_one_request(self, place: Place) -> None:
        place.run(status="in_progress")
        place.job(22, status="waiting")
        assert place.open().review(self.RUN) is None
        assert len(place.paths) == 1

    def test_a_run_whose_jobs_cannot_all_be_seen_is_not_idle(self, place: Place) -> None:
        place.run(status="waiting")
        for number in range(22, 22 + 120):
            place.job(number, status="waiting")
        review = place.open().review(self.RUN)
        assert review is not None
        assert not review.idle

    @pytest.mark.parametrize(
        "of", [{"job": "21"}, {"run_attempt": ""}, {"url": "https://elsewhere.invalid/"}]
    )
    def test_nothing_is_asked_of_what_is_no_run(self, place: Place, of: dict[str, str]) -> None:
        assert place.open().review(ticket(**{"job": WHOLE_RUN, **of})) is None
        assert place.paths == []

    def test_jobs_that_cannot_be_read_say_nothing(self, place: Place) -> None:
        place.run(status="waiting")
        place.job(22, status="waiting")
        place.server.fail("/jobs", times=None, status=500)
        assert place.open().review(self.RUN) is None
