"""The brightness of a simulated screen, and a person who counts how often it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.channel import Reply
    from drivers.sim.phone import SimulatedPhone

__all__ = ["ACTIONS", "HANDS", "SECTION", "Section"]

SECTION = "brightness"


class Section(Data):
    """How the screen shows what is set.

    Attributes:
        follows: it changes with the setting; else its supply or driver is gone.
        dim, bright: how its darkest and brightest step look: `good` or `bad`.
    """

    follows: bool = True
    dim: str = "good"
    bright: str = "good"


def _put(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    """What somebody who looks sees of it; the setting itself is kept by who keeps all settings."""
    if list(arguments[:3]) == ["put", "system", "screen_brightness"] and phone.state.part(Section).follows:
        seen = phone.state.scratch.setdefault("brightness_seen", [])
        seen += arguments[3:4] if seen[-1:] != list(arguments[3:4]) else []
    return None


async def _look(phone: SimulatedPhone, prompt: str) -> str:
    phone.state.scratch["brightness_from"] = len(phone.state.scratch.get("brightness_seen", []))
    return "ready"


async def _count(phone: SimulatedPhone, prompt: str) -> str:
    seen = phone.state.scratch.get("brightness_seen", [])
    return str(len(seen) - int(phone.state.scratch.get("brightness_from", 0)))


async def _judge(phone: SimulatedPhone, prompt: str) -> str:
    part = phone.state.part(Section)
    return part.dim if prompt.endswith("dim") else part.bright


ACTIONS = {"settings": _put}
HANDS = {
    r"brightness-ready-\d": _look,
    r"brightness-count-\d": _count,
    r"brightness-(dim|bright)": _judge,
}
