"""`dumpsys batterystats` of a simulated phone: what it learned of its battery and what has used it, cut to that.

Up to Android 11 consumers stand in lines of words, from 12 on below `Global` and `UID`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["SECTION", "SERVICES", "Section"]

SECTION = "drain"


class Section(Data):
    """What has used the battery since it was charged.

    Attributes:
        apps: mAh by user id as the dump writes it.
        screen_mah, cell_mah, idle_mah: mAh of parts of the phone.
        screen_off_mah: discharged in some four hours with the screen off.
        kernel_locks: seconds by kernel wake lock.
        locks: seconds by user id and wake lock, e.g. `u0a112 *alarm*`.
    """

    apps: dict[str, float] = Field(default_factory=lambda: {"u0a112": 88.2, "1000": 41.7, "u0a64": 12.9})
    screen_mah: float = 402
    cell_mah: float = 61.5
    idle_mah: float = 48
    screen_off_mah: float = 58.4
    kernel_locks: dict[str, int] = Field(
        default_factory=lambda: {"PowerManagerService.WakeLocks": 1511, "rmnet_ctl": 204}
    )
    locks: dict[str, int] = Field(default_factory=lambda: {"u0a112 *alarm*": 311, "1000 NetworkStats": 92})


def _time(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{f'{hours}h ' if hours else ''}{minutes}m {seconds % 60}s 0ms"


def _learned(state: PhoneState) -> list[str]:
    data, sdk = state.persona.battery, state.persona.android.sdk
    lines = [f"  Estimated battery capacity: {data.design_uah // 1000} mAh"] if sdk >= 24 else []
    if not data.learned or sdk < 24:
        return lines
    if sdk >= 31:
        lines.append(f"  Last learned battery capacity: {data.full_uah // 1000} mAh")
    return [
        *lines,
        f"  Min learned battery capacity: {data.full_uah // 1000 - 14} mAh",
        f"  Max learned battery capacity: {data.full_uah // 1000 + 9} mAh",
    ]


def _consumers(state: PhoneState) -> list[str]:
    data, sdk = state.part(Section), state.persona.android.sdk
    apps = sorted(data.apps.items(), key=lambda item: -item[1])
    computed = data.screen_mah + data.cell_mah + data.idle_mah + sum(data.apps.values())
    designed = state.persona.battery.design_uah // 1000
    heading = f"    Capacity: {designed}, Computed drain: {computed:.0f}, actual drain: 1211-1244"
    lines = ["  Estimated power use (mAh):", heading]
    if sdk >= 31:
        lines += ["    Global"]
        lines += [f"      screen: {data.screen_mah:g} apps: {data.screen_mah:g} duration: 1h 38m 4s 0ms"]
        lines += [f"      mobile_radio: {data.cell_mah:g} apps: 0", f"      idle: {data.idle_mah:g} apps: 0"]
        return lines + [f"    UID {uid}: {used:g} fg: {used / 2:g} bg: {used / 2:g}" for uid, used in apps]
    lines += [f"    Screen: {data.screen_mah:g}", f"    Cell standby: {data.cell_mah:g} ( radio={data.cell_mah:g} )"]
    return [
        *lines,
        f"    Idle: {data.idle_mah:g}",
        *(f"    Uid {uid}: {used:g} ( cpu={used:g} )" for uid, used in apps),
    ]


def _batterystats(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys batterystats`, in the phone's own words."""
    data = state.part(Section)
    lines = [
        "Statistics since last charge:",
        f"  System starts: 0, currently on battery: {'false' if state.battery.plugged else 'true'}",
        *_learned(state),
        "  Time on battery: 5h 12m 3s 118ms (100.0%) realtime, 1h 54m 12s 902ms (36.6%) uptime",
        "  Time on battery screen off: 3h 33m 58s 4ms (68.6%) realtime, 16m 8s 0ms (5.2%) uptime",
        "  Total run time: 5h 12m 3s 120ms realtime, 1h 54m 12s 905ms uptime",
        "  Discharge: 1211 mAh",
        f"  Screen off discharge: {data.screen_off_mah:g} mAh",
        "  Screen on: 1h 38m 5s 114ms (31.4%) 47x, Interactive: 1h 37m 2s 0ms (31.1%)",
        f"  Total partial wakelock time: {_time(sum(data.locks.values()))}",
        "",
        "  Device battery use since last full charge",
        "    Amount discharged (lower bound): 26",
        "    Amount discharged (upper bound): 28",
        "    Amount discharged while screen on: 19",
        "    Amount discharged while screen off: 8",
        "",
        *_consumers(state),
        "",
        "  All kernel wake locks:",
        *(f"  Kernel Wake lock {name}: {_time(held)} (51 times) realtime" for name, held in data.kernel_locks.items()),
        "",
        "  All partial wake locks:",
        *(f"  Wake lock {name}: {_time(held)} (7 times) max=9000 realtime" for name, held in data.locks.items()),
    ]
    return "\n".join(lines) + "\n"


SERVICES = {"batterystats": _batterystats}
