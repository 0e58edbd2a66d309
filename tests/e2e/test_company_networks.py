"""A company's proxy and certificates, through the real launcher."""

from __future__ import annotations

import json
import os
import re
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from deploy_action.common.fault_classes import without_password
from tests.e2e.launcher_bench import REPOSITORY, Done, Job
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.connect_proxy import ConnectProxy
from tests.fakes.github.server import GitHubServer
from tests.fakes.runner import heredoc_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-coordinator-tests"
TEMPLATE = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
CPU_SECONDS_MAX = 5.0
"""Until red, where nothing has to be set up: half of them were measured, and all that passes where no other
program runs."""
SECONDS_MAX = 30.0
"""The same on a machine that is busy with other tests."""
ASKED_MAX = 8
"""Connections through the proxy until then: the first request of each client and check, and none again."""
WORDS = {
    "403": ("refuses the connection (403", "NO_PROXY"),
    "407": ("wants a user and a password (407", "HTTPS_PROXY"),
    "page": ("a page of its own", "allowed on the proxy"),
    "intercept": ("certificate is not trusted", "REQUESTS_CA_BUNDLE"),
}


def cpu_seconds() -> float:
    """Of the programs that this process started and that ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Company:
    """A job behind a proxy. `client`: what the proxy stands before, AWS or GitHub."""

    def __init__(self, folder: Path, runtime: str) -> None:
        self.cloud = CloudFormationServer()
        self.github = GitHubServer()
        self.job = Job(REPOSITORY, folder / "job", CACHE)
        (self.job.workspace / "template.json").write_text(TEMPLATE)
        self.folder = folder
        self.runtime = runtime
        self.proxy: ConnectProxy | None = None

    def behind(self, client: str, mode: str) -> ConnectProxy:
        server = self.cloud.endpoint_url if client == "aws" else self.github.url
        parts = urlsplit(server)
        self.proxy = ConnectProxy((parts.hostname or "", parts.port or 0), self.job.workspace, mode)
        keys = {name: value for name, value in self.cloud.environment.items() if "KEY" in name}
        door = self.cloud.environment if client == "github" else keys | {"GITHUB_API_URL": self.github.url}
        given = {
            "stack-name": "shop",
            "template": "template.json",
            "environment": "production",
            "registry": f"file://{self.folder}/job/temp/registry" if client == "aws" else "github",
            "github-token": "token",
        }
        Path(f"{self.folder}/job/temp/registry").mkdir(exist_ok=True)
        for name in list(self.job.environment):
            if "CA_" in name or name.startswith("SSL_") or name.lower().endswith("_proxy"):
                del self.job.environment[name]
        self.job.environment |= {
            **door,
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "HTTPS_PROXY": self.proxy.address,
            "NO_PROXY": "127.0.0.1,localhost",
            "GITHUB_REPOSITORY": "org/app",
            "GITHUB_RUN_ID": "1",
            "DEPLOY_COORDINATOR_RUNTIME": self.runtime,
            "DEPLOY_COORDINATOR_INPUTS": json.dumps(given),
        }
        return self.proxy

    def pre(self) -> Done:
        return self.job.run("pre")

    def outputs(self) -> dict[str, str]:
        return heredoc_outputs((self.job.folder / "temp" / "output").read_text("utf-8"))

    def stack(self) -> str:
        """Its status, once it is no longer being deleted; empty where there is none."""
        for _ in range(100):
            if (status := self._status()) != "DELETE_IN_PROGRESS":
                break
            time.sleep(0.1)
        return status

    def _status(self) -> str:
        try:
            return str(self.cloud.stack("eu-west-1", "shop").status(self.cloud.now()))
        except KeyError:
            return ""

    def tickets(self) -> list[object]:
        """What the file registry holds."""
        documents = (self.job.folder / "temp" / "registry").glob("deployments.json")
        return [ticket for document in documents for ticket in json.loads(document.read_text())["tickets"]]


@pytest.fixture(scope="session")
def image(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An engine that has the action's image: to build it behind the proxy is another story."""
    job = Job(REPOSITORY, tmp_path_factory.mktemp("builds the image"), CACHE, engine)
    try:
        done = job.start("pre", DEPLOY_COORDINATOR_RUNTIME="container").wait(300)
    finally:
        job.end()
    assert "could not be used" not in done.log, done.log
    return engine


@pytest.fixture(params=["host", pytest.param("container", marks=pytest.mark.container)])
def company(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    here = Company(tmp_path, str(request.param))
    if request.param == "container":
        here.job.environment |= request.getfixturevalue("image")
    with here.cloud, here.github:
        yield here
    here.job.end()


@pytest.mark.parametrize("client", ["aws", "github"])
@pytest.mark.parametrize("mode", WORDS)
def test_a_fault_that_never_heals_is_red_before_the_lock(company: Company, client: str, mode: str) -> None:
    with company.behind(client, mode) as proxy:
        before = cpu_seconds()
        done = company.pre()
        spent = cpu_seconds() - before
    assert done.code == 4, done.log
    for words in WORDS[mode]:
        assert words in done.log
    assert ("cloudformation.eu-west-1.amazonaws.com" if client == "aws" else "api.github.com") in done.log
    assert "geheim" not in done.log
    assert not list((company.folder / "job" / "temp" / "registry").glob("*.json")), "no lock was asked for"
    assert not re.search("registry is away|no answer", done.log)
    assert len(proxy.asked) <= ASKED_MAX, "what never heals is not tried again"
    if company.runtime == "host":
        assert spent < CPU_SECONDS_MAX
        assert done.seconds < SECONDS_MAX


def test_one_named_file_is_enough(company: Company) -> None:
    with company.behind("aws", "intercept") as proxy:
        company.job.environment["NODE_EXTRA_CA_CERTS"] = str(proxy.ca_file)
        done = company.pre()
    assert done.code == 0, done.log
    assert set(proxy.asked) <= {
        "cloudformation.eu-west-1.amazonaws.com:443",
        "sts.eu-west-1.amazonaws.com:443",
    }


SPEED = 20.0
"""Of the job's clock, beside the time-outs of the clients, which are real."""
HANGS = {
    "github": ({"pre": 0, "main": 0, "post": 0}, "succeeded", "CREATE_COMPLETE"),
    "aws": ({"pre": 0, "main": 4, "post": 0}, "failed", ""),
}
"""Exit codes, outcome and the stack's status. Without GitHub there is no lock, and CloudFormation decides;
without AWS nothing was begun."""
HEARD = {
    "github": ("The registry cannot be used", "api.github.com gave no answer"),
    "aws": ("Acquired lock production", "AWS does not answer yet", "Gave the lock production back"),
}


@pytest.mark.parametrize("company", ["host"], indirect=True)
@pytest.mark.parametrize("client", HANGS)
def test_a_proxy_that_hangs(company: Company, client: str) -> None:
    """It may be mended at any moment, so it is an outage: waited for by a bound, and never green unseen."""
    codes, log = {}, ""
    with company.behind(client, "hangs") as proxy:
        address = without_password(proxy.address)
        # The clients' own time-outs take minutes: benchmarks/situations.py waits for them.
        proxy.hang_seconds = 0.2
        company.job.environment["DEPLOY_COORDINATOR_CLOCK"] = f"{time.time()}:{SPEED}"
        for step in ("pre", "main", "post"):
            done = company.job.start(step).wait(120)
            codes[step], log = done.code, log + done.log
    expected, outcome, status = HANGS[client]
    assert codes == expected, log
    assert company.outputs()["outcome"] == outcome
    assert (company.stack(), company.tickets()) == (status, [])
    for words in HEARD[client]:
        assert words in log, log
    assert f"through the proxy {address}" in log
    assert "geheim" not in log


STOPS = {
    "DescribeStacks": "pre",
    "CreateChangeSet": "main",
    "DescribeChangeSet": "main",
    "ExecuteChangeSet": "main",
}
"""Calls that a deployment by template cannot do without, and the step that says so."""
SPARED = ("DescribeStackEvents", "ListStacks", "GetTemplateSummary", "GetTemplate")
IN_THE_CONTAINER = ("DescribeStackEvents", "ExecuteChangeSet")


@pytest.mark.parametrize(
    ("company", "call"),
    [
        *(pytest.param("host", call, id=f"host {call}") for call in (*STOPS, *SPARED)),
        *(
            pytest.param("container", call, marks=pytest.mark.container, id=f"container {call}")
            for call in IN_THE_CONTAINER
        ),
    ],
    indirect=["company"],
)
def test_a_call_that_a_policy_denies(company: Company, call: str) -> None:
    """What is needed is named, nothing is left behind; what is not needed costs no deployment its colour."""
    company.behind("aws", "good")
    company.job.environment |= company.cloud.environment
    company.cloud.faults.add("access_denied", operation=call)
    codes: dict[str, int] = {}
    log = ""
    for step in ("pre", "main", "post"):
        if step == "post" or not any(codes.values()):
            done = company.job.run(step)
            codes[step], log = done.code, log + done.log
    stops = STOPS.get(call, "")
    assert codes == {step: 4 if step == stops else 0 for step in codes}, log
    assert company.outputs()["outcome"] == ("failed" if stops else "succeeded")
    assert company.tickets() == []
    assert company.stack() == ("" if stops else "CREATE_COMPLETE")
    if stops or call == "DescribeStackEvents":
        assert f"is not authorized to perform: cloudformation:{call}" in log
        assert "Add the missing action to the role's policy" in log


LASTING = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Metadata": {"TestGround": {"Seconds": 12}}}}}'


def test_credentials_that_are_replaced_while_the_job_runs(company: Company) -> None:
    """In the container too, where a mounted file would stay the old one for ever: its folder is mounted."""
    company.behind("aws", "good")
    (company.job.workspace / "template.json").write_text(LASTING)
    service = company.folder / "service of the runner"
    service.mkdir()

    def write(key: str) -> None:
        (service / "new").write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
        (service / "new").replace(service / "credentials")

    door = {name: value for name, value in company.cloud.environment.items() if "KEY" not in name}
    for name in company.cloud.environment:
        company.job.environment.pop(name, None)
    company.job.environment |= {**door, "AWS_SHARED_CREDENTIALS_FILE": str(service / "credentials")}
    write("FIRST")
    done = company.pre()
    assert done.code == 0, done.log
    running = company.job.start("main")
    running.until("CREATE_IN_PROGRESS", 60)
    company.cloud.faults.add("expired_token", access_key="FIRST")
    write("SECOND")
    done = running.wait(100)
    assert done.code == 0, done.log
    assert company.job.run("post").code == 0
    assert {entry["access_key"] for entry in company.cloud.log} == {"FIRST", "SECOND"}
    assert (company.stack(), company.outputs()["outcome"]) == ("CREATE_COMPLETE", "succeeded")
    assert company.tickets() == []


def test_a_state_that_was_damaged_between_two_steps(company: Company) -> None:
    """Nothing is deployed without it, and the end of the job still gives the lock back."""
    company.behind("aws", "good")
    company.job.environment |= {**company.cloud.environment, "DEPLOY_COORDINATOR_CHECK_RUN_ID": "21"}
    assert company.pre().code == 0
    assert len(company.tickets()) == 1
    (company.job.state / "state.json").write_bytes(b'{"ticket": "\xff')
    done = company.job.run("main")
    assert done.code not in {0, 7}, done.log
    assert "Could not read the state saved by `pre`" in done.log
    done = company.job.run("post")
    assert done.code == 0, done.log
    assert "was found by run and job, and given back" in done.log
    assert (company.stack(), company.tickets()) == ("", [])
