"""Start the test ground: `python -m tests.fakes.cloudformation --port 4577 --clock ORIGIN:SPEED`."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.cloudformation.server import CloudFormationServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def accelerated(text: str) -> Callable[[], float]:
    """A clock from `ORIGIN:SPEED`: unix seconds at which it agrees with the real one, and its rate."""
    origin_text, _, speed_text = text.partition(":")
    origin, speed = float(origin_text), float(speed_text or 1)
    return lambda: origin + (time.time() - origin) * speed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.fakes.cloudformation", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--clock", type=accelerated, default=time.time, metavar="ORIGIN:SPEED")
    parser.add_argument("--ready-file", type=Path, help="written with the endpoint once the server listens")
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--seed", default="0")
    parser.add_argument(
        "--template", action="append", default=[], metavar="URL=FILE", help="serve FILE for a TemplateURL"
    )
    parser.add_argument("--no-describe-events", action="store_true", help="answer like an older endpoint")
    parser.add_argument(
        "--nested-tokens", action="store_true", help="nested stacks' events carry their root's token"
    )
    options = parser.parse_args(arguments)
    server = CloudFormationServer(
        options.clock,
        options.port,
        page_size=options.page_size,
        seed=options.seed,
        host=options.host,
        describe_events=not options.no_describe_events,
        nested_tokens=options.nested_tokens,
    )
    for item in options.template:
        url, _, file = item.rpartition("=")
        server.templates[url] = Path(file).read_text("utf-8")

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    if options.ready_file:
        options.ready_file.write_text(server.endpoint_url, "utf-8")
    sys.stdout.write(f"ready {server.endpoint_url}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
