"""Whether the parts that only the main board can answer for do: power chip, gauge, rails, thermal sensors; its resets.

What the battery service, the thermal HAL, the kernel's regulators and zones say, and why the phone has started of late
(AOSP keeps the last starts in a property). What a bench supply shows of the board is another check.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.battery_dump import READ_BATTERY, battery_now
from probes.captured import integer
from probes.crashes import CLOCK, UPTIME, phone_clock, proc_uptime
from probes.rails import READ_RAILS, power_rails
from probes.thermal_dump import READ_SERVICE, READ_ZONES, thermal_zones, thermalservice
from probes.units import FLAG, LIST

__all__ = ["boot_history", "mainboard"]


#: Words of boot reasons that the board, not the user or the software, caused: its power, its watchdog, its heat (AOSP
#: system/core/bootstat, kBootReasonMap; canonical boot reason of source.android.com).
_HARDWARE = (
    "watchdog", "wdog", "undervoltage", "uvlo", "under_voltage", "pmic", "smpl", "hard_reset", "hw_reset", "thermal",
    "overheat", "temp", "power_loss", "brownout", "ocp", "spmi", "battery_removed", "batt_remove",
)  # fmt: skip
#: Hours that "of late" is, and the longest list that is looked at.
_WINDOW_H, _MOST_STARTS = 168, 64
_NO_HISTORY = Words(
    "this phone keeps no list of its starts (persist.sys.boot.reason.history)",
    "此手机不保存启动记录（persist.sys.boot.reason.history）",
)
_NO_CLOCK = Words("the phone's clock could not be read", "无法读取手机时间")
_NO_VOLTAGE = "battery voltage"
_NO_TEMPERATURE = "battery temperature"


def boot_history(text: str) -> list[tuple[str, int]]:
    """The starts that the phone remembers, newest first: reason and seconds since 1970."""
    starts: list[tuple[str, int]] = []
    for line in text.splitlines()[:_MOST_STARTS]:
        reason, comma, epoch = line.rpartition(",")
        if comma and reason and (moment := integer(epoch)) is not None:
            starts.append((reason.strip(), moment))
    return starts


def _of_hardware(reason: str) -> bool:
    return any(word in reason.lower() for word in _HARDWARE)


def _resets(props: dict[str, str], clock: Heard, window_h: int) -> Iterator[Reading]:
    source = "getprop persist.sys.boot.reason.history"
    starts = boot_history(props.get("persist.sys.boot.reason.history", ""))
    now = clock.get("epoch_s")
    if not starts or now is None:
        last = props.get("sys.boot.reason") or props.get("ro.boot.bootreason") or ""
        if now is not None and last and _of_hardware(last):  # at least the last start is known
            yield Measurement("hardware_resets", Decimal(1), "getprop sys.boot.reason")
            yield Measurement("reset_reasons", as_value([last]), "getprop sys.boot.reason")
            return
        yield Unread("hardware_resets", _NO_HISTORY if now is not None else _NO_CLOCK, source)
        return
    late = [reason for reason, moment in starts if moment >= now - 3600 * window_h]
    broken = [reason for reason in late if _of_hardware(reason)]
    yield Measurement("starts", Decimal(len(late)), source)
    yield Measurement("hardware_resets", Decimal(len(broken)), source)
    if broken:
        yield Measurement("reset_reasons", as_value(broken), source)


def _silent(gauge: Heard, service: Heard, zones: Heard) -> Iterator[Reading]:
    """What should answer and does not. A battery at exactly 0 mV or without a temperature is a gauge that is silent."""
    if not gauge.facts or gauge.get("updates_stopped"):
        yield Unread("silent_chips", gauge.reason("voltage_mV"), gauge.source)
    else:
        silent = [] if gauge.get("voltage_mV") or "voltage_raw" in gauge.facts else [_NO_VOLTAGE]
        temperature = gauge.get("temperature_C")
        # -30 °C is what kernels give for an open thermistor; a phone on a bench is never colder.
        if "voltage_raw" not in gauge.facts and (temperature is None or temperature <= -30):
            silent.append(_NO_TEMPERATURE)
        if gauge.get("present") is False:
            silent.append("battery")
        if service.get("hal_ready") is False:
            silent.append("thermal HAL")
        sources = [gauge.source] + ([service.source] if service.facts else [])
        yield Measurement("silent_chips", as_value(silent), ", ".join(sources))
    if not zones.facts:
        yield Unread("silent_zones", zones.reason("zones"), zones.source)
        return
    names = [*(zones.get("silent_zones") or ()), *(zones.get("open_zones") or ())]
    yield reading("thermal_zones", zones, "zones")
    yield Measurement("silent_zones", as_value(names), zones.source)


_RAILS_CLOSED = Words(
    "this phone keeps its power rails closed to the cable; measure them on the open board",
    "此手机不通过数据线开放各路供电信息；请拆机在主板上测量",
)


def _rails(said: Heard) -> Iterator[Reading]:
    """How many rails the kernel tells of, and those that it calls faulty itself."""
    rails = said.get("rails")
    if rails is None:
        for name in ("power_rails", "failed_rails"):
            yield Unread(name, _RAILS_CLOSED, said.source)
        return
    yield Measurement("power_rails", Decimal(len(rails)), said.source)
    if any("status" in one for one in rails):
        failed = [str(one["name"]) for one in rails if one.get("status") == "error"]
        yield Measurement("failed_rails", as_value(failed), f"{said.source}: status")
    else:
        yield Unread("failed_rails", _RAILS_CLOSED, said.source)


@probe(
    "android.mainboard",
    needs=Shell,
    reads=(READ_BATTERY, READ_SERVICE, READ_ZONES, READ_RAILS, getprop.READ, CLOCK, UPTIME),
    measures={
        "silent_chips": LIST,
        "thermal_zones": "1",
        "silent_zones": LIST,
        "power_rails": "1",
        "failed_rails": LIST,
        "starts": "1",
        "hardware_resets": "1",
        "reset_reasons": LIST,
        "uptime": "h",
        "hal_ready": FLAG,
    },
    names={
        "silent_chips": Words("no answer from", "无响应"),
        "thermal_zones": Words("thermal zones", "温区数"),
        "silent_zones": Words("thermal zones without a reading", "无读数的温区"),
        "power_rails": Words("power rails", "供电路数"),
        "failed_rails": Words("rails in error", "异常的供电"),
        "starts": Words("starts, last days", "近日启动次数"),
        "hardware_resets": Words("hardware resets", "硬件复位次数"),
        "reset_reasons": Words("reasons of resets", "复位原因"),
        "uptime": Words("time since restart", "开机时长"),
        "hal_ready": Words("thermal service ready", "热管理服务就绪"),
    },
)
async def mainboard(bench: Bench, *, window_h: int = _WINDOW_H) -> AsyncIterator[Reading]:
    """Gauge, rails and thermal sensors of the board: whether all answer, and how often it reset itself.

    Settings: `window_h`, how many hours back resets count, on the phone's own clock.
    """
    gauge = hear(bench, READ_BATTERY, battery_now)
    service = hear_second(bench, READ_SERVICE, thermalservice)
    zones = hear_second(bench, READ_ZONES, thermal_zones, "/sys/class/thermal")
    hear_second(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    clock = hear_second(bench, CLOCK, phone_clock, "date")
    uptime = hear_second(bench, UPTIME, proc_uptime, "/proc/uptime")
    for found in _silent(gauge, service, zones):
        yield found
    for found in _rails(hear_second(bench, READ_RAILS, power_rails, "/sys/class/regulator")):
        yield found
    if service.get("hal_ready") is not None:
        yield reading("hal_ready", service, "hal_ready", words="HAL Ready")
    for found in _resets(props, clock, window_h):
        yield found
    yield reading("uptime", uptime, "uptime_s", lambda seconds: (seconds / 3600).quantize(Decimal("0.1")))
