"""What the phone's satellite receiver has seen: satellites, carrier-to-noise, time to the first fix.

One parser for the dump of the location service (Android 5 to 16); its key figures run from the phone's start or from
the bench's own window. Where the phone lay while they ran is the checklist's word, because no phone knows it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import NOT_SAID, Heard, hear_apart, hear_second_apart, reading
from probes.apart import apart
from probes.api import Bench, Measurement, NotApplicable, Parsed, Reading, Unread, parser, probe
from probes.captured import decimal, integer, note, plain_numbers, stripped_lines
from probes.cut import without_cut_value
from probes.telephony import READ_FEATURES, pm_features
from probes.units import LIST

__all__ = ["gnss", "location", "window"]

#: Whole numbers and decimals by the words that the dump prints before them (AOSP GnssMetrics).
_COUNTS = {
    "Number of location reports": "location_reports",
    "Number of TTFF reports": "ttff_reports",
    "Number of CN0 reports": "cn0_reports",
    "Number of L5 CN0 reports": "l5_cn0_reports",
}
_MEANS = {
    "TTFF mean (sec)": "ttff_mean_s",
    "Position accuracy mean (m)": "accuracy_mean_m",
    "Top 4 Avg CN0 mean (dB-Hz)": "top4_cn0_mean_dBHz",
    "L5 Top 4 Avg CN0 mean (dB-Hz)": "l5_top4_cn0_mean_dBHz",
}
_FIGURES = _COUNTS | _MEANS
_SATELLITES = re.compile(r"Satellite Data for ([0-9]{1,6}) satellites", re.ASCII)
#: Java's Float.MAX_VALUE as an accuracy: a fix that a receiver invented without a satellite.
_ZERO_FIX = re.compile(
    r"\b(?:acc|hAcc)=(?:340282346638528860000000000000000000000(?![0-9])|3\.4028235E\+?38\b)", re.ASCII
)
#: What the dump begins with to Android 11, and after it; the key figures alone are read as well.
_HEADS = ("current location manager state", "location manager state")
_GPS_FIX = re.compile(r"\bLocation\[gps\b")
_FIX_FIELD = re.compile(r"\b(satellites|maxCn0|meanCn0)=([0-9]{1,3}(?:\.[0-9]{1,9})?)(?![0-9.])", re.ASCII)
_SWITCH = re.compile(r"(?:Location mode: |\[u0\] )(true|false)$", re.ASCII)


@parser("location")
def location(data: bytes) -> Parsed:
    """`dumpsys location`: the key figures of the satellite receiver, its last fix, and whether location is on."""
    parsed = Parsed()
    facts = parsed.facts
    lines = without_cut_value(stripped_lines(data), data)
    if not any(line.lower().startswith(_HEADS) or "GNSS_KPI_START" in line for line in lines):
        return parsed
    facts |= {"gnss_kpi_present": False, "gps_zero_fix": False}
    for line in lines:
        _figure(parsed, line)
        if "GNSS_KPI_START" in line:
            facts["gnss_kpi_present"] = True
        if "Satellite Data" in line and (found := _SATELLITES.search(line)):
            facts.setdefault("satellite_records", int(found[1]))
        if "cc=" in line and _ZERO_FIX.search(plain_numbers(line)):  # until Android 11 in the phone's own digits
            facts["gps_zero_fix"] = True
        if "Location[gps" in line and _GPS_FIX.search(line):
            for name, value in _FIX_FIELD.findall(line):
                facts.setdefault(f"fix_{name}", Decimal(value))
        if line.endswith(("true", "false")) and (found := _SWITCH.fullmatch(line)):
            facts.setdefault("location_on", found[1] == "true")
        if line.startswith("Used-in-fix constellation types:") and (text := line.partition(":")[2].split()):
            facts.setdefault("constellations", text)
    return parsed


def _figure(parsed: Parsed, line: str) -> None:
    """A key figure, the first of its name."""
    label, _, text = line.partition(":")
    fact = _FIGURES.get(label)
    if fact is None or fact in parsed.facts or not text.strip():
        return
    value = integer(text) if label in _COUNTS else decimal(text)
    if value is None:
        note(parsed, fact, text.strip(), "a number")
    else:
        parsed.facts[fact] = value


def window(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The key figures of the time between two dumps: counts are subtracted, means are those of the new reports alone.

    A phone whose figures were reset in between (fewer reports than before) keeps those of the second dump.
    """
    found = dict(after)
    for count, mean in (("cn0_reports", "top4_cn0_mean_dBHz"), ("ttff_reports", "ttff_mean_s")):
        if count not in after:
            continue
        old, new = int(before.get(count) or 0), int(after.get(count) or 0)
        if new < old:
            continue
        found[count] = new - old
        found.pop(mean, None)
        if new > old and mean in after:
            total = Decimal(after[mean]) * new - (Decimal(before[mean]) * old if mean in before else 0)
            found[mean] = total / (new - old)
    return found


_READ = Command("location", "dumpsys location", timeout_s=15.0, limit=4 * 1024 * 1024)
_MODE = Command("location-mode", "settings get secure location_mode", timeout_s=10.0, limit=4096)
Place = Literal["indoors", "open-sky", "repeater"]

_NO_GPS = Words("the phone says that it is built without a satellite receiver", "手机声明其出厂不带卫星定位")
_SWITCHED_OFF = Words(
    "location is switched off; turn it on, open a map and run this again", "定位已关闭；请打开定位和地图后重测"
)
_INDOORS = Words(
    "the phone lies indoors, where no limit holds; run this under open sky or beside the repeater (setting “place”)",
    "手机在室内，无适用限值；请在开阔天空下或信号转发器旁重测（设置项“place”）",
)
_ELSEWHERE = Words("the phone lies elsewhere (setting “place”)", "手机不在该位置（设置项“place”）")
_FEW = Words(
    "the receiver gave {found} reports and at least {wanted} are needed; keep a map open for a minute, run this again",
    "接收机只有 {found} 次报告，至少需要 {wanted} 次；请保持地图打开一分钟后重测",
)
_NO_FIGURES = Words(
    "this Android prints no carrier-to-noise figures (they come with Android 8)",
    "此安卓版本不提供载噪比数据（安卓 8 起提供）",
)


@probe(
    "android.gnss",
    needs=Shell,
    reads=(_READ, _MODE, READ_FEATURES),
    measures={
        "cn0_top4": "dB[Hz]",
        "cn0_open_sky": "dB[Hz]",
        "cn0_repeater": "dB[Hz]",
        "cn0_reports": "1",
        "satellites": "1",
        "time_to_fix": "s",
        "fix_accuracy": "m",
        "constellations": LIST,
    },
    names={
        "cn0_top4": Words("mean of the best four", "最强四星均值"),
        "cn0_open_sky": Words("best four, open sky", "最强四星（开阔天空）"),
        "cn0_repeater": Words("best four, beside the repeater", "最强四星（转发器旁）"),
        "cn0_reports": Words("reports", "报告次数"),
        "satellites": Words("satellites in the last fix", "最近定位的卫星数"),
        "time_to_fix": Words("mean time to the first fix", "首次定位平均用时"),
        "fix_accuracy": Words("mean accuracy", "平均定位精度"),
        "constellations": Words("constellations", "卫星系统"),
    },
)
async def gnss(
    bench: Bench, *, place: Place = "indoors", least_reports: int = 10, listen_s: int = 0
) -> AsyncIterator[Reading]:
    """Satellites, carrier-to-noise and time to fix, as the phone's own key figures have them.

    Settings: `place` says where the phone lies; `least_reports`, how many reports a mean needs; `listen_s`, seconds to
    watch (a map is open meanwhile), so that only what is received now counts; 0 takes the figures since the start.
    """
    said = await hear_apart(bench, _READ, location)
    features = await hear_second_apart(bench, READ_FEATURES, pm_features)
    if features.get("has_gps") is False:
        raise NotApplicable(_NO_GPS)
    if listen_s and said.get("gnss_kpi_present"):
        said = await _listened(bench, said, listen_s)
    for one in _carrier_to_noise(said, place, least_reports, off=_is_off(bench, said)):
        yield one
    yield reading("cn0_reports", said, "cn0_reports")
    yield reading("satellites", said, "fix_satellites", words="Location[gps satellites")
    yield reading("time_to_fix", said, "ttff_mean_s", _milli, "TTFF mean (sec)")
    yield reading("fix_accuracy", said, "accuracy_mean_m", _milli, "Position accuracy mean (m)")
    yield reading("constellations", said, "constellations")


def _milli(value: Decimal) -> Decimal:
    """Three decimals: what follows is the phone's arithmetic, not its receiver."""
    return Decimal(value).quantize(Decimal("0.001")) if abs(value) < 1_000_000_000 else Decimal(value)


def _is_off(bench: Bench, said: Heard) -> bool:
    """Whether location is switched off: by the dump, else by the setting (LOCATION_MODE_OFF)."""
    if (on := said.get("location_on")) is not None:
        return on is False
    mode = bench.answer(_MODE.name)
    return mode.failure is None and mode.text.strip() == "0"


async def _listened(bench: Bench, before: Heard, seconds: int) -> Heard:
    """The figures of the next `seconds`; raises the DriverError of a broken link."""
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    await asyncio.sleep(seconds)
    later = await shell.run(_READ.script, deadline_s=_READ.timeout_s, limit=_READ.limit)
    if later.failure is not None:
        raise later.failure
    after = await apart(location, later.stdout)
    return Heard(f"{before.source}, {seconds} s", window(before.facts, after.facts), before.why)


def _carrier_to_noise(said: Heard, place: Place, least: int, *, off: bool) -> Iterator[Reading]:
    """The mean of the best four, once as such and once for the place whose limit holds."""
    source = f"{said.source}: Top 4 Avg CN0 mean"
    mean, reports = said.get("top4_cn0_mean_dBHz"), int(said.get("cn0_reports") or 0)
    names = {"open-sky": "cn0_open_sky", "repeater": "cn0_repeater"}
    why = None
    if mean is None or reports < least:
        few = _FEW.fill(found=str(reports), wanted=str(least)) if said.get("gnss_kpi_present") else _NO_FIGURES
        why = _SWITCHED_OFF if off else few if said.facts else said.reason("top4_cn0_mean_dBHz")
    if mean is None:
        yield Unread("cn0_top4", why or NOT_SAID, source)
    else:
        yield Measurement("cn0_top4", _milli(mean), source)
    for here, name in names.items():
        if why is not None or here != place:
            yield Unread(name, why or (_INDOORS if place == "indoors" else _ELSEWHERE), source)
        else:
            yield Measurement(name, _milli(mean), source)
