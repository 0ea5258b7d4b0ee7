"""What the phone prints about its battery: `dumpsys battery` and its relatives.

Functions of the phone's state; the battery's arithmetic is in `battery`.
"""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.battery import BatteryReading
from drivers.sim.state import PhoneState

__all__ = ["battery", "battery_properties", "battery_stats", "health_hal"]


def battery(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys battery`."""
    reading, data, sdk = state.reading(), state.persona.battery, state.persona.android.sdk
    lines = [
        "Current Battery Service state:",
        f"  AC powered: {_flag(reading.plugged == 'ac')}",
        f"  USB powered: {_flag(reading.plugged == 'usb')}",
        "  Wireless powered: false",
    ]
    if sdk >= 33:
        lines.append("  Dock powered: false")
    if sdk >= 23:
        lines += [
            f"  Max charging current: {_offered_ua(reading)}",
            f"  Max charging voltage: {5_000_000 if reading.plugged else 0}",
            f"  Charge counter: {reading.charge_uah}",
        ]
    lines += [
        f"  status: {reading.status}",
        f"  health: {data.health}",
        "  present: true",
        f"  level: {reading.level}",
        "  scale: 100",
        f"  voltage: {reading.voltage_uv // 1000}",
        f"  temperature: {reading.temperature_dc}",
        f"  technology: {data.technology}",
    ]
    if sdk >= 34:
        lines += ["  Charging state: 0", "  Charging policy: 0"]
    if data.samsung_asoc is not None:
        lines += _samsung(state, reading)
    return "\n".join(lines) + "\n"


def _samsung(state: PhoneState, reading: BatteryReading) -> list[str]:
    data, now = state.persona.battery, state.date()
    lines = [
        "  batteryMiscEvent: 65536",
        f"  batteryCurrentEvent: {'0' if reading.plugged else '1073741824'}",
        f"  mSecPlugTypeSummary: {2 if reading.plugged == 'usb' else 1 if reading.plugged else 0}",
        "  LED Charging: true",
        "  LED Low Battery: true",
        f"  current now: {reading.current_ua // 1000}",
        f"  charge counter: {reading.charge_uah}",
        "  Adaptive Fast Charging Settings: true",
        "  Super Fast Charging Settings: true",
        "FEATURE_WIRELESS_FAST_CHARGER_CONTROL: true",
        f"LLB CAL: {data.samsung_made}",
        "LLB MAN: ",
        f"LLB CURRENT: YEAR{now.year}M{now.month}D{now.day}",
        "FEATURE_HICCUP_CONTROL: true",
        "FEATURE_SUPPORTED_DAILY_BOARD: false",
        " mProtectBatteryMode: 0",
        " mProtectionThreshold: 100",
        "  FEATURE_SAVE_BATTERY_CYCLE: true",
        "  FEATURE_FULL_BATTERY_CYCLE: true",
    ]
    if data.samsung_first_use:
        lines.append(f"  battery FirstUseDate: [{data.samsung_first_use}]")
    return [
        *lines,
        f"  mSavedBatteryAsoc: [{data.samsung_asoc}]",
        f"  mSavedBatteryUsage: [{data.samsung_usage}]",
        "BatteryInfoBackUp",
        "  mSavedBatteryMaxTemp: 478",
        "  mSavedBatteryMaxCurrent: 3012",
        f"  mSavedBatteryBsoh: {data.samsung_asoc}",
    ]


def battery_properties(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys batteryproperties` (Android 5 to 8)."""
    return _health_lines(state)


def health_hal(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys android.hardware.health.IHealth/default` (Android 12 and later)."""
    cycles = state.persona.battery.cycles
    return _health_lines(state) + (f"cycle count: {cycles}\n" if cycles is not None else "")


def _health_lines(state: PhoneState) -> str:
    reading, data = state.reading(), state.persona.battery
    ac, usb = int(reading.plugged == "ac"), int(reading.plugged == "usb")
    volts = 5_000_000 if reading.plugged else 0
    return (
        f"ac: {ac} usb: {usb} wireless: 0 current_max: {_offered_ua(reading)} voltage_max: {volts}\n"
        f"status: {reading.status} health: {data.health} present: 1\n"
        f"level: {reading.level} voltage: {reading.voltage_uv // 1000} temp: {reading.temperature_dc}\n"
        f"current now: {reading.current_ua}\n"
        f"charge counter: {reading.charge_uah}\n"
        f"Full charge: {data.full_uah}\n"
    )


def battery_stats(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys batterystats`, cut to its beginning and the power use."""
    data, sdk = state.persona.battery, state.persona.android.sdk
    designed = data.design_uah // 1000
    lines = [
        "Statistics since last charge:",
        f"  System starts: 0, currently on battery: {_flag(not state.battery.plugged)}",
    ]
    if sdk >= 24:
        lines.append(f"  Estimated battery capacity: {designed} mAh")
    if data.learned and sdk >= 24:
        if sdk >= 31:
            lines.append(f"  Last learned battery capacity: {data.full_uah // 1000} mAh")
        lines += [
            f"  Min learned battery capacity: {data.full_uah // 1000 - 14} mAh",
            f"  Max learned battery capacity: {data.full_uah // 1000 + 9} mAh",
        ]
    lines += [
        "  Time on battery: 5h 12m 3s 118ms (100.0%) realtime, 1h 40m 12s 902ms (32.1%) uptime",
        "  Total run time: 5h 12m 3s 120ms realtime, 1h 40m 12s 905ms uptime",
        "  Discharge: 1211 mAh",
        "  Amount discharged (lower bound): 26",
        "  Amount discharged (upper bound): 28",
        "  Amount discharged while screen on: 19",
        "  Amount discharged while screen off: 8",
        "",
        "  Estimated power use (mAh):",
        f"    Capacity: {designed}, Computed drain: 1187, actual drain: 1211-1244",
        "    Global",
        "      screen: 402 apps: 402 duration: 1h 38m 4s 0ms",
        "      cpu: 388 apps: 388",
    ]
    return "\n".join(lines) + "\n"


def _offered_ua(reading: BatteryReading) -> int:
    return {"usb": 500_000, "ac": 1_500_000}.get(reading.plugged, 0)


def _flag(value: bool) -> str:
    return "true" if value else "false"
