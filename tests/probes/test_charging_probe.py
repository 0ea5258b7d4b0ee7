"""Charging over a window, the plug turned over, wiggled and on a pad, at a scripted port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from probe_bench import Readings, ScriptedPerson, result, run_on

from drivers.api import Command, CommandResult, DeviceGone, Shell, Side
from drivers.text import Words
from probes.api import NotRun
from probes.charge_state import Window, look_of

GONE = DeviceGone("adb.gone", Words("gone", "断开"), Side.CABLE, Words("plug in", "请插入"))
QUICK: dict[str, Any] = {"window_s": 0, "interval_s": 0, "turn": False, "wiggle_s": 0, "wireless": "never"}


@dataclass
class Port:
    """A phone at a cable: what it would print now, and whether it is there."""

    level: int = 50
    status: int = 2
    plugged: bool = True
    here: bool = True
    current: str = "1520000"
    side: str = "normal"
    temperature: int = 290
    extra: str = ""
    coil: bool = False
    pads: int = 0
    asked: list[str] = field(default_factory=list)

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        self.asked.append(script)
        return result(f"{self.pads}\n") if "plug=wireless" in script else result(self._battery())

    async def batch(self, commands: Sequence[Command], *, deadline_s: float) -> list[CommandResult]:
        if not self.here:
            return [result(failure=GONE) for _ in commands]
        return [result(self._battery()), result(self._supplies())]

    def _battery(self) -> str:
        on = "true" if self.plugged else "false"
        return (
            f"Current Battery Service state:\n  AC powered: false\n  USB powered: {on}\n"
            "  Max charging current: 3000000\n  Max charging voltage: 9000000\n"
            f"  status: {self.status}\n  level: {self.level}\n  scale: 100\n  voltage: 4012\n"
            f"  temperature: {self.temperature}\n{self.extra}"
        )

    def _supplies(self) -> str:
        text = "POWER_SUPPLY_NAME=battery\nPOWER_SUPPLY_TYPE=Battery\n"
        text += f"POWER_SUPPLY_CURRENT_NOW={self.current}\n" if self.current else ""
        text += (
            "POWER_SUPPLY_NAME=usb\nPOWER_SUPPLY_TYPE=USB\nPOWER_SUPPLY_ONLINE=1\nPOWER_SUPPLY_VOLTAGE_NOW=8980000\n"
        )
        text += "POWER_SUPPLY_USB_TYPE=Unknown SDP [PD] PD_PPS\n"
        text += "POWER_SUPPLY_NAME=wireless\nPOWER_SUPPLY_TYPE=Wireless\nPOWER_SUPPLY_ONLINE=0\n" if self.coil else ""
        return text + (f"/sys/class/typec/port0/orientation={self.side}\n" if self.side else "")

    # what hands do

    def pull(self) -> None:
        self.here = False

    def put_back(self, side: str, **changes: Any) -> Callable[[], None]:
        def act() -> None:
            self.here, self.side = True, side
            for name, value in changes.items():
                setattr(self, name, value)

        return act


@dataclass
class PortBench:
    """A bench whose phone is a `Port`, and may leave it."""

    port: Port
    person: Any
    ticket: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, CommandResult] = field(default_factory=dict)
    outings: int = 0

    def capability(self, kind: type[Any]) -> Any:
        assert kind is Shell
        return self.port

    @contextmanager
    def away(self) -> Iterator[None]:
        self.outings += 1
        yield

    async def back(self, *, within_s: float) -> None:
        for _ in range(round(within_s / 0.01)):
            if self.port.here:
                return
            await asyncio.sleep(0.01)
        raise GONE


async def charge(port: Port, acts: Mapping[str, Any] | None = None, **settings: Any) -> Readings:
    bench = PortBench(port, ScriptedPerson(acts or {}))
    async with asyncio.timeout(20):
        return await run_on("android.charging", bench, **QUICK | settings)  # type: ignore[arg-type]


async def test_current_voltages_and_protocol_of_a_phone_that_charges() -> None:
    readings = await charge(Port())
    assert readings.value("charging") is True
    assert (readings.value("current"), readings.value("bulk_current")) == (1520, 1520)
    assert (readings.value("supply"), readings.value("protocol")) == ("usb", "PD")
    assert (readings.value("offered_current"), readings.value("input_voltage")) == (3000, 8980)
    assert readings.value("orientation") == "normal"
    assert "1520 mA, 4012 mV, 29 °C, charging" in readings.value("curve")[0].replace("29.0", "29")


async def test_from_70_percent_on_the_current_is_told_and_not_compared() -> None:
    readings = await charge(Port(level=70))
    assert readings.value("current") == 1520
    assert "70 %" in readings.unread["bulk_current"].reason.en


async def test_a_phone_with_power_that_does_not_charge_does_not() -> None:
    assert (await charge(Port(status=4))).value("charging") is False


@pytest.mark.parametrize(
    "port",
    [
        Port(status=4, level=79, extra=" mProtectBatteryMode: 4\n mProtectionThreshold: 80\n"),
        Port(status=4, level=80, extra="  Charging policy: 4\n"),
        Port(status=4, temperature=481),
        Port(status=4, temperature=-20),
    ],
)
async def test_a_phone_that_has_a_reason_not_to_charge_is_not_judged(port: Port) -> None:
    assert (await charge(port)).unread["charging"].reason.en


async def test_a_phone_without_power_is_not_measured() -> None:
    with pytest.raises(NotRun, match="not plugged in"):
        await charge(Port(plugged=False))


async def test_values_that_a_tool_has_set_and_frozen_are_not_measured() -> None:
    with pytest.raises(NotRun, match="frozen"):
        await charge(Port(plugged=False, extra="  (UPDATES STOPPED -- use 'reset' to restart)\n"))


@pytest.mark.parametrize(
    ("current", "status", "milliampere"),
    [
        ("1520000", 2, 1520),
        ("-1520000", 2, 1520),  # makers differ in which way is plus
        ("1520", 2, 1520),  # mA where the kernel's rule is µA: as µA it would be no charge
        ("12000", 2, 12),
        ("1520", 3, None),  # not charging: either is possible
        ("20", 2, None),
    ],
)
async def test_the_unit_of_the_current_is_settled_or_left_in_doubt(
    current: str, status: int, milliampere: int | None
) -> None:
    readings = await charge(Port(current=current, status=status))
    if milliampere is None:
        assert current in readings.unread["current"].reason.en
    else:
        assert readings.value("current") == milliampere


def test_the_current_of_a_window_is_its_median() -> None:
    port = Port()
    looks = []
    for current in ("100000", "1500000", "1600000"):
        port.current = current
        looks.append(look_of(Decimal(len(looks)), port._battery().encode(), port._supplies().encode()))
    window = Window(looks)
    assert (window.current_mA, len(window.curve)) == (1500, 3)


async def test_the_plug_turned_over_is_seen_by_the_port_and_compared() -> None:
    port = Port()
    acts = {"plug-out": port.pull, "plug-turned": port.put_back("reverse", current="1216000")}
    readings = await charge(port, acts, turn=True)
    assert readings.value("both_ways") is True
    assert readings.measured["both_ways"].source == "seen by the port"
    assert (readings.value("current_other_way"), readings.value("way_difference")) == (1216, Decimal("20.0"))


async def test_a_side_that_gives_no_power_fails() -> None:
    port = Port()
    acts = {"plug-out": port.pull, "plug-turned": port.put_back("reverse", status=3, plugged=False)}
    acts["plug-back"] = port.put_back("normal", status=2, plugged=True)
    readings = await charge(port, acts, turn=True, timeout_s=1)
    assert readings.value("both_ways") is False


async def test_a_side_on_which_the_phone_is_not_even_seen_fails_when_the_other_brings_it_back() -> None:
    port = Port()
    acts: dict[str, Any] = {"plug-out": port.pull, "plug-turned": "no-reaction", "plug-back": port.put_back("normal")}
    readings = await charge(port, acts, turn=True, timeout_s=1)
    assert readings.value("both_ways") is False
    assert "no data" in readings.measured["both_ways"].source


async def test_a_phone_that_comes_back_neither_way_is_the_cables_trouble_and_no_fail() -> None:
    port = Port()
    acts: dict[str, Any] = {"plug-out": port.pull, "plug-turned": "no-reaction", "plug-back": "no-reaction"}
    with pytest.raises(DeviceGone):
        await charge(port, acts, turn=True, timeout_s=1)


async def test_a_plug_that_comes_back_the_same_way_round_is_asked_for_twice_and_not_judged() -> None:
    port = Port()
    person = ScriptedPerson({"plug-out": port.pull, "plug-turned": port.put_back("normal")})
    bench = PortBench(port, person)
    readings = await run_on("android.charging", bench, **QUICK | {"turn": True})  # type: ignore[arg-type]
    assert list(person.order()) == ["plug-out", "plug-turned"] * 2
    assert "same way round" in readings.unread["both_ways"].reason.en


async def test_a_plug_that_fits_one_way_only_is_not_turned() -> None:
    readings = await charge(Port(side=""), {"plug-kind": "single"}, turn=True)
    assert "one way only" in readings.unread["both_ways"].reason.en


async def test_what_a_person_skips_leaves_the_rest_standing() -> None:
    readings = await charge(Port(), turn=True, wiggle_s=1, wireless="ask")
    assert readings.value("charging") is True
    assert {"both_ways", "drops", "wireless"} <= readings.unread.keys()


async def test_each_loss_of_power_while_the_plug_is_wiggled_counts_once() -> None:
    port = Port()

    def wiggle() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, lambda: setattr(port, "plugged", False))
        loop.call_later(0.9, lambda: setattr(port, "plugged", True))

    readings = await charge(port, {"wiggle-plug": wiggle}, wiggle_s=2)
    assert readings.value("drops") == 1


async def test_a_link_that_is_lost_while_the_plug_is_wiggled_is_a_loss_and_is_waited_for() -> None:
    port = Port()

    def wiggle() -> None:
        port.here = False
        asyncio.get_running_loop().call_later(0.4, lambda: setattr(port, "here", True))

    readings = await charge(port, {"wiggle-plug": wiggle}, wiggle_s=1)
    assert readings.value("drops") == 1


async def test_a_plug_that_holds_loses_nothing() -> None:
    assert (await charge(Port(), {"wiggle-plug": lambda: None}, wiggle_s=1)).value("drops") == 0


async def test_a_pad_is_asked_for_where_the_phone_lists_a_coil() -> None:
    without = await charge(Port(), wireless="auto")
    assert "no wireless supply" in without.unread["wireless"].reason.en
    with_coil = await charge(Port(coil=True), {"on-pad": "not-shown"}, wireless="auto")
    assert with_coil.value("wireless") is False


async def test_the_phones_history_proves_the_pad_whatever_the_person_says() -> None:
    port = Port(coil=True)

    class Layer:
        async def ask(self, prompt: Any) -> Any:
            port.pads += 1
            return await ScriptedPerson({"on-pad": "not-shown"}).ask(prompt)

    readings = await run_on("android.charging", PortBench(port, Layer()), **QUICK | {"wireless": "auto"})  # type: ignore[arg-type]
    assert readings.value("wireless") is True
    assert "history" in readings.measured["wireless"].source


async def test_no_pad_at_the_bench_is_not_a_fail() -> None:
    readings = await charge(Port(coil=True), {"on-pad": "no-pad"}, wireless="auto")
    assert "no pad" in readings.unread["wireless"].reason.en
