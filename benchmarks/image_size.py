"""The size of the container image, layer by layer, as a registry would store it: `image_size.py IMAGE`.

A registry keeps each layer compressed with gzip, so that is what a runner has to pull. The base's layers are
told apart from ours: a base that was made on this machine weighs something else than the released one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import zlib
from typing import IO

LEVEL = 6  # what `docker push` uses


def compressed(stream: IO[bytes]) -> int:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    size = 0
    while block := stream.read(1 << 20):
        size += len(packer.compress(block))
    return size + len(packer.flush())


def base_layers(image: str) -> int:
    """How many of the layers come from the base: those before the first instruction of our Dockerfile."""
    history = subprocess.run(
        ["docker", "history", "--no-trunc", "--format", "{{.Size}}\t{{.CreatedBy}}", image],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    ours = next(number for number, line in enumerate(history) if "org.opencontainers.image.title" in line)
    return sum(1 for line in history[ours + 1 :] if not line.startswith("0B"))


def main() -> int:
    image = sys.argv[1] if len(sys.argv) > 1 else "deploy-coordinator:local"
    base = base_layers(image)
    totals = {"base": 0, "ours": 0}
    with tempfile.TemporaryFile() as saved:
        subprocess.run(["docker", "save", image], check=True, stdout=saved)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as archive:
            manifest = archive.extractfile("manifest.json")
            assert manifest
            layers = json.load(manifest)[0]["Layers"]
            print(f"{image}\n{'layer':16} {'unpacked':>12} {'compressed':>12}")
            for number, name in enumerate(layers):
                layer = archive.extractfile(name)
                assert layer
                size = compressed(layer)
                whose = "base" if number < base else "ours"
                totals[whose] += size
                print(
                    f"{number} {whose:14} {archive.getmember(name).size / 1e6:9.1f} MB {size / 1e6:9.1f} MB"
                )
    for whose, size in totals.items():
        print(f"{whose:16} {'':12} {size / 1e6:9.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
