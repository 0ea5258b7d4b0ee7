"""Heat and voltage under load: pieces of work that end by themselves, looks between them, and an early stop."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from ports_bench import bench
from probe_bench import Readings, run_on

from drivers.api import NoAnswer
from probes.api import NotRun
from probes.load import work_script

_SECONDS = re.compile(r"\+ (\d+) \)")


class Phone:
    """A phone that warms with each second of work; `watts` is how fast."""

    def __init__(self, watts: float = 0.1, skin: float = 31.0, ua: Callable[[int], int] | None = None) -> None:
        self.worked, self.watts, self.skin = 0, watts, skin
        self.ua = ua or (lambda worked: -250_000 - (900_000 if worked else 0))

    def says(self, script: str) -> str:
        if found := _SECONDS.search(script):
            self.worked += int(found[1])
            return ""
        skin = self.skin + self.watts * self.worked
        current = self.ua(self.worked)
        if script == "dumpsys thermalservice":
            row = "\tTemperature{mValue=%.1f, mType=%d, mName=%s, mStatus=0}"
            status = 0 if skin < 44 else 3
            rows = [row % (skin, 3, "skin"), row % (skin + 20, 0, "BIG")]
            return "\n".join([f"Thermal Status: {status}", "Current temperatures from HAL:", *rows, ""])
        if script.startswith("dumpsys battery"):
            return (
                f"Current Battery Service state:\n  present: true\n  level: 80\n  temperature: {int(skin * 10) - 60}\n"
            )
        volts = 4_000_000 + current * 90 // 1000
        return (
            "POWER_SUPPLY_NAME=battery\nPOWER_SUPPLY_TYPE=Battery\n"
            f"POWER_SUPPLY_CURRENT_NOW={current}\nPOWER_SUPPLY_VOLTAGE_NOW={volts}\n"
        )


async def loaded(phone: Phone, **settings: int) -> Readings:
    return await run_on("android.load", bench(phone.says), **settings)


async def test_a_minute_of_work_comes_in_pieces_with_a_look_at_each() -> None:
    phone = Phone()
    readings = await loaded(phone)
    assert (readings.value("load_seconds"), phone.worked) == (60, 60)
    assert len(readings.value("load_curve")) == 13
    assert readings.value("load_skin") == Decimal("37.0")
    assert readings.value("load_cpu") == Decimal("57.0")
    assert readings.value("load_throttling") == 0
    assert readings.value("load_curve")[0].startswith("0 s: CPU 51.0 °C")


async def test_the_step_in_current_and_voltage_gives_the_resistance_of_the_cell() -> None:
    assert (await loaded(Phone())).value("load_resistance") == 90


@pytest.mark.parametrize(
    ("ua", "words"),
    [(lambda worked: -250_000 - (90_000 if worked else 0), "too little"), (lambda worked: -250_000, "too little")],
    ids=["a small step", "none: fed by the cable"],
)
async def test_a_step_that_is_too_small_gives_no_resistance(ua: Callable[[int], int], words: str) -> None:
    assert words in (await loaded(Phone(ua=ua))).unread["load_resistance"].reason.en


async def test_too_little_time_for_the_voltage_to_settle_gives_no_resistance() -> None:
    assert "load_resistance" in (await loaded(Phone(), seconds=5)).unread


async def test_the_work_stops_when_the_skin_grows_too_hot() -> None:
    phone = Phone(watts=1.0)
    readings = await loaded(phone)
    assert phone.worked == 20, "the skin reaches 48 °C within the fourth piece"
    assert readings.value("load_skin") == Decimal("51.0")
    assert readings.value("load_throttling") == 3


async def test_a_phone_that_is_too_hot_at_rest_is_not_set_to_work_at_all() -> None:
    phone = Phone(skin=49.0)
    assert (await loaded(phone)).value("load_seconds") == 0
    assert not phone.worked


async def test_a_phone_that_tells_no_temperature_is_not_set_to_work() -> None:
    asked: list[str] = []

    def says(script: str) -> str:
        asked.append(script)
        return "Can't find service: x\n"

    with pytest.raises(NotRun, match="no temperature"):
        await run_on("android.load", bench(says))
    assert not [script for script in asked if _SECONDS.search(script)]


async def test_a_phone_that_goes_away_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await run_on("android.load", bench(lambda script: None))


@pytest.mark.parametrize("shell", [name for name in ("mksh", "dash", "bash") if shutil.which(name)])
def test_the_work_is_back_before_its_end_and_ends_by_itself(shell: str) -> None:
    began = time.monotonic()
    done = subprocess.run([shell, "-c", work_script(2, 1) + "; jobs -p"], capture_output=True, timeout=20, check=True)
    left = done.stdout.split()
    assert time.monotonic() - began < 10
    assert len(left) <= 1


async def test_while_a_tool_has_frozen_the_batterys_values_the_kernels_own_temperature_stops_the_work() -> None:
    class Frozen(Phone):
        def says(self, script: str) -> str:
            said = super().says(script)
            if script.startswith("dumpsys battery"):
                return said.replace("state:\n", "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n")
            return said + "POWER_SUPPLY_TEMP=460\n" if said.startswith("POWER_SUPPLY") and self.worked else said

    phone = Frozen()
    readings = await loaded(phone)
    assert phone.worked == 5
    assert readings.value("load_battery") == Decimal("46.0")
