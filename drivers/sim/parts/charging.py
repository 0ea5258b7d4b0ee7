"""What hands do to a simulated phone's charging port: pull the plug, turn it over, wiggle it, lay the phone on a pad.

A pulled plug takes the link along, as on a cable. The wireless supply and the history of pads are here, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["FILES", "HANDS", "SECTION", "Section"]

SECTION = "charging"

_REACH_S = 0.05
_OUT_S = 2.4  # longer than discovery waits for a flap


class Section(Data):
    """The port and the coil.

    Attributes:
        dead_side: `normal` or `reverse`: that way round there is no power; empty: both are good.
        loose: power is lost while the plug is wiggled.
        coil: whether the phone lists a wireless supply.
    """

    dead_side: str = ""
    loose: bool = False
    coil: bool = False


def _wireless(state: PhoneState) -> str | None:
    if not state.part(Section).coil:
        return None
    return "POWER_SUPPLY_NAME=wireless\nPOWER_SUPPLY_TYPE=Wireless\nPOWER_SUPPLY_ONLINE=0\nPOWER_SUPPLY_PRESENT=0\n"


async def _pull(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    phone.state.scratch["power"] = phone.state.battery.plugged
    phone.state.battery.plugged = ""
    phone.unplug()
    return None


async def _put_back(phone: SimulatedPhone, prompt: str) -> str | None:
    """The other way round; on a dead side there is data and no power, as with a worn contact."""
    state = phone.state
    await asyncio.sleep(_OUT_S)
    side = "normal" if state.scratch.get("plug") == "reverse" else "reverse"
    state.scratch["plug"] = side
    state.battery.plugged = "" if state.part(Section).dead_side == side else state.scratch.get("power", "usb")
    await phone.plug()
    return None


async def _wiggle(phone: SimulatedPhone, prompt: str) -> str | None:
    if phone.state.part(Section).loose:
        await asyncio.sleep(_REACH_S)
        was, phone.state.battery.plugged = phone.state.battery.plugged, ""
        await asyncio.sleep(0.8)
        phone.state.battery.plugged = was
    return None


async def _on_pad(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    return "shown"


FILES = {"/sys/class/power_supply/wireless/uevent": _wireless}
HANDS = {"plug-out": _pull, "plug-turned|plug-back": _put_back, "wiggle-plug": _wiggle, "on-pad": _on_pad}
