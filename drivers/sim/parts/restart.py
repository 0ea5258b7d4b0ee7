"""What restarting, safe mode and resets do to a simulated phone, and the hands that do them at its keys and screen.

A restart is a real one: the link breaks, the phone has a new boot id and what only its software had (`cures`) is gone.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from drivers.sim.channel import Reply
from drivers.sim.parts.air import saved_networks
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["ACTIONS", "FILES", "HANDS", "SECTION", "SETTINGS", "Section"]

SECTION = "restart"
_REACH_S = 0.05
_RESET_SCREEN = "ResetDashboardFragmentActivity"


class Section(Data):
    """How the phone starts again.

    Attributes:
        cures: what is different once it has started again, as fields of the persona; safe mode and resets cure it, too.
        in_safe_mode: what is different as long as it is in safe mode.
        ignores: `reboot` is taken and nothing happens.
        refuses: `reboot` is answered with this.
        stays_away: it never comes back.
        boots_s: seconds that it is away.
        safe_mode_keys: whether the person gets it into safe mode.
        networks: saved Wi-Fi networks.
        reset_screen: whether its settings have Android's own page of resets.
    """

    cures: dict[str, Any] = Field(default_factory=dict)
    in_safe_mode: dict[str, Any] = Field(default_factory=dict)
    ignores: bool = False
    refuses: str = ""
    stays_away: bool = False
    boots_s: float = 1.0
    safe_mode_keys: bool = True
    networks: int = 2
    reset_screen: bool = True


def _start(phone: SimulatedPhone, how: Literal["normal", "safe", "wiped"]) -> None:
    """The phone goes down and comes up as the part says."""
    state = phone.state
    part, was = state.part(Section), state.scratch
    was["boots"] = was.get("boots", 0) + 1
    was["boot-id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{state.seed}:{was['boots']}"))
    before = was.setdefault("before-safe-mode", {name: getattr(state.persona, name) for name in part.in_safe_mode})
    changes = part.in_safe_mode if how == "safe" else before
    state.change(**{**part.cures, **changes})
    state.set_prop("ro.sys.safemode", "1" if how == "safe" else "")
    if how == "wiped":
        was["boots"], was["networks"] = 1, 0
    phone.close_page()
    if part.stays_away:
        phone.unplug()
    else:
        phone.flap(part.boots_s)


def _reboot(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    part = phone.state.part(Section)
    if part.refuses:
        return Reply(stderr=part.refuses, code=1)
    if not part.ignores:
        asyncio.get_running_loop().call_soon(_start, phone, "safe" if _wanted_safe(phone.state) else "normal")
    return Reply()


def _wanted_safe(state: PhoneState) -> bool:
    wanted = state.prop("persist.sys.safemode") == "1"
    if wanted:
        state.set_prop("persist.sys.safemode", "")
    return wanted


def _setprop(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    """On builds for engineers the shell may ask for safe mode."""
    if list(arguments[:1]) != ["persist.sys.safemode"] or not phone.persona.security.debuggable:
        return None
    phone.state.set_prop(arguments[0], arguments[1])
    return Reply()


def _am(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    if not any(_RESET_SCREEN in word for word in arguments):
        return None
    if phone.state.part(Section).reset_screen:
        return Reply(b"Starting: Intent { cmp=com.android.settings/.Settings$" + _RESET_SCREEN.encode() + b" }\n")
    missing = f"Error type 3\nError: Activity class {{com.android.settings/.Settings${_RESET_SCREEN}}} does not exist."
    return Reply(stderr=missing, code=1)


def _boot_id(state: PhoneState) -> str:
    return f"{state.scratch.get('boot-id') or uuid.uuid5(uuid.NAMESPACE_OID, state.seed)}\n"


def _networks(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    if list(arguments) != ["wifi", "list-networks"] or saved_networks(phone.state):
        return None  # networks with names are told by the radio's own part
    count = phone.state.scratch.get("networks", phone.state.part(Section).networks)
    if not count:
        return Reply(b"No networks\n")
    rows = "".join(f"{n:<13}{f'Net{n}':<33}wpa2-psk\n" for n in range(count))
    return Reply(f"Network Id      SSID                         Security type\n{rows}".encode())


async def _to_safe_mode(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    _start(phone, "safe" if phone.state.part(Section).safe_mode_keys else "normal")
    return None


async def _reset_network(phone: SimulatedPhone, prompt: str) -> str:
    phone.state.scratch["networks"] = 0
    saved_networks(phone.state).clear()
    phone.state.change(**phone.state.part(Section).cures)
    return "done"


async def _wipe(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    _start(phone, "wiped")
    return None


async def _agree(phone: SimulatedPhone, prompt: str) -> str:
    return "agree"


ACTIONS = {"am": _am, "cmd": _networks, "reboot": _reboot, "setprop": _setprop}
FILES = {"/proc/sys/kernel/random/boot_id": _boot_id}
SETTINGS = {"global boot_count": lambda state: str(state.scratch.get("boots", 0) + 41)}
HANDS = {
    "remedy-consent": _agree,
    "safe-mode-keys": _to_safe_mode,
    "network-reset": _reset_network,
    "factory-reset": _wipe,
}
