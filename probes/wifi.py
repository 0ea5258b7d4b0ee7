"""Whether Wi-Fi is on and joined, and how strong the bench's access point is heard in each band and on each antenna.

Parsers for the dump of the Wi-Fi service, for `cmd wifi status` and for the tables of scan results of Android 2 to 16.
Only an access point whose strength is known is judged: the bench's (setting `ssid`), else the one that is joined. What
a good signal is, is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode
from probes.answers import NOT_SAID, Heard, hear_apart, hear_second_apart, reading, unread
from probes.apart import apart
from probes.api import Bench, Measurement, NotApplicable, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import cut_line, decimal, integer, note, raw_lines, stripped_lines, unquoted
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, LIST, TEXT

__all__ = ["BANDS", "Row", "band", "scan_rows", "wifi", "wifi_link", "wifi_scan", "wifi_status"]

_BSSID = re.compile(r", BSSID: (?:[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}|<\w{1,20}>|null|any)(?=,|$)", re.ASCII)
_UNKNOWN = ("", "<none>", "<unknown ssid>", "<NONE>")
_LINK = re.compile(r"(?:m?WifiInfo\b ?[:=]? ?)?\[?SSID: ")
#: android.net.wifi.SupplicantState; any other word at the very end of a dump is one that was cut.
_STATES = frozenset(
    (
        "DISCONNECTED", "INTERFACE_DISABLED", "INACTIVE", "SCANNING", "AUTHENTICATING", "ASSOCIATING", "ASSOCIATED",
        "FOUR_WAY_HANDSHAKE", "GROUP_HANDSHAKE", "COMPLETED", "DORMANT", "UNINITIALIZED", "INVALID",
    )
)  # fmt: skip
_WHOLE = re.compile(r".{0,80}: (?:[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}|<[\w ]{1,20}>|-?[0-9]{1,9}(?:Mbps|MHz|dBm))")
#: android.net.wifi.WifiInfo.INVALID_RSSI; vendors print lower values for the same thing.
INVALID_RSSI = -127


def _without_the_cut(rest: str) -> str:
    """The last line of a dump that ends in it, without the value that may be cut."""
    head, _, last = rest.rpartition(", ")
    state = last.removeprefix("Supplicant state: ")
    return rest if state in _STATES or _WHOLE.fullmatch(last) else head


def _wifi_info(lines: list[str], ended: bool) -> dict[str, str]:
    """The fields of the first line that describes the link; the network's name may hold anything, also commas.

    `ended` says whether the last line is whole.
    """
    for at, line in enumerate(lines):
        if "SSID: " not in line or not (found := _LINK.match(line)):
            continue
        rest = f"SSID: {line[found.end() :]}"
        last = at == len(lines) - 1 and not ended
        if ", Supplicant state: " not in rest and not (last and ", BSSID: " in rest):
            continue
        rest = _without_the_cut(rest) if last else rest
        head = rest.rpartition(", Supplicant state: ")[0] or rest
        printed = [found.start() for found in _BSSID.finditer(head)]
        cut = printed[-1] if printed else head.find(", BSSID: ")
        if cut < 0:
            continue
        fields = {"SSID": rest[len("SSID: ") : cut]}
        for item in rest[cut + 2 :].split(", "):
            name, colon, value = item.partition(": ")
            if colon:
                fields.setdefault(name, value.strip())
        return fields
    return {}


def _measured(text: str, unit: str) -> int | None:
    return integer(text.removesuffix(unit))


@parser("wifi")
def wifi(data: bytes) -> Parsed:
    """`dumpsys wifi`: on or off, and the current link."""
    return _link(data, "Wi-Fi")


@parser("wifi_status")
def wifi_status(data: bytes) -> Parsed:
    """`cmd wifi status` (Android 11): the same in fewer lines."""
    return _link(data, "Wifi")


def _link(data: bytes, name: str) -> Parsed:
    lines = stripped_lines(data)
    parsed = Parsed()
    facts = parsed.facts
    on, off = f"{name} is enabled", f"{name} is disabled"
    if said := next((line for line in lines if line.startswith((on, off))), ""):
        facts["enabled"] = said.startswith(on)
    fields = _wifi_info(lines, not cut_line(data))
    for name, fact in (("SSID", "ssid"), ("BSSID", "bssid"), ("MAC", "mac")):
        if (said := fields.get(name, "")) != "null" and (text := unquoted(said)) not in _UNKNOWN:
            facts[fact] = text
    if state := fields.get("Supplicant state"):
        facts["supplicant_state"] = state
        facts["connected"] = state == "COMPLETED"
    for name, unit, fact, least in (
        ("RSSI", "dBm", "rssi_dBm", INVALID_RSSI + 1),
        ("Link speed", "Mbps", "link_speed_Mbps", 0),
        ("Frequency", "MHz", "frequency_MHz", 0),
    ):
        if not (text := fields.get(name, "")):
            continue
        if (value := _measured(text, unit)) is None:
            note(parsed, fact, text, f"a number of {unit}")
        elif value >= least:
            facts[fact] = value
    return parsed


# On a phone in use the whole dump is many megabytes of history; the phone itself picks the lines that count.
_READ = Command(
    "wifi",
    "dumpsys wifi | grep -E '^Wi-Fi is |WifiInfo SSID: |^ *SSID: |Permission|find service|Exception' || dumpsys wifi",
    timeout_s=20.0,
    limit=4 * 1024 * 1024,
)
_STATUS = Command("wifi-status", "cmd wifi status", timeout_s=10.0, limit=256 * 1024)
#: Bands by centre frequency in MHz (IEEE 802.11-2024 annex E; 6 GHz begins above channel 177 of the 5 GHz band), and
#: the ending of their measurements' names.
BANDS = (("2.4 GHz", 2400, 2500, "2g4"), ("5 GHz", 4900, 5900, "5g"), ("6 GHz", 5925, 7125, "6g"))


def band(frequency_mhz: int) -> str | None:
    """The Wi-Fi band of a centre frequency, None for a frequency of none."""
    return next((name for name, low, high, _ in BANDS if low <= frequency_mhz <= high), None)


# --- scan results ----------------------------------------------------------------------------------------------------

_ROW = re.compile(
    r" {0,8}((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}) {1,20}([0-9]{4,5}) {1,20}(-[0-9]{1,3})(?:\(([^()]{1,60})\))?"
    r" {1,40}(\S.*)",
    re.ASCII,
)
#: `0:-62/1:-67`: the level of each antenna.
_CHAIN = re.compile(r"([0-9]): {0,4}(-[0-9]{1,3})", re.ASCII)
#: Seconds since it was heard: `3.300`, `3,300` where the phone's language has it so, `>1000.0`, `___?___`.
_AGE = re.compile(r"(>?)([0-9]{1,9})[.,]([0-9]{1,3})\+?|___\?___", re.ASCII)
_FLAGS_FIRST = re.compile(r"(?:\[[^\]]{0,80}\]){1,40} *", re.ASCII)
_FLAGS_LAST = re.compile(r"(?:\[[^\]]{0,80}\] ?){1,40}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One access point as heard: MHz, dBm (`chains` of each antenna), seconds since (None: not said)."""

    bssid: str
    frequency_mhz: int
    rssi_dbm: int
    chains: tuple[int, ...]
    age_s: Decimal | None
    ssid: str


def _age_and_rest(text: str) -> tuple[Decimal | None, str]:
    word, _, rest = text.partition(" ")
    found = _AGE.fullmatch(word)
    if found is None:
        return None, text
    age = decimal(f"{found[2]}.{found[3]}") if found[2] else None
    return age, rest.strip()


def _row(line: str) -> Row | None:
    found = _ROW.fullmatch(line[:2000])
    if found is None:
        return None
    age, rest = _age_and_rest(found[5])
    flags = _FLAGS_FIRST.match(rest)
    ssid = rest[flags.end() :] if flags and flags.end() < len(rest) else _FLAGS_LAST.sub("", rest)
    chains = tuple(int(level) for _, level in _CHAIN.findall(found[4] or ""))
    return Row(found[1].lower(), int(found[2]), int(found[3]), chains, age, ssid.strip())


def scan_rows(data: bytes) -> list[Row]:
    """The rows of a table of scan results, the first of each access point."""
    rows: dict[tuple[str, int], Row] = {}
    for line in raw_lines(data):
        if row := _row(line):
            rows.setdefault((row.bssid, row.frequency_mhz), row)
    return list(rows.values())


@parser("wifi_scan")
def wifi_scan(data: bytes) -> Parsed:
    """`cmd wifi list-scan-results` (Android 11), or the same table in `dumpsys wifiscanner` and `dumpsys wifi`."""
    parsed = Parsed()
    rows = scan_rows(data)
    if not rows:
        return parsed
    parsed.facts["access_points"] = len(rows)
    parsed.facts["bands"] = sorted({name for row in rows if (name := band(row.frequency_mhz))})
    for name, _, _, ending in BANDS:
        levels = [row.rssi_dbm for row in rows if band(row.frequency_mhz) == name and row.rssi_dbm > INVALID_RSSI]
        if levels:
            parsed.facts[f"best_{ending}_dBm"] = max(levels)
    if not any(row.age_s is not None for row in rows):
        parsed.problems.append(Problem("age_s", "the table does not say how old its rows are", "扫描结果未注明时间"))
    return parsed


# --- the check -------------------------------------------------------------------------------------------------------

_START = Command("wifi-scan-start", "cmd wifi start-scan", timeout_s=5.0, limit=4096)
# The newest source that knows a table answers; neighbours' names are of no use, but there is no table without them.
_SCAN = Command(
    "wifi-scan",
    "cmd wifi list-scan-results 2>&1 | grep -E ':.*:.*:.* -[0-9]|Permission|Security' || "
    "dumpsys wifiscanner 2>&1 | grep -E '^ *[0-9a-fA-F:]+ +[0-9]+ +-[0-9]|Permission' || "
    "dumpsys wifi | grep -E '^ *[0-9a-fA-F:]+ +[0-9]+ +-[0-9]|Permission'",
    timeout_s=20.0,
    limit=512 * 1024,
)
#: Seconds that a scan of all bands takes at most on a phone that is not transferring (AOSP WifiScanningServiceImpl).
_SCANNING_S = 4.0
_SCANS = 3

_NO_WIFI = Words("the phone says that it is built without Wi-Fi", "手机声明其出厂不带 Wi-Fi")
_NOT_JOINED = Words(
    "the phone is not joined to an access point; join the bench's and run this again",
    "手机未连接 Wi-Fi；请连接工位的 Wi-Fi 接入点后重测",
)
_OFF = Words("Wi-Fi is off; turn it on and run this again", "Wi-Fi 已关闭；请打开后重测")
_NO_BENCH_AP = Words(
    "the strength of these access points is not known; join the bench's or name it (setting “ssid”), run this again",
    "无法判断这些接入点的发射强度；请连接工位接入点或在设置项“ssid”中指定后重测",
)
_BAND_UNHEARD = Words(
    "the bench's access point was not heard at {band}; it may not be on the air there",
    "{band} 频段未收到工位接入点信号",
)
_NO_SCAN = Words(
    "the phone shows no fresh scan; switch location on, open its Wi-Fi page and run this again",
    "手机没有最新的扫描结果；请打开定位服务及 Wi-Fi 页面后重测",
)
_NO_CHAINS = Words("this phone does not print the level of each antenna", "此手机不提供各天线的信号强度")
_NO_BANDS = Words(
    "the checklist does not say on which bands the bench's access point is (setting “bands”)",
    "检测清单未指定工位接入点的频段（设置项“bands”）",
)
_JUDGED = tuple(f"rssi_{ending}" for *_, ending in BANDS)
_REFERENCED = tuple(f"bench_rssi_{ending}" for *_, ending in BANDS)


def _of_link(name: str, said: Heard, fact: str) -> Reading:
    """A value of the link, or why there is none: off, not joined, or not said."""
    if said.get("connected"):
        return reading(name, said, fact)
    if not said.facts:
        return Unread(name, said.reason(fact), said.source)
    why = _OFF if said.get("enabled") is False else _NOT_JOINED
    return Unread(name, why if said.get("connected") is False or why is _OFF else NOT_SAID, said.source)


def _fresh(rows: Sequence[Row], max_age_s: int) -> list[Row]:
    return [row for row in rows if row.age_s is not None and row.age_s <= max_age_s]


async def _rescanned(shell: Shell, max_age_s: int) -> list[Row]:
    """What a new scan hears; empty when the phone does not scan when asked. Raises the DriverError of a bad link."""
    for _ in range(_SCANS):
        started = await shell.run(_START.script, deadline_s=_START.timeout_s, limit=_START.limit)
        if started.failure is not None:
            raise started.failure
        if started.exit_code not in (0, None):
            return []
        await asyncio.sleep(_SCANNING_S)
        listed = await shell.run(_SCAN.script, deadline_s=_SCAN.timeout_s, limit=_SCAN.limit)
        if listed.failure is not None:
            raise listed.failure
        if rows := _fresh(await apart(scan_rows, listed.stdout), max_age_s):
            return rows
    return []


def _bench_levels(rows: Sequence[Row], said: Heard, ssid: str) -> dict[str, int]:
    """The strongest level of that network in each band, the link's own among them."""
    found = [(row.frequency_mhz, row.rssi_dbm) for row in rows if row.ssid == ssid]
    if said.get("connected") and said.get("ssid") == ssid:
        found.append((said.get("frequency_MHz") or 0, said.get("rssi_dBm") or INVALID_RSSI))
    levels: dict[str, int] = {}
    for frequency, level in found:
        if (name := band(frequency)) and level > INVALID_RSSI:
            levels[name] = max(level, levels.get(name, level))
    return levels


def _in_bands(levels: dict[str, int], named: bool, why: Words | None, source: str) -> Iterator[Reading]:
    """The bench's access point in each band; what is compared with the reference phones only where it has a name."""
    for (name, *_), measure, reference in zip(BANDS, _JUDGED, _REFERENCED, strict=True):
        if name in levels:
            yield Measurement(measure, Decimal(levels[name]), source)
        else:
            yield Unread(measure, why or _BAND_UNHEARD.fill(band=name), source)
        if name in levels and named:
            yield Measurement(reference, Decimal(levels[name]), source)
        else:
            yield Unread(reference, why or (_BAND_UNHEARD.fill(band=name) if named else _NO_BENCH_AP), source)


def _chains(rows: Sequence[Row], ssid: str) -> Reading:
    """How far the antennas are apart where the bench's access point is heard best."""
    source = "cmd wifi list-scan-results: RSSI of each antenna"
    several = [row for row in rows if row.ssid == ssid and len(row.chains) > 1]
    if not several:
        return Unread("antenna_difference", _NO_CHAINS, source)
    best = max(several, key=lambda row: row.rssi_dbm)
    return Measurement("antenna_difference", Decimal(max(best.chains) - min(best.chains)), source)


def _scanned(rows: Sequence[Row], why: Words | None) -> Iterator[Reading]:
    source = "cmd wifi list-scan-results"
    if not rows:
        yield from unread(("access_points", "bands_heard"), why or _NO_SCAN, source)
        return
    yield Measurement("access_points", Decimal(len(rows)), source)
    heard = {band(row.frequency_mhz) for row in rows}
    yield Measurement("bands_heard", tuple(name for name, *_ in BANDS if name in heard), source)


@probe(
    "android.wifi",
    needs=Shell,
    reads=(_START, _READ, _STATUS, READ_FEATURES, READ_AIRPLANE, _SCAN),
    measures={
        "enabled": FLAG,
        "connected": FLAG,
        "supplicant_state": TEXT,
        "rssi": "dB[m]",
        "frequency": "MHz",
        "band": TEXT,
        "link_speed": "Mbit/s",
        "access_points": "1",
        "bands_heard": LIST,
        "bands_missing": LIST,
        "antenna_difference": "dB",
        **dict.fromkeys((*_JUDGED, *_REFERENCED), "dB[m]"),
    },
    names={
        "access_points": Words("access points heard", "搜到的 Wi-Fi 接入点数"),
        "bands_heard": Words("bands heard", "收到的频段"),
        "bands_missing": Words("bands not heard", "未收到的频段"),
        "antenna_difference": Words("antennas apart", "天线间差值"),
        **{f"rssi_{ending}": Words(f"signal at {name}", f"{name} 信号") for name, _, _, ending in BANDS},
        **{
            f"bench_rssi_{ending}": Words(f"signal at {name}, beside reference", f"{name} 信号（对比标准样机）")
            for name, _, _, ending in BANDS
        },
    },
)
async def wifi_link(
    bench: Bench,
    *,
    ssid: str = "",
    bands: tuple[Literal["2.4 GHz", "5 GHz", "6 GHz"], ...] = (),
    max_age_s: int = 60,
) -> AsyncIterator[Reading]:
    """Whether Wi-Fi is on and joined, and how strong the bench's access point is heard in each band.

    Settings: `ssid`, the bench's access point, else the one that is joined; `bands`, on which it is on the air, so that
    one that is not heard shows; `max_age_s`, the oldest scan that counts.
    """
    dump = await hear_apart(bench, _READ, wifi, "dumpsys wifi")
    status = await hear_second_apart(bench, _STATUS, wifi_status)
    features = await hear_second_apart(bench, READ_FEATURES, pm_features)
    if features.get("has_wifi") is False and not dump.facts:
        raise NotApplicable(_NO_WIFI)
    said = dump if "connected" in dump.facts or not status.facts else status
    yield reading("enabled", dump if "enabled" in dump.facts else said, "enabled")
    yield reading("connected", said, "connected")
    yield reading("supplicant_state", said, "supplicant_state")
    yield _of_link("rssi", said, "rssi_dBm")
    yield _of_link("frequency", said, "frequency_MHz")
    name = band(said.get("frequency_MHz") or 0)
    if said.get("connected") and name:
        yield Measurement("band", name, f"{said.source}: Frequency {Decimal(said.get('frequency_MHz'))} MHz")
    else:
        yield _of_link("band", said, "band")
    yield _of_link("link_speed", said, "link_speed_Mbps")
    off = (dump.get("enabled") if "enabled" in dump.facts else said.get("enabled")) is False
    why = None if said.facts else said.reason("enabled")
    if off:
        why = AIRPLANE_ON if airplane_mode(bench) else _OFF
    rows = [] if why else _fresh(await apart(scan_rows, bench.answer(_SCAN.name).stdout), max_age_s)
    known = ssid or (str(said.get("ssid") or "") if said.get("connected") else "")
    scans = bench.answer(_START.name).exit_code == 0
    if scans and not (why or rows or said.get("connected")):
        rows = await _rescanned(bench.capability(Shell), max_age_s)  # type: ignore[type-abstract]
    for one in (*_scanned(rows, why), *_of_bench(rows, said, known, named=bool(ssid), bands=bands, why=why)):
        yield one


def _of_bench(
    rows: Sequence[Row], said: Heard, known: str, *, named: bool, bands: Sequence[str], why: Words | None
) -> Iterator[Reading]:
    """What is judged: the access point whose strength is known."""
    source = f"{said.source}, cmd wifi list-scan-results"
    levels = _bench_levels(rows, said, known) if known and not why else {}
    if not why and not levels:
        why = _NO_BENCH_AP if rows and not known else _NO_SCAN if not rows and known else None
        why = why or (None if known else _NOT_JOINED)
    yield from _in_bands(levels, named, why, source)
    yield _chains(rows, known) if levels else Unread("antenna_difference", why or _NO_CHAINS, source)
    if not bands or not named or why is not None or not rows:
        # One link says nothing of the other bands: without a scan (location off, an old one) none of them is missing.
        unsaid = _NO_SCAN if bands and named else _NO_BANDS
        yield Unread("bands_missing", why or unsaid, source)
    else:
        yield Measurement("bands_missing", tuple(name for name in bands if name not in levels), source)
