"""`python -m tests.fakes.slack --port P --ready-file F`"""

from tests.fakes.http import run_until_signal
from tests.fakes.slack.server import SlackServer

if __name__ == "__main__":
    run_until_signal(lambda arguments: SlackServer(arguments.port))
