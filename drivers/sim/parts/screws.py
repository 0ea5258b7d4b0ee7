"""The outer screws of a simulated phone, and a person who counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone

__all__ = ["HANDS", "SECTION", "Section"]

SECTION = "screws"


class Section(Data):
    """How many screws can be seen from outside."""

    seen: int = 2


async def _count(phone: SimulatedPhone, prompt: str) -> str:
    return str(phone.state.part(Section).seen)


HANDS = {"screws-seen": _count}
