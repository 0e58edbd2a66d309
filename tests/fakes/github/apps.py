"""GitHub Apps: signing in by a JSON web token that is verified, and tokens of installations that end.

Source: GitHub's documentation, "Generating a JSON web token (JWT) for a GitHub App"; the words of refusals as
octokit/auth-app.js quotes them.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

JWT_SECONDS_MAX = 600
TOKEN_SECONDS = 3600


@dataclass
class GitHubApp:
    """`installed`: repositories, all by installation 1. `claims`: of every JWT that was taken."""

    app_id: str = "123456"
    installed: set[str] = field(default_factory=lambda: {"org/app"})
    permissions: dict[str, str] = field(
        default_factory=lambda: {"metadata": "read", "contents": "write", "actions": "read"}
    )
    claims: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, float] = field(default_factory=dict)
    """When each ends, in unix seconds of the server."""
    _key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def private_key(self, *, pkcs8: bool = False) -> str:
        form = serialization.PrivateFormat
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            form.PKCS8 if pkcs8 else form.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    def why_refused(self, token: str, now: float) -> str:
        """Empty for a JWT that GitHub takes."""
        try:
            head, claims, signature = token.split(".")
            self._key.public_key().verify(
                _decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            algorithm, told = json.loads(_decoded(head))["alg"], json.loads(_decoded(claims))
        except (ValueError, InvalidSignature):
            return "A JSON web token could not be decoded"
        if algorithm != "RS256" or told.get("iss") != self.app_id:
            return "Integration not found"
        if not isinstance(told.get("iat"), int) or told["iat"] > now:
            return (
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was "
                "issued"
            )
        if not isinstance(told.get("exp"), int) or told["exp"] <= now:
            return (
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at "
                "which the assertion expires"
            )
        if told["exp"] > now + JWT_SECONDS_MAX:
            return "'Expiration time' claim ('exp') is too far in the future"
        self.claims.append(told)
        return ""

    def respond(self, method: str, path: str, token: str, now: float) -> Response | None:
        """None for a path that is none of an App's."""
        handlers: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("GET", r"/repos/([^/]+/[^/]+)/installation", self._installation),
            ("POST", r"/app/installations/(\d+)/access_tokens", self._access_token),
        )
        for verb, pattern, handler in handlers:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                why = self.why_refused(token, now)
                return _refusal(401, why) if why else handler(match[1], now)
        return None

    def ended(self, token: str, now: float) -> bool:
        return self.tokens.get(token, now) < now

    def _installation(self, repository: str, _now: float) -> Response:
        if repository not in self.installed:
            return _refusal(404, "Not Found")
        return Response(200, {"id": 1, "app_id": int(self.app_id), "permissions": self.permissions})

    def _access_token(self, identity: str, now: float) -> Response:
        if identity != "1" or not self.installed:
            return _refusal(404, "Not Found")
        token = f"ghs_installation{len(self.tokens) + 1:020}"
        self.tokens[token] = now + TOKEN_SECONDS
        return Response(201, {"token": token, "permissions": self.permissions})


def _refusal(status: int, message: str) -> Response:
    return Response(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}")
