"""`python -m tests.fakes.github --port P --ready-file F [--repository org/app ...] [--token T ...]`"""

from tests.fakes.github.server import GitHubServer
from tests.fakes.github.state import WORKFLOW_TOKEN
from tests.fakes.http import run_until_signal

if __name__ == "__main__":

    def make(arguments: object) -> GitHubServer:
        given = vars(arguments)
        server = GitHubServer(given["port"], repositories=given["repository"] or ["org/app"])
        for token in given["token"] or ():
            server.state.tokens[token] = dict(WORKFLOW_TOKEN)
        return server

    run_until_signal(make, [("--repository", {"action": "append"}), ("--token", {"action": "append"})])
