"""The hinge and the cover switch of a simulated phone, and the hands that move them.

`dumpsys device_state` and `cmd device_state` are those of AOSP's DeviceStateManagerService (Android 12 and later); the
cover's magnet moves the kernel switch SW_LID of the input device that has it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["CMD", "FEATURES", "HANDS", "SECTION", "SERVICES", "Section"]

SECTION = "hinge"
_EV_SYN, _EV_SW, _LID = 0, 5, 0
_REACH_S, _PATIENCE_S = 0.05, 1.0


class Section(Data):
    """What folds.

    Attributes:
        states: names of the device states from shut to open; one for a phone that does not fold.
        stuck: the hinge's sensor stays as it is. lid_dead: the cover's switch does not close.
    """

    states: tuple[str, ...] = ("DEFAULT",)
    stuck: bool = False
    lid_dead: bool = False


def _state(state: PhoneState, number: int) -> str:
    name = state.part(Section).states[number]
    return f"DeviceState{{identifier={number}, name='{name}', app_accessible=true}}"


def _now(state: PhoneState) -> int:
    last = len(state.part(Section).states) - 1
    return int(state.scratch.get("folded", last))


def _dump(state: PhoneState, arguments: Sequence[str]) -> str | None:
    if state.persona.android.sdk < 31:
        return None
    now = _state(state, _now(state))
    return (
        "DEVICE STATE MANAGER (dumpsys device_state)\n"
        f"  mCommittedState=Optional[{now}]\n  mPendingState=Optional.empty\n  mBaseState=Optional[{now}]\n"
        "  mOverrideState=Optional.empty\n\nRegistered processes: size=0\n"
    )


def _cmd(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    if state.persona.android.sdk < 31:
        return Reply(stderr="cmd: Can't find service: device_state", code=20)
    if list(words) == ["print-states"]:
        states = "".join(f"  {_state(state, at)},\n" for at in range(len(state.part(Section).states)))
        return Reply(f"Supported states: [\n{states}]\n".encode())
    if list(words) == ["state"]:
        return Reply(f"Committed state: Optional[{_state(state, _now(state))}]\n".encode())
    return Reply(stderr="Device state manager (device_state) commands:", code=255)


def switch(state: PhoneState, name: str, code: int, value: int) -> None:
    """A kernel switch moves on the device that has it; KeyError when none has."""
    from drivers.sim.state import InputFrame

    device = next((one for one in state.persona.inputs if name in one.switches), None)
    if device is None:
        raise KeyError(f"{state.persona.name} has no {name}")
    on: set[str] = state.scratch.setdefault("switches", set())
    on.add(name) if value else on.discard(name)
    state.emit(InputFrame(time.monotonic(), device.path, ((_EV_SW, code, value), (_EV_SYN, 0, 0))))


async def _magnet(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    if not phone.state.part(Section).lid_dead:
        switch(phone.state, "SW_LID", _LID, 1 if prompt == "hall-magnet" else 0)
        return None
    await asyncio.sleep(_PATIENCE_S)
    return "no-reaction"


async def _fold(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    hinge = phone.state.part(Section)
    if not hinge.stuck:
        phone.state.scratch["folded"] = 0 if prompt == "fold-move" else len(hinge.states) - 1
        return None
    await asyncio.sleep(_PATIENCE_S)
    return "no-reaction"


SERVICES = {"device_state": _dump}
CMD = {"device_state": _cmd}
#: android.content.pm.PackageManager.FEATURE_SENSOR_HINGE_ANGLE, since Android 11.
FEATURES = {
    "android.hardware.sensor.hinge_angle": lambda state: (
        state.persona.android.sdk >= 30 and len(state.part(Section).states) > 1
    )
}
HANDS = {r"hall-(magnet|away)": _magnet, r"fold-(move|back)": _fold}
