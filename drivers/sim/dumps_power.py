"""What the phone prints about its battery: `dumpsys battery` and its relatives.

Functions of the phone's state; the battery's arithmetic is in `battery`.
"""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.battery import BatteryReading
from drivers.sim.state import PhoneState

__all__ = ["battery", "battery_properties", "health_hal"]


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


def _offered_ua(reading: BatteryReading) -> int:
    return {"usb": 500_000, "ac": 1_500_000}.get(reading.plugged, 0)


def _flag(value: bool) -> str:
    return "true" if value else "false"
