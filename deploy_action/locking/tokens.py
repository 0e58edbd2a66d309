"""Tokens that lead to a ticket, and marks to which none leads."""

from __future__ import annotations

import secrets


def new_token() -> str:
    """For the output `lock-token`."""
    return secrets.token_hex(16)


def new_nonce() -> str:
    """Of a ticket that no `lock` step makes: no token leads to it."""
    return f"ticket-{secrets.token_hex(16)}"
