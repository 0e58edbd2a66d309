"""The job log on a pipe that a busy command shares, without anybody who would keep the two apart."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from deploy_action.github.runner_files import JobLog
from deploy_action.reporting.log import lines as log
from tests.cloudformation.story import resource, stack, told
from tests.reporting.readers import REGISTERED, runner_command, runner_lines

HOSTILE = "".join(
    f"{'x' * (37 + number)}::add-mask::secret{number} ::stop-commands::{number} ##[set-output name=a]"
    for number in range(40)
)
BUSY = "import os\nwhile True: os.write(1, b'the command writes ' + b'.' * 5000 + b'\\n')"


@pytest.mark.skipif(sys.platform == "win32", reason="passes a descriptor to a child")
def test_no_command_appears_on_a_shared_pipe() -> None:
    read, write = os.pipe()
    chunks: list[bytes] = []

    def drain() -> None:
        while data := os.read(read, 1 << 16):
            chunks.append(data)

    reader = threading.Thread(target=drain)
    reader.start()
    with (
        subprocess.Popen([sys.executable, "-c", BUSY], stdout=write) as busy,
        os.fdopen(write, "w") as stream,
    ):
        job_log, style = JobLog(stream), log.LogStyle(color=True)
        begin = stack(0.0, "CREATE_IN_PROGRESS")
        for number in range(400):
            event = resource(number, f"event{number}", "CREATE_FAILED", f"number {number} {HOSTILE}")
            job_log.write(style.event(event, None, told(begin, event)))
            job_log.write(log.warning_annotation(HOSTILE[:200], HOSTILE))
            job_log.write(log.error_annotation("x", f"{number} {HOSTILE}"))
        busy.kill()
    reader.join()
    os.close(read)
    text = b"".join(chunks).decode(errors="replace")
    assert "number 399" in text
    assert "the command writes" in text
    found = {command for line in runner_lines(text) if (command := runner_command(line)) in REGISTERED}
    assert found <= {"warning", "error"}
