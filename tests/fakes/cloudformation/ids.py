"""Deterministic identifiers and jitter: the same seed and the same names give the same run."""

from __future__ import annotations

import hashlib
import uuid

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_GREGORIAN = 0x01B21DD213814000  # 100 ns intervals between 1582-10-15 and 1970-01-01


class Ids:
    """A stateless source of identifiers; every value depends on the seed and the parts only."""

    def __init__(self, seed: int | str = 0) -> None:
        self._seed = str(seed)

    def _digest(self, parts: tuple[object, ...]) -> bytes:
        text = "\x1f".join([self._seed, *map(str, parts)])
        return hashlib.sha256(text.encode()).digest()

    def fraction(self, *parts: object) -> float:
        """A number in [0, 1)."""
        return int.from_bytes(self._digest(parts)[:6], "big") / 2**48

    def between(self, low: float, high: float, *parts: object) -> float:
        return low + (high - low) * self.fraction(*parts)

    def random_uuid(self, *parts: object) -> str:
        return str(uuid.UUID(bytes=self._digest(parts)[:16], version=4))

    def time_uuid(self, when: float, *parts: object) -> str:
        """A version 1 UUID whose clock is `when` (unix seconds)."""
        digest = self._digest((when, *parts))
        ticks = int(when * 1000) * 10_000 + _GREGORIAN + int.from_bytes(digest[8:10], "big") % 9_000
        low, middle, high = ticks & 0xFFFFFFFF, (ticks >> 32) & 0xFFFF, (ticks >> 48) & 0x0FFF
        fields = (low, middle, high, digest[0] & 0x3F, digest[1], int.from_bytes(digest[2:8], "big"))
        return str(uuid.UUID(fields=fields, version=1))

    def suffix(self, length: int, *parts: object) -> str:
        """Upper-case letters and digits, as in the names that CloudFormation invents."""
        number = int.from_bytes(self._digest(parts), "big")
        letters = []
        for _ in range(length):
            number, index = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[index])
        return "".join(letters)

    def hexadecimal(self, length: int, *parts: object) -> str:
        return self._digest(parts).hex()[:length]
