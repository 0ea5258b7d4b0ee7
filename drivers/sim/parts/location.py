"""The satellite receiver of a simulated phone, as the location service prints its key figures."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["SECTION", "SERVICES", "Section"]

SECTION = "location"


class Section(Data):
    """What the receiver has seen since the phone started.

    Attributes:
        on: whether location is switched on.
        cn0: mean of the best four, in dB-Hz; `reports` how often it was measured.
        ttff_s, accuracy_m: mean time to the first fix, mean accuracy.
        satellites: of the last fix; none for 0.
    """

    on: bool = True
    cn0: float = 41.25
    reports: int = 240
    ttff_s: float = 4.25
    accuracy_m: float = 3.5
    satellites: int = 18


def _dump(state: PhoneState, arguments: Sequence[str]) -> str:
    section, sdk = state.part(Section), state.persona.android.sdk
    new = sdk >= 31
    lines = ["Location Manager State:" if new else "Current Location Manager state:"]
    if new:
        lines += ["  Location Settings:", "    Location Setting:", f"      [u0] {str(section.on).lower()}"]
    elif sdk >= 29:
        lines.append(f"  Location mode: {str(section.on).lower()}")
    lines.append("  Last Known Locations:")
    if section.satellites:
        accuracy = "hAcc" if sdk >= 26 else "acc"
        lines.append(
            f"    gps: Location[gps 0.000000,0.000000 {accuracy}=3.2 et=+1h2m alt=12.0 "
            f"{{Bundle[{{satellites={section.satellites}, maxCn0=47, meanCn0=35}}]}}]"
        )
    return "\n".join([*lines, *(_figures(section) if sdk >= 26 else []), "  native internal state: null", ""])


def _figures(section: Section) -> list[str]:
    lines = [
        "GNSS_KPI_START",
        "  KPI logging start time: +10s839ms",
        f"  Number of location reports: {section.reports}",
    ]
    lines.append(f"  Number of TTFF reports: {1 if section.reports else 0}")
    if section.reports:
        lines += [f"  TTFF mean (sec): {section.ttff_s}", f"  Position accuracy mean (m): {section.accuracy_m}"]
    lines.append(f"  Number of CN0 reports: {section.reports}")
    if section.reports:
        lines.append(f"  Top 4 Avg CN0 mean (dB-Hz): {section.cn0}")
    return [*lines, "  Used-in-fix constellation types: GPS GALILEO BEIDOU", "GNSS_KPI_END"]


SERVICES = {"location": _dump}
