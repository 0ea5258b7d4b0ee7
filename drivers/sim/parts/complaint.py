"""The fault that a customer complains of: whether it comes back when tried, and a hand that reads the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone

__all__ = ["HANDS", "SECTION", "Section"]

SECTION = "complaint"


class Section(Data):
    """The complaint.

    Attributes:
        comes_back: the tries, from 1, at which the fault shows.
        watched: whether the person has the phone in hand and reads its clock.
    """

    comes_back: tuple[int, ...] = ()
    watched: bool = True


async def _try(phone: SimulatedPhone, prompt: str) -> str:
    number = int(prompt.rpartition("-")[2])
    return "back" if number in phone.state.part(Section).comes_back else "gone"


async def _read_clock(phone: SimulatedPhone, prompt: str) -> str:
    minute = phone.state.date().minute
    return f"{minute if phone.state.part(Section).watched else (minute + 30) % 60:02d}"


HANDS = {r"try-\d+": _try, r"phone-minute(?:-again)?": _read_clock}
