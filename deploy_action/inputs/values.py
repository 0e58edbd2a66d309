"""Single values of inputs: addresses, ARNs, capabilities. Each function raises ValueError with a sentence for
people."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
EXPECT_SECONDS_MAX = 86_400


def capabilities(text: str) -> tuple[str, ...]:
    names = [name for name in re.split(r"[\s,]+", text) if name]
    for name in names:
        if name not in CAPABILITIES:
            raise ValueError(f"`{name}` is none of {', '.join(CAPABILITIES)}.")
    return tuple(dict.fromkeys(names))


def role_arn(text: str) -> str:
    if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/\S+", text):
        raise ValueError(f"`{text}` is not a role's ARN, such as arn:aws:iam::123456789012:role/NAME.")
    return text


def template_address_advice(address: str) -> str:
    """For an address that `CreateChangeSet` does not take: its TemplateURL is https:// alone."""
    bucket = re.fullmatch(r"(?i)s3://([^/]+)/(.+)", address)
    if bucket is None:
        return f"`{address}` is neither a file of the workspace nor an https:// address in S3."
    return (
        f"`{address}`: CloudFormation takes https://{bucket[1]}.s3.REGION.amazonaws.com/{bucket[2]} instead."
    )


def seconds_of(text: str) -> float:
    """Seconds of `90s`, `2m` or `1h`."""
    found = re.fullmatch(r"(\d{1,6})\s*([smh])", text.strip().lower())
    seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0
    if not 1 <= seconds <= EXPECT_SECONDS_MAX:
        raise ValueError(f"`{text}` is no time such as `90s`, `2m` or `1h`, of a day at most.")
    return float(seconds)


def environment_url(text: str) -> str:
    if re.fullmatch(r"output:([a-z0-9-]{1,30}/)?([A-Za-z0-9-]{1,128}/)?[A-Za-z0-9]{1,255}", text):
        return text
    try:
        return web_address(text)
    except ValueError:
        raise ValueError(f"`{text}` is neither a web address nor `output:NAME` of the stack.") from None


def web_address(text: str) -> str:
    """The same text. Raises ValueError where it is none."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:  # its words may repeat the address, which is a secret
        valid = False
    if not valid:
        raise ValueError("it is not a web address.")
    return text
