"""A GitHub App's signature, RS256, made by the machine's own openssl.

The key goes to openssl by standard input and the text by another pipe: neither stands in a file or among a
process's arguments or variables.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess

SECONDS_MAX = 10.0
LIFE_SECONDS = 480
"""GitHub takes ten minutes at most, by its own clock."""
SKEW_SECONDS = 60
"""GitHub's documentation: begin a minute ago, against clocks that differ."""


class CannotSign(Exception):
    """One sentence, without the key or what openssl says of it."""


def app_jwt(app_id: str, key: str, *, now: float) -> str:
    """A JSON web token by which an App is known for LIFE_SECONDS. `now`: unix seconds. Raises CannotSign."""
    head = _part({"alg": "RS256", "typ": "JWT"})
    claims = _part({"iat": int(now) - SKEW_SECONDS, "exp": int(now) + LIFE_SECONDS, "iss": app_id})
    text = f"{head}.{claims}"
    return f"{text}.{_base64url(_signed(text.encode(), key))}"


def _part(claims: dict[str, object]) -> str:
    return _base64url(json.dumps(claims, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(text: bytes, key: str) -> bytes:
    reader, writer = os.pipe()
    try:
        # Far less than a pipe holds, so that nobody has to read meanwhile.
        os.write(writer, text)
        os.close(writer)
        writer = -1
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", "/dev/stdin", "-binary", f"/dev/fd/{reader}"],
            input=key.encode(),
            pass_fds=(reader,),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotSign("openssl is not on the PATH, and a GitHub App signs by it") from error
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise CannotSign(f"openssl could not be run ({type(error).__name__})") from error
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    if done.returncode != 0 or not done.stdout:
        raise CannotSign("openssl does not take the private key: it is no RSA key in PEM")
    return done.stdout
