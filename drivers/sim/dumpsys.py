"""What `dumpsys` prints, service by service, in the shapes of the Android versions that the personas run.

Functions of the phone's state; none of them keeps anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drivers.sim.channel import Reply
from drivers.sim.state import PhoneState

__all__ = ["dumpsys"]

Service = Callable[[PhoneState, Sequence[str]], str]


def dumpsys(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    """Answer `dumpsys SERVICE ARGS...`; an unknown service is an error on standard error with exit code 0."""
    words = [word for word in arguments if not word.startswith("-t")]
    if not words or words[0] == "-l":
        listed = "".join(f"  {name}\n" for name in sorted(SERVICES))
        return Reply(f"Currently running services:\n{listed}".encode())
    service = SERVICES.get(words[0])
    if service is None:
        return Reply(stderr=f"Can't find service: {words[0]}")
    return Reply(service(state, words[1:]).encode("utf-8", "surrogateescape"))


def _battery(state: PhoneState, arguments: Sequence[str]) -> str:
    reading, data = state.reading(), state.persona.battery
    lines = [
        "Current Battery Service state:",
        f"  AC powered: {_flag(reading.plugged == 'ac')}",
        f"  USB powered: {_flag(reading.plugged == 'usb')}",
        "  Wireless powered: false",
    ]
    if state.persona.android.sdk >= 33:
        lines.append("  Dock powered: false")
    if state.persona.android.sdk >= 23:
        most = 500_000 if reading.plugged == "usb" else 1_500_000 if reading.plugged else 0
        lines += [
            f"  Max charging current: {most}",
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
    return "\n".join(lines) + "\n"


def _flag(value: bool) -> str:
    return "true" if value else "false"


SERVICES: dict[str, Service] = {
    "battery": _battery,
}
