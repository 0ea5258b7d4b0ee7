"""What a simulated phone's battery gauge tells beside the dumps: BatteryManager's properties and the kernel's files.

Android 14 and later have the properties; which of them are supported is the persona's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drivers.sim.channel import Reply
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["CMD", "FILES", "SECTION", "Section"]

SECTION = "gauge"

_BATTERY, _OPLUS = "/sys/class/power_supply/battery", "/sys/class/oplus_chg/battery"
_NOT_SUPPORTED = -1
_UNSET = -(2**63)


class Section(Data):
    """What the gauge tells.

    Attributes:
        state_of_health: per cent, by BatteryManager; None: not supported.
        stated: per cent, in the kernel's `state_of_health`; None: no such file.
        maker: per cent, in the file of OPPO's driver; None: no such file.
        part_status: 0 unsupported, 1 original, 2 replaced.
        manufactured_s, first_use_s: seconds since 1970, 0 not set.
        charging_policy: BatteryManager's code.
        swelling: the text of Google's `swelling_data`, empty: no such file.
    """

    state_of_health: int | None = None
    stated: int | None = None
    maker: int | None = None
    part_status: int = 1
    manufactured_s: int = 1_700_524_800
    first_use_s: int = 1_704_412_800
    charging_policy: int = 1
    swelling: str = ""


def _parcel(code: int, value: int, text: str, *, with_text: bool) -> str:
    raw = (0).to_bytes(4, "little") + code.to_bytes(4, "little", signed=True) + (1).to_bytes(4, "little")
    raw += value.to_bytes(8, "little", signed=True)
    if with_text:
        raw += (
            len(text).to_bytes(4, "little") + text.encode() + b"\0" if text else (-1).to_bytes(4, "little", signed=True)
        )
    raw += bytes(-len(raw) % 4)
    rows = []
    for start in range(0, len(raw), 16):
        row = raw[start : start + 16]
        words = " ".join(f"{int.from_bytes(row[at : at + 4], 'little'):08x}" for at in range(0, len(row), 4))
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"  0x{start:08x}: {words:<35} '{shown}'")
    return "Result: Parcel(\n" + "\n".join(rows) + ")\n"


def _get_property(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    """`service call batteryproperties 1 i32 N`: IBatteryPropertiesRegistrar.getProperty."""
    data, sdk = state.part(Section), state.persona.android.sdk
    if list(words[:2]) != ["1", "i32"] or len(words) != 3 or sdk < 28:
        return Reply(b"Result: Parcel(ffffffb6 ffffffff   '........')\n")
    numbers = {
        "7": data.manufactured_s,
        "8": data.first_use_s,
        "9": data.charging_policy,
        "10": data.state_of_health,
        "12": data.part_status,
    }
    text = state.persona.battery.serial if words[2] == "11" else ""
    value = numbers.get(words[2])
    known = value is not None or bool(text)
    code = 0 if known and sdk >= 34 else _NOT_SUPPORTED
    return Reply(_parcel(code, _UNSET if value is None else value, text, with_text=sdk >= 35).encode())


def _number(name: str) -> Callable[[PhoneState], str | None]:
    def file(state: PhoneState) -> str | None:
        value = getattr(state.part(Section), name)
        return None if value is None else f"{value}\n"

    return file


CMD = {"service call batteryproperties": _get_property}
FILES: dict[str, Callable[[PhoneState], str | None]] = {
    f"{_BATTERY}/state_of_health": _number("stated"),
    f"{_OPLUS}/battery_soh": _number("maker"),
    f"{_BATTERY}/swelling_data": lambda state: state.part(Section).swelling or None,
}
