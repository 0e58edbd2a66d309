"""What the launcher starts, in the image and on the host alike: `python -Iu -X utf8 entrypoint.py STEP`."""

import os
import sys
from pathlib import Path

# The launcher leaves a file in the state folder. A container that cannot use it sees another disk than the
# job does (Docker in Docker, a remote engine, a mapped user): the launcher then takes the host instead.
marker = os.environ.get("DEPLOY_COORDINATOR_MARKER")
if marker and not os.access(marker, os.R_OK | os.W_OK):
    raise SystemExit(97)

# What is installed may have lost a file since: the launcher then makes another environment.
UNUSABLE = 97


def prove() -> None:
    """Imports whatever requirements.txt names. Raises ImportError.

    Of a distribution with several modules the one of its name counts: others are private (`_sodium`), or old
    and in need of what is not installed (`slack` beside `slack_sdk`).
    """
    import importlib  # noqa: PLC0415 - only here
    from importlib import metadata  # noqa: PLC0415

    requirements = (Path(__file__).parent / "requirements.txt").read_text("utf-8").splitlines()
    names = {line.partition("==")[0].strip() for line in requirements if "==" in line and line[0].isalnum()}
    found: dict[str, list[str]] = {metadata.distribution(name).metadata["Name"]: [] for name in names}
    for module, distributions in metadata.packages_distributions().items():
        for distribution in found.keys() & distributions:
            if module.isidentifier() and not module.startswith("_"):
                found[distribution].append(module)
    for distribution, modules in found.items():
        own = distribution.lower().replace("-", "_")
        for module in [own] if own in modules else modules:
            importlib.import_module(module)


# `-I` keeps the job's PYTHONPATH and the workspace out of the import path, and with them this folder.
sys.path.insert(0, str(Path(__file__).resolve().parent))

try:
    if sys.argv[1:] == ["prove"]:
        prove()
        raise SystemExit(0)

    from deploy_action.main import main

    raise SystemExit(main(sys.argv[1:]))
except ImportError as error:
    print(f"deploy-coordinator: The Python environment is damaged: {error}", file=sys.stderr)
    raise SystemExit(UNUSABLE) from None
