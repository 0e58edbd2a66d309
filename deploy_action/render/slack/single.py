"""Interface: rendered fully in the next commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.ports import Announcement

if TYPE_CHECKING:
    from deploy_action.core.channel import ChannelView


def single(view: ChannelView, *, now: float) -> Announcement:  # noqa: ARG001
    return Announcement(text=f"{view.environment} {view.moment.value}", alert=view.moment.needs_somebody)
