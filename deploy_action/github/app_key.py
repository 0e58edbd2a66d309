"""The id and key by which a GitHub App signs in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AppKey:
    """`app_id`: or its client id. `private_key`: PEM; it stands in no text of this object."""

    app_id: str
    private_key: str = field(repr=False)
