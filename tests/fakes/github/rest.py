"""The REST calls that the fake answers: one method a call, found by path pattern."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.fakes.github import shapes
from tests.fakes.github.state import Refused, State
from tests.fakes.http import Request, Response

if TYPE_CHECKING:
    from tests.fakes.github.objects import Repository

DOCS = "https://docs.github.com/rest"


class Call(NamedTuple):
    """One request to one repository. `url` is the repository's own."""

    request: Request
    repository: Repository
    url: str
    base: str
    state: State

    @property
    def horizon(self) -> float:
        """Reads show what was true at this Unix time."""
        return self.state.now() - self.state.lag


Handler = Callable[..., Response]
ROUTES: list[tuple[str, re.Pattern[str], str, Handler]] = []


def route(method: str, pattern: str, permission: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(pattern), permission, handler))
        return handler

    return register


def respond(request: Request, path: str, base: str, state: State, token: str) -> Response:
    found = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", path)
    repository = state.find(token, found[1]) if found else None
    if found is None or repository is None:
        return refusal(404, "Not Found")
    for method, pattern, permission, handler in ROUTES:
        match = pattern.fullmatch(found[2] or "")
        if match and method == request.method:
            if not state.allows(token, permission):
                return refusal(403, "Resource not accessible by integration")
            call = Call(request, repository, f"{base}/repos/{repository.name}", base, state)
            try:
                return handler(call, *match.groups())
            except Refused as error:
                return refusal(error.status, str(error))
    return refusal(404, "Not Found")


def refusal(status: int, message: str) -> Response:
    return Response(status, {"message": message, "documentation_url": DOCS, "status": str(status)})


@route("GET", "", "metadata:read")
def get_repository(call: Call) -> Response:
    return Response(200, shapes.repository(call.base, call.repository))


@route("GET", r"/git/ref/(.+)", "contents:read")
def get_ref(call: Call, name: str) -> Response:
    if not call.repository.commits:
        return refusal(409, "Git Repository is empty.")
    sha = call.repository.head(f"refs/{name}", call.horizon)
    return Response(200, shapes.git_ref(call.url, f"refs/{name}", sha)) if sha else refusal(404, "Not Found")


@route("POST", "/git/refs", "contents:write")
def create_ref(call: Call) -> Response:
    ref, sha = str(call.request.json.get("ref")), call.request.json.get("sha")
    if not re.fullmatch(r"refs/[^/]+/.+", ref):
        return refusal(422, f"{ref} is not a valid ref name.")
    if sha not in call.repository.commits:
        return refusal(422, "Object does not exist")
    if call.repository.head(ref):
        return refusal(422, "Reference already exists")
    call.state.check_rules(ref, "creation")
    call.repository.move(ref, sha, call.state.now())
    return Response(201, shapes.git_ref(call.url, ref, sha))


@route("PATCH", r"/git/refs/(.+)", "contents:write")
def update_ref(call: Call, name: str) -> Response:
    ref, sha = f"refs/{name}", str(call.request.json.get("sha"))
    head = call.repository.head(ref)
    if head is None:
        return refusal(422, "Reference does not exist")
    if sha not in call.repository.commits:
        return refusal(422, "Object does not exist")
    if not call.request.json.get("force") and not _descends(call.repository, sha, head):
        return refusal(422, "Update is not a fast forward")
    call.state.check_rules(ref, "update")
    call.repository.move(ref, sha, call.state.now())
    return Response(200, shapes.git_ref(call.url, ref, sha))


@route("POST", "/git/blobs", "contents:write")
def create_blob(call: Call) -> Response:
    if not call.repository.commits:
        return refusal(409, "Git Repository is empty.")
    given = str(call.request.json["content"])
    is_base64 = call.request.json.get("encoding") == "base64"
    sha = call.repository.add_blob(base64.b64decode(given) if is_base64 else given.encode())
    return Response(201, {"sha": sha, "url": f"{call.url}/git/blobs/{sha}"})


@route("GET", r"/git/blobs/(\w+)", "contents:read")
def get_blob(call: Call, sha: str) -> Response:
    content = call.repository.blobs.get(sha)
    if content is None:
        return refusal(404, "Not Found")
    return Response(200, shapes.git_blob(call.url, sha, content))


@route("POST", "/git/trees", "contents:write")
def create_tree(call: Call) -> Response:
    files = dict(call.repository.trees.get(call.request.json.get("base_tree", ""), {}))
    for entry in call.request.json["tree"]:
        blob = call.repository.add_blob(entry["content"].encode()) if "content" in entry else entry["sha"]
        if blob is None:
            files.pop(entry["path"], None)
        elif blob not in call.repository.blobs:
            return refusal(422, f"tree.sha {blob} is not a valid blob")
        else:
            files[entry["path"]] = blob
    sha = call.repository.add_tree(files)
    return Response(201, shapes.git_tree(call.url, call.repository, sha))


@route("GET", r"/git/trees/(\w+)", "contents:read")
def get_tree(call: Call, sha: str) -> Response:
    commit = call.repository.commits.get(sha)
    if commit and commit.seconds > call.horizon:
        commit = None
    tree = commit.tree if commit else sha
    if tree not in call.repository.trees:
        return refusal(404, "Not Found")
    return Response(200, shapes.git_tree(call.url, call.repository, tree))


@route("POST", "/git/commits", "contents:write")
def create_commit(call: Call) -> Response:
    given = call.request.json
    parents = tuple(given.get("parents", ()))
    if given["tree"] not in call.repository.trees:
        return refusal(422, "Tree SHA does not exist")
    if any(parent not in call.repository.commits for parent in parents):
        return refusal(422, "Parent SHA does not exist or is not a commit object")
    sha = call.repository.add_commit(given["tree"], parents, given["message"], call.state.now())
    return Response(201, shapes.git_commit(call.url, call.repository.commits[sha]))


@route("GET", r"/git/commits/(\w+)", "contents:read")
def get_commit(call: Call, sha: str) -> Response:
    commit = call.repository.commits.get(sha)
    return Response(200, shapes.git_commit(call.url, commit)) if commit else refusal(404, "Not Found")


@route("GET", r"/contents/(.+)", "contents:read")
def get_contents(call: Call, path: str) -> Response:
    ref = call.request.query.get("ref", call.repository.default_branch)
    sha = call.repository.head(f"refs/heads/{ref}", call.horizon) or ref
    commit = call.repository.commits.get(sha)
    if commit is None or commit.seconds > call.horizon:
        return refusal(404, f"No commit found for the ref {ref}")
    files = call.repository.files(sha)
    if path in files:
        content = call.repository.blobs[files[path]]
        return Response(200, shapes.content_file(call.url, path, ref, files[path], content))
    folder: list[Any] = shapes.content_folder(call.url, path, ref, files)
    return Response(200, folder) if folder else refusal(404, "Not Found")


@route("GET", r"/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)", "contents:read")
def compare(call: Call, base: str, head: str) -> Response:
    """By first parents, as all commits here are made. Only the first page lists files."""
    commits = call.repository.commits
    if base not in commits or head not in commits:
        return refusal(404, "Not Found")
    lines = [_ancestors(call.repository, one) for one in (base, head)]
    common = next(sha for sha in lines[0] if sha in lines[1])
    behind, ahead = (line.index(common) for line in lines)
    return Response(200, shapes.comparison(call.url, commits[base], commits[common], ahead, behind))


def _ancestors(repository: Repository, sha: str) -> list[str]:
    line = [sha]
    while repository.commits[line[-1]].parents:
        line.append(repository.commits[line[-1]].parents[0])
    return line


@route("GET", r"/actions/jobs/(\d+)", "actions:read")
def get_job(call: Call, job_id: str) -> Response:
    given = call.state.jobs.get((call.repository.name, int(job_id)))
    return Response(200, shapes.job(call.url, given, 0)) if given else refusal(404, "Not Found")


@route("GET", r"/actions/runs/(\d+)(?:/attempts/(\d+))?", "actions:read")
def get_run(call: Call, run_id: str, attempt: str | None = None) -> Response:
    """`state.runs` holds a run's newest attempt; the earlier ones have ended."""
    given = call.state.runs.get((call.repository.name, int(run_id)))
    newest = given.get("run_attempt", 1) if given else 0
    asked = int(attempt or newest)
    if given is None or asked > newest:
        return refusal(404, "Not Found")
    if asked < newest:
        given = given | {"run_attempt": asked, "status": "completed", "conclusion": "failure"}
    return Response(200, shapes.run(call.base, call.repository, given, 0))


@route("GET", r"/actions/runs", "actions:read")
def list_runs(call: Call) -> Response:
    """The newest attempt of each run, the newest run first."""
    wanted = call.request.query.get("status", "")
    found = [
        given
        for (name, _), given in sorted(call.state.runs.items(), reverse=True)
        if name == call.repository.name and wanted in {"", given.get("status", "queued")}
    ]
    most = min(int(call.request.query.get("per_page", "30")), 100)
    runs = [shapes.run(call.base, call.repository, given, 0) for given in found[:most]]
    return Response(200, {"total_count": len(found), "workflow_runs": runs})


@route("GET", r"/actions/runs/(\d+)/attempts/(\d+)/jobs", "actions:read")
def get_jobs(call: Call, run_id: str, attempt: str) -> Response:
    jobs = [
        shapes.job(call.url, given, 0)
        for (name, _), given in call.state.jobs.items()
        if name == call.repository.name
        and (given.get("run_id", 1), given.get("run_attempt", 1)) == (int(run_id), int(attempt))
    ]
    most = min(int(call.request.query.get("per_page", "30")), 100)
    return Response(200, {"total_count": len(jobs), "jobs": jobs[:most]})


@route("GET", r"/actions/runs/(\d+)/concurrency_groups", "actions:read")
def get_groups(call: Call, run_id: str) -> Response:
    """`state.groups` maps a group to its runs, the running one first."""
    own = f"{call.url}/actions"
    groups = [
        {
            "group_name": group,
            "group_url": f"{own}/concurrency_groups/{group}",
            "group_members": [
                {
                    "run_id": member,
                    "run_name": "Deploy",
                    "run_url": f"{own}/runs/{member}",
                    "run_html_url": f"{own}/runs/{member}",
                    "status": "pending" if position else "in_progress",
                    "position": position,
                    "position_url": f"{own}/concurrency_groups/{group}?position={position}",
                }
                for position, member in enumerate(members)
            ],
        }
        for (name, group), members in call.state.groups.items()
        if name == call.repository.name and int(run_id) in members
    ]
    if not groups and (call.repository.name, int(run_id)) not in call.state.runs:
        return refusal(404, "Not Found")
    return Response(200, {"total_count": len(groups), "concurrency_groups": groups})


def _descends(repository: Repository, sha: str, ancestor: str) -> bool:
    waiting = [sha]
    while waiting:
        current = waiting.pop()
        if current == ancestor:
            return True
        waiting.extend(repository.commits[current].parents)
    return False
