"""Apps that explain complaints: those that crash, drain the battery, draw over others, administer or hold much storage.

Stands on the package list with installers, the app operations, the drop box, the battery's statistics and the sizes
that the disk statistics keep. Which apps a customer wants is theirs to say: nothing here is a fault of the phone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear, hear_second
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.battery_drain import READ_PACKAGES, battery_drain, draining_apps, package_uids
from probes.battery_dump import READ_STATS
from probes.captured import raw_lines, stripped_lines
from probes.crashes import DROPBOX
from probes.data_state import READ_APPS, installed_apps
from probes.device_policy import READ_POLICY, device_policy
from probes.units import LIST

__all__ = ["STORES", "app_sizes", "apps", "crashing_apps", "overlay_apps"]

_OVERLAY = Command("overlay", "cmd appops query-op SYSTEM_ALERT_WINDOW allow", timeout_s=10.0, limit=256 * 1024)
_SIZES = Command("app-sizes", "dumpsys diskstats", timeout_s=15.0, limit=512 * 1024)

#: Shops that come with phones; an app that another program installed came from a file.
STORES = frozenset(
    (
        "com.android.vending",
        "com.amazon.venezia",
        "com.bbk.appstore",
        "com.heytap.market",
        "com.hihonor.appmarket",
        "com.huawei.appmarket",
        "com.lenovo.leos.appstore",
        "com.meizu.mstore",
        "com.oppo.market",
        "com.sec.android.app.samsungapps",
        "com.vivo.appstore",
        "com.xiaomi.market",
        "com.xiaomi.mipicks",
    )
)
#: How often an app must have crashed, as far as the drop box goes back, to be called crashing again and again.
_OFTEN = 3
#: From here on an app with its data is worth naming, in bytes.
_MUCH = 5 * 10**9

_PACKAGE = re.compile(r"[A-Za-z]\w{0,250}(?:\.\w{1,250}){1,60}", re.ASCII)
_CRASH = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} (?:data|system)_app_(?:native_)?crash \(", re.ASCII)
_PROCESS = re.compile(r"Process: ([A-Za-z][\w.]{1,200})", re.ASCII)
_NO_SIZES = Words(
    "this Android keeps no sizes of apps yet; it makes them once a day", "系统尚未统计应用大小（每天统计一次）"
)


@parser("overlay_apps")
def overlay_apps(data: bytes) -> Parsed:
    """`cmd appops query-op SYSTEM_ALERT_WINDOW allow`: one package a line, or `No operations.`"""
    parsed = Parsed()
    lines = [line for line in stripped_lines(data) if line]
    found = [line for line in lines if _PACKAGE.fullmatch(line)]
    if found or any(line.startswith("No operations") for line in lines):
        parsed.facts["apps"] = list(dict.fromkeys(found))
    return parsed


@parser("crashing_apps")
def crashing_apps(data: bytes) -> Parsed:
    """`dumpsys dropbox`: how often each app's crash is among the entries, by the process that the preview names."""
    parsed = Parsed()
    lines = raw_lines(data)
    if not any(line.startswith("Drop box contents:") for line in lines):
        return parsed
    counts: Counter[str] = Counter()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if _CRASH.match(line) and (found := _PROCESS.match(below.strip())):
            counts[found[1]] += 1
    parsed.facts["crashes"] = dict(counts)
    return parsed


@parser("app_sizes")
def app_sizes(data: bytes) -> Parsed:
    """`dumpsys diskstats` (Android 8): bytes that each app holds, code, data and cache together."""
    parsed = Parsed()
    columns: dict[str, list[object]] = {}
    for line in raw_lines(data):
        name, colon, value = line.strip().partition(": ")
        if colon and name in ("Package Names", "App Sizes", "App Data Sizes", "Cache Sizes"):
            columns.setdefault(name, _array(value))
    names = columns.get("Package Names", [])
    sizes = [columns[name] for name in ("App Sizes", "App Data Sizes", "Cache Sizes") if name in columns]
    whole = len(sizes) == 3 and all(len(each) == len(names) for each in sizes)
    rows = zip(names, *sizes, strict=True) if whole else ()
    held = {
        row[0]: sum(row[1:])
        for row in rows
        if isinstance(row[0], str) and all(type(size) is int and 0 <= size < 2**53 for size in row[1:])
    }
    if held:
        parsed.facts["held"] = held
    return parsed


def _array(text: str) -> list[object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []


def _lists(added: Heard, overlay: Heard, policy: Heard) -> Iterator[Reading]:
    """Apps from files, over others, and administrators; each for itself unread where its source says nothing."""
    if added.get("apps") is None:
        yield Unread("from_files", added.reason("apps"), added.source)
    else:
        pairs = zip(added.get("apps"), added.get("installed_by"), strict=True)
        yield Measurement("from_files", as_value([app for app, by in pairs if by not in STORES]), added.source)
    if overlay.get("apps") is None:
        yield Unread("over_others", overlay.reason("apps"), overlay.source)
    else:
        yield Measurement("over_others", as_value(overlay.get("apps")), overlay.source)
    if policy.get("active_admins") is None:
        yield Unread("administrators", policy.reason("active_admins"), policy.source)
    else:
        yield Measurement("administrators", as_value(policy.get("admins") or []), policy.source)


def _draining(stats: Heard, uids: Heard) -> Reading:
    apps = draining_apps(stats, uids.get("uids") or {})
    if isinstance(apps, Words):
        return Unread("battery_draining", apps, stats.source)
    return Measurement("battery_draining", as_value(apps), f"{stats.source}: the phone's estimate")


def _hogs(sizes: Heard) -> Reading:
    held = sizes.get("held")
    if held is None:
        return Unread("storage_hogs", _NO_SIZES, sizes.source)
    most = sorted(((size, name) for name, size in held.items() if size >= _MUCH), reverse=True)
    shown = [f"{name} {Decimal(size) / 10**9:.1f} GB" for size, name in most[:10]]
    return Measurement("storage_hogs", as_value(shown), sizes.source)


@probe(
    "android.apps",
    needs=Shell,
    reads=(READ_APPS, DROPBOX, _OVERLAY, READ_POLICY, _SIZES, READ_STATS, READ_PACKAGES),
    measures={
        "added_apps": "1",
        "crash_looping": LIST,
        "battery_draining": LIST,
        "from_files": LIST,
        "over_others": LIST,
        "administrators": LIST,
        "storage_hogs": LIST,
    },
    names={
        "crash_looping": Words("apps that crash again and again", "反复崩溃的应用"),
        "battery_draining": Words("apps that drain the battery", "耗电的应用"),
        "from_files": Words("apps installed from files", "非应用商店安装的应用"),
        "over_others": Words("apps that draw over others", "可悬浮显示的应用"),
        "administrators": Words("device administrators", "设备管理应用"),
        "storage_hogs": Words("apps that hold much storage", "占用空间大的应用"),
    },
    unverified=True,
)
async def apps(bench: Bench) -> AsyncIterator[Reading]:
    """Apps that crash again and again, drain the battery, came from files, draw over others, administer, hold much."""
    added = hear(bench, READ_APPS, installed_apps)
    if added.get("apps") is None:
        yield Unread("added_apps", added.reason("apps"), added.source)
    else:
        yield Measurement("added_apps", Decimal(len(added.get("apps"))), added.source)
    box = hear_second(bench, DROPBOX, crashing_apps)
    if box.get("crashes") is None:
        yield Unread("crash_looping", box.reason("crashes"), box.source)
    else:
        often = [f"{name} ({count})" for name, count in box.get("crashes").items() if count >= _OFTEN]
        yield Measurement("crash_looping", as_value(often), box.source)
    stats = hear_second(bench, READ_STATS, battery_drain, "dumpsys batterystats")
    yield _draining(stats, hear_second(bench, READ_PACKAGES, package_uids))
    policy = hear_second(bench, READ_POLICY, device_policy)
    for each in _lists(added, hear_second(bench, _OVERLAY, overlay_apps), policy):
        yield each
    yield _hogs(hear_second(bench, _SIZES, app_sizes))
