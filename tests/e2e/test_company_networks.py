"""A company's proxy and certificates, through the real launcher."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e.launcher_bench import REPOSITORY, Done, Job
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.connect_proxy import ConnectProxy
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-coordinator-tests"
TEMPLATE = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
SECONDS_MAX = 5.0
"""Until red, where nothing has to be set up."""
START_SECONDS = 10.0
"""What the launcher and Python may take more on a busy machine."""
WORDS = {
    "403": ("refuses the connection (403", "NO_PROXY"),
    "407": ("wants a user and a password (407", "HTTPS_PROXY"),
    "page": ("a page of its own", "allowed on the proxy"),
    "intercept": ("certificate is not trusted", "REQUESTS_CA_BUNDLE"),
}


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


@pytest.fixture(params=["host"])
def company(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    here = Company(tmp_path, str(request.param))
    with here.cloud, here.github:
        yield here
    here.job.end()


@pytest.mark.parametrize("client", ["aws", "github"])
@pytest.mark.parametrize("mode", WORDS)
def test_a_fault_that_never_heals_is_red_before_the_lock(company: Company, client: str, mode: str) -> None:
    with company.behind(client, mode):
        done = company.pre()
    assert done.code == 4, done.log
    for words in WORDS[mode]:
        assert words in done.log
    assert ("cloudformation.eu-west-1.amazonaws.com" if client == "aws" else "api.github.com") in done.log
    assert "geheim" not in done.log
    assert not list((company.folder / "job" / "temp" / "registry").glob("*.json")), "no lock was asked for"
    assert not re.search("registry is away|no answer", done.log)
    if company.runtime == "host":
        assert done.seconds < SECONDS_MAX + START_SECONDS


def test_one_named_file_is_enough(company: Company) -> None:
    with company.behind("aws", "intercept") as proxy:
        company.job.environment["NODE_EXTRA_CA_CERTS"] = str(proxy.ca_file)
        done = company.pre()
    assert done.code == 0, done.log
    assert set(proxy.asked) <= {
        "cloudformation.eu-west-1.amazonaws.com:443",
        "sts.eu-west-1.amazonaws.com:443",
    }
