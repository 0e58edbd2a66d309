"""What the launcher starts, in the image and on the host alike: `python -Iu -X utf8 entrypoint.py STEP`."""

import os
import sys
from pathlib import Path

# The launcher leaves a file in the state folder. A container that cannot use it sees another disk than the
# job does (Docker in Docker, a remote engine, a mapped user): the launcher then takes the host instead.
marker = os.environ.get("DEPLOY_COORDINATOR_MARKER")
if marker and not os.access(marker, os.R_OK | os.W_OK):
    raise SystemExit(97)

# `-I` keeps the job's PYTHONPATH and the workspace out of the import path, and with them this folder.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from deploy_action.main import main  # noqa: E402

raise SystemExit(main(sys.argv[1:]))
