"""Keeps secrets out of what is told of a command's output, as the runner keeps them out of the log.

The runner hides every value that `::add-mask::` names and every secret of the job, in the encodings that
its ValueEncoders make (source: actions/runner, SecretMasker). Only the runner has the list of the job's
secrets: variables whose names say that they hold one, and well-known shapes of credentials, stand for it.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIDDEN = "***"
SECRET_NAME = re.compile(
    r"SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_KEY|_PAT$|_KEY$|WEBHOOK", re.IGNORECASE
)
LENGTH_MIN = 6
"""Shorter values of variables (`true`, `1234`) would hide words that are none."""
_ADD_MASK = re.compile(r"^\s*::add-mask(?: [^:]*)?::(.+)$|##\[add-mask[^\]]*\](.+)$", re.IGNORECASE)
_SHAPES = re.compile(
    r"""(?:
      \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
      |\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_\w{20,255}
      |\bxox[abeprs]-[\w-]{8,255}|https://hooks\.slack(?:-gov)?\.com/\S{1,500}
      |\beyJ[\w-]{10,2000}\.[\w-]{10,2000}\.[\w-]{0,2000}
      |\bnpm_[A-Za-z0-9]{30,60}|\bsk_live_\w{10,200}|\bglpat-[\w-]{15,100}
      |(?<=://)[^\s/@:]{1,200}:[^\s/@]{1,200}(?=@)
      |(?<=[Bb]earer\s)[\w.~+/=-]{8,2000}
      |(?<=Signature=)[\w%+/=-]{10,200}|(?<=X-Amz-Security-Token=)[\w%+/=-]{10,4000}
      |-----BEGIN\s[A-Z ]{0,30}PRIVATE\sKEY-----[\s\S]{0,5000}
    )""",
    re.VERBOSE,
)


class Masks:
    """`secrets` are hidden wherever they stand, also encoded; the longest first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        lines = {line.strip() for secret in secrets for line in secret.splitlines()}
        found = {form for line in lines if line for form in _encoded(line)}
        self._pattern = (
            re.compile("|".join(re.escape(form) for form in sorted(found, key=len, reverse=True)))
            if found
            else None
        )

    def hide(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        return _SHAPES.sub(HIDDEN, text)


def shapes_in(text: str) -> list[str]:
    """Texts of the shape of a credential."""
    return [match[0] for match in _SHAPES.finditer(text)]


def secrets_in(environ: Mapping[str, str]) -> list[str]:
    """Values of variables whose names say that they are secret."""
    return [value for name, value in environ.items() if SECRET_NAME.search(name) and len(value) >= LENGTH_MIN]


def masked_by(lines: Iterable[str]) -> list[str]:
    """Texts that a command's own output asked the runner to hide."""
    found = []
    for line in lines:
        match = _ADD_MASK.search(line)
        if match is not None:
            value = match[1] or match[2]
            for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%3B", ";"), ("%25", "%")):
                value = value.replace(code, sign)
            found.append(value)
    return found


def _encoded(secret: str) -> set[str]:
    data = secret.encode("utf-8", "replace")
    shifted = {base64.b64encode(data[shift:]).decode()[: (len(data) - shift) // 3 * 4] for shift in range(3)}
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        escape(secret),
        secret.replace('"', '\\"'),
        secret.replace("'", "''"),
        secret.strip('"'),
        *(form for form in shifted if len(form) >= LENGTH_MIN),
    }
    return {form for form in forms if form}
