"""Three clocks, which no computation may mix: an instant of one says nothing about an instant of another.

Each is seconds. Spans between two instants of one clock are plain floats.
"""

from __future__ import annotations

from typing import NewType

WallTime = NewType("WallTime", float)
"""Unix time of this machine, for people and records; it may jump, and is never compared across machines."""
MonotonicTime = NewType("MonotonicTime", float)
"""This machine's clock that only moves forward, for everything that lasts."""
CloudFormationTime = NewType("CloudFormationTime", float)
"""Unix time of CloudFormation, as its events and answers carry it."""
