"""Bluetooth of a simulated phone: its manager's dump, and switching it off and on.

The dump has the form of the phone's Android: with `enabled:` up to 15, in capitals from 16 on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from drivers.sim.channel import Reply
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["CMD", "FEATURES", "SECTION", "SERVICES", "Section", "switch"]

SECTION = "bluetooth"
_ON = "bluetooth-on"


class Section(Data):
    """The Bluetooth chip.

    Attributes:
        present: whether there is one.
        enabled: on at the start.
        dead: it never comes up when it is switched on.
        address: whether it knows its own.
        crashes: of its process since the start.
        start_s: seconds it takes to come up.
        beacon_dbm: level of the bench's beacon in the dump; None where the dump has none.
    """

    present: bool = True
    enabled: bool = True
    dead: bool = False
    address: bool = True
    crashes: int = 0
    start_s: float = 0.1
    beacon_dbm: int | None = None


def switch(state: PhoneState, on: bool) -> None:
    """What `svc bluetooth` and `cmd bluetooth_manager` do."""
    section = state.part(Section)
    state.scratch[_ON] = time.monotonic() + (float("inf") if section.dead else section.start_s) if on else None


def _now(state: PhoneState) -> str:
    """The state that the manager prints."""
    section = state.part(Section)
    since = state.scratch.get(_ON, 0.0 if section.enabled else None)
    if since is None:
        return "OFF"
    return "ON" if time.monotonic() >= since else "BLE_TURNING_ON"


def _dump(state: PhoneState, arguments: Sequence[str]) -> str | None:
    section = state.part(Section)
    if not section.present:
        return None
    now, sdk = _now(state), state.persona.android.sdk
    address = state.identity.mac.upper() if section.address else "null"
    if sdk >= 31 and section.address:
        address = f"XX:XX:XX:XX:{address[-5:]}"
    name = state.persona.model.model
    if sdk >= 36:
        head = [
            "Bluetooth Status:",
            f"  State:         {now}",
            f"  Address:       {address}",
            f"  Name:          {name}",
        ]
    else:
        on = "true" if now == "ON" else "false"
        head = ["Bluetooth Status", f"  enabled: {on}", f"  state: {now}", f"  address: {address}", f"  name: {name}"]
    lines = [*head, "", "Enable log:", "  02-06 09:11:03  Enabled  due to SYSTEM_BOOT by android", ""]
    if sdk >= 26:
        lines.append(f"Bluetooth crashed {section.crashes} time{'' if section.crashes == 1 else 's'}")
    lines += ["", "Bonded devices:", f"  {state.identity.mac.upper()} [DUAL] Somebody's earphones"]
    if section.beacon_dbm is not None:
        lines += ["", "GATT Scanner Map", f"  BenchBeacon rssi={section.beacon_dbm}"]
    return "\n".join([*lines, ""])


def _cmd(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    if state.persona.android.sdk < 33 or not state.part(Section).present:
        return Reply(stderr="cmd: Can't find service: bluetooth_manager", code=20)
    if list(words) in (["enable"], ["disable"]):
        switch(state, words[0] == "enable")
        return Reply(f"{words[0]}: Success\n".encode())
    return Reply(b"Bluetooth Manager Commands:\n  help or -h\n  enable\n  disable\n", code=255)


SERVICES = {"bluetooth_manager": _dump}
CMD = {"bluetooth_manager": _cmd}
FEATURES = {"android.hardware.bluetooth": lambda state: state.part(Section).present}
