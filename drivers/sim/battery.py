"""A battery that charges, drains and warms up: a small equivalent circuit, stepped on a fixed grid of seconds.

Pure arithmetic over a persona's data; the same seed and the same history of plugging give the same values at the same
second. The constants are those of an ordinary 4.4 V cobalt cell and make believable readings, no more.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from drivers.sim.persona import Battery

__all__ = ["BatteryModel", "BatteryReading"]

_OCV_MV = (3300, 3560, 3650, 3700, 3745, 3795, 3860, 3950, 4060, 4190, 4390)
"""Open-circuit voltage at 0, 10, ... 100 % of a 4.4 V cell."""
_TAPER_FROM = 0.8
_THERMAL_TAU_S = 420.0
_KELVIN_PER_WATT = 9.0
"""Warming of a phone in still air by each watt turned to heat inside it."""
_IDLE_W = 0.55
_STEP_S = 10


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """What the gauge says at one second.

    Attributes:
        level: per cent, 0 to 100.
        voltage_uv, current_ua: at the terminals; current is positive into the battery.
        average_ua: current without its noise.
        temperature_dc: tenths of a degree Celsius.
        charge_uah: charge in the battery.
        status: BatteryManager's code: 2 charging, 3 discharging, 4 not charging, 5 full.
        plugged: `usb`, `ac` or empty.
    """

    level: int
    voltage_uv: int
    current_ua: int
    average_ua: int
    temperature_dc: int
    charge_uah: int
    status: int
    plugged: str


class BatteryModel:
    """The living battery of one phone."""

    def __init__(self, battery: Battery, seed: str) -> None:
        self.data = battery
        self.plugged = battery.plugged
        self._seed = seed
        self._charge = battery.level / 100.0 + random.Random(f"level:{seed}").uniform(-0.004, 0.004)  # noqa: S311
        self._charge = min(max(self._charge, 0.0), 1.0)
        self._kelvin = 5.0
        self._stepped = 0

    def fit(self, battery: Battery) -> None:
        """Put in another battery; it comes with its own charge."""
        self.data = battery
        self._charge = battery.level / 100.0

    def advance(self, now_s: float) -> None:
        """Let the time go on to `now_s`."""
        while self._stepped + _STEP_S <= now_s:
            self._stepped += _STEP_S
            current = self._current()
            self._charge += current * _STEP_S / 3600.0 / self.data.full_uah
            self._charge = min(max(self._charge, 0.0), 1.0)
            heat = (current / 1e6) ** 2 * self.data.resistance_mohm / 1000.0 + _IDLE_W
            if self.plugged:
                heat += 0.12 * abs(current) / 1e6 * 4.0
            self._kelvin += (heat * _KELVIN_PER_WATT - self._kelvin) * _STEP_S / _THERMAL_TAU_S

    def read(self, now_s: float) -> BatteryReading:
        """What the gauge says at `now_s` seconds."""
        self.advance(now_s)
        # S311: noise that has to be the same for the same seed and second.
        noise = random.Random(f"noise:{self._seed}:{int(now_s)}")  # noqa: S311
        average = self._current()
        current = average + round(average * noise.uniform(-0.06, 0.06))
        open_uv = self._open_circuit_mv() * 1000.0
        voltage = open_uv + current * self.data.resistance_mohm / 1000.0 + noise.uniform(-1500, 1500)
        return BatteryReading(
            level=min(100, round(self._charge * 100)),
            voltage_uv=round(voltage),
            current_ua=current,
            average_ua=average,
            temperature_dc=round((self.data.ambient_c + self._kelvin) * 10),
            charge_uah=round(self._charge * self.data.full_uah),
            status=self._status(),
            plugged=self.plugged,
        )

    def _current(self) -> int:
        if not self.plugged:
            return -self.data.drain_ua
        if self._charge >= 0.999:
            return 0
        limit = self.data.charge_ua * (3 if self.plugged == "ac" else 1)
        if self._charge > _TAPER_FROM:
            limit = round(limit * max(0.08, (1.0 - self._charge) / (1.0 - _TAPER_FROM)))
        return limit

    def _status(self) -> int:
        if not self.plugged:
            return 3
        if self.data.charge_ua == 0:
            return 4
        return 5 if self._charge >= 0.999 else 2

    def _open_circuit_mv(self) -> float:
        place = self._charge * (len(_OCV_MV) - 1)
        below = min(int(place), len(_OCV_MV) - 2)
        return _OCV_MV[below] + (place - below) * (_OCV_MV[below + 1] - _OCV_MV[below])
