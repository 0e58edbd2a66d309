"""The demonstration. It needs the rehearsal servers, which a checkout has and an image does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import warn

SCRIPT = Path(__file__).parents[2] / "demo" / "run.py"


@click.command()
def command() -> int:
    """Show three deployments that contend for one stack, against a CloudFormation of our own."""
    if not SCRIPT.is_file():
        warn("The demo is part of the repository: clone it and run `make demo`.")
        return NOT_FOUND
    return subprocess.run([sys.executable, SCRIPT], check=False).returncode
