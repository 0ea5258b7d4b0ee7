"""A bug report as a phone: what it answers is what is in it, and what is not in it is never an empty answer."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from drivers.api import Command, DeviceGone, InputEvents, Link, Shell, TooMuchOutput, Transport, Unsupported
from drivers.bugreport import BugreportTransport, answer, answers, identity_of, put_report, take_report
from drivers.bugreport_file import Report, read_report
from drivers.discovery import survey

PROPS = """\
[ro.serialno]: [BENCH0001]
[ro.product.model]: [Bench One]
[ro.product.manufacturer]: [Benchmaker]
[persist.sys.timezone]: [Asia/Shanghai]
"""
TEXT = f"""\
========================================================
== dumpstate: 2023-11-15 06:24:00
========================================================

------ SYSTEM PROPERTIES (getprop) ------
{PROPS}------ MEMORY INFO (/proc/meminfo: 2023-11-15 06:23:59) ------
MemTotal:        5859840 kB
------ FILESYSTEMS & FREE SPACE (df) ------
Filesystem 1K-blocks Used Available Use% Mounted on
------ SYSTEM LOG (logcat -v threadtime -v printable -v uid -d *:v) ------
11-15 06:00:00.000  1000  700  700 I Tag: oldest
11-15 06:23:00.000  1000  700  700 E Tag: newest
------ DUMPSYS (/system/bin/dumpsys) ------
-------------------------------------------------------------------------------
DUMP OF SERVICE battery:
  level: 54
DUMP OF SERVICE batterystats:
Estimated battery capacity: 4000 mAh
noise
DUMP OF SERVICE package:
Libraries:
  android.test

Features:
  android.hardware.nfc
  android.hardware.vulkan.level version=1

DUMP OF SERVICE settings:
GLOBAL SETTINGS (user 0)
_id:3 name:airplane_mode_on pkg:android value:1 default:0 defaultSystemSet:true
SECURE SETTINGS (user 0)
_id:4 name:location_mode pkg:android value:3
DUMP OF SERVICE wifi:
Wi-Fi is enabled
mWifiInfo SSID: "x", BSSID: 02:00:00:00:00:06
stay out
========================================================
== dumpstate: done (id 1)
========================================================
"""


@pytest.fixture
def report() -> Report:
    return read_report(TEXT.encode())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("getprop", PROPS.encode()),
        ("dumpsys battery", b"  level: 54\n"),
        ("cat /proc/meminfo", b"MemTotal:        5859840 kB\n"),
        ("df", b"Filesystem 1K-blocks Used Available Use% Mounted on\n"),
        ("date '+%s %Y-%m-%d %H:%M:%S'", b"1700000640 2023-11-15 06:24:00\n"),
        ("dumpsys batterystats --charged | grep -E 'battery capacity:'", b"Estimated battery capacity: 4000 mAh\n"),
        ("dumpsys wifi | grep -E '^Wi-Fi is |[.]no' || dumpsys wifi", b"Wi-Fi is enabled\n"),
        ("dumpsys uwb || dumpsys battery", b"  level: 54\n"),
        ('dumpsys wifi 2>&1 | grep -oE \'SSID: "[^"]*"\'', b'SSID: "x"\n'),
        ("settings get global airplane_mode_on", b"1\n"),
        ("settings get secure location_mode", b"3\n"),
        ("pm list features", b"feature:android.hardware.nfc\nfeature:android.hardware.vulkan.level=1\n"),
    ],
)
def test_what_stands_in_the_report_is_the_answer(report: Report, script: str, said: bytes) -> None:
    assert answer(report, script) == said


@pytest.mark.parametrize(
    "script",
    [
        "",
        "dumpsys nfc",
        "dumpsys battery set level 3",
        "dumpsys dropbox --print SYSTEM_TOMBSTONE",
        "cat /proc/uptime",
        "cat /proc/meminfo /proc/uptime",
        "logcat -b radio -d",
        "logcat -b main",
        "date",
        "getprop; dumpsys battery",
        'if [ "$(getprop ro.build.version.sdk)" -ge 23 ]; then dumpsys battery; fi',
        "for f in /sys/*; do cat $f; done",
        "dumpsys battery > /sdcard/x",
        "dumpsys battery | tail -n 1",
        "dumpsys battery | grep -E '('",
        "dumpsys battery | grep nothing",
        "settings get global no_such_setting",
        "dumpsys 'battery",
    ],
)
def test_what_does_not_is_no_answer(report: Report, script: str) -> None:
    assert answer(report, script) is None


def test_a_missing_answer_says_so_and_an_empty_one_is_never_made_up(report: Report) -> None:
    there, missing = answers(report, [Command("a", "dumpsys battery"), Command("b", "dumpsys nfc")])
    assert (there.text, there.exit_code, there.failure) == ("  level: 54\n", 0, None)
    assert isinstance(missing.failure, Unsupported)
    assert (missing.stdout, missing.exit_code) == (b"", None)
    assert "does not hold" in missing.failure.what.en


def test_a_log_that_is_too_long_keeps_its_newest_lines_and_anything_else_its_first(report: Report) -> None:
    log, props = answers(report, [Command("a", "logcat -b crash -d", limit=50), Command("b", "getprop", limit=10)])
    assert log.stdout.endswith(b"newest\n")
    assert log.failure is None
    assert props.stdout == PROPS.encode()[:10]
    assert isinstance(props.failure, TooMuchOutput)


def test_without_a_time_zone_no_date_is_invented() -> None:
    text = TEXT.replace("[persist.sys.timezone]: [Asia/Shanghai]\n", "")
    assert answer(read_report(text.encode()), "date '+%s %Y-%m-%d %H:%M:%S'") is None
    assert answer(read_report(TEXT.replace("Asia/Shanghai", "../../etc/passwd").encode()), "date '+%s %Y'") is None


def test_the_phone_of_a_report_is_who_its_properties_say(report: Report) -> None:
    identity = identity_of(report)
    assert (identity.serial, identity.model, identity.manufacturer) == ("BENCH0001", "Bench One", "Benchmaker")
    assert identity_of(Report()).serial == ""


async def shown(transport: BugreportTransport, count: int) -> tuple[Link, ...]:
    async with asyncio.timeout(10), contextlib.aclosing(transport.watch()) as watch:  # type: ignore[type-var]
        async for links in watch:
            if len(links) == count:
                return links
    raise AssertionError("the transport ended")


async def test_reports_that_are_put_there_are_links_that_say_what_they_are(tmp_path: Path, report: Report) -> None:
    path, folder = tmp_path / "report.txt", tmp_path / "shown"
    path.write_bytes(TEXT.encode())
    name = put_report(folder, path, report)
    transport = BugreportTransport(folder)
    checked: Transport = transport
    [found] = await survey([checked])
    assert found.link.id == name
    assert found.link.recorded == f"2023-11-15 06:24:00, sha256:{report.sha256}"
    assert found.identity is not None
    assert found.identity.serial == "BENCH0001"
    device = await transport.open(found.link)
    shell = device.capability(Shell)  # type: ignore[type-abstract]
    assert (await shell.run("dumpsys battery", deadline_s=1)).text == "  level: 54\n"
    with pytest.raises(Unsupported):
        device.capability(InputEvents)  # type: ignore[type-abstract]
    take_report(folder, report)
    assert await shown(transport, 0) == ()
    with pytest.raises(DeviceGone):
        await transport.open(found.link)


async def test_two_reports_have_two_places_and_a_place_is_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    reports = []
    for number in range(2):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(TEXT.encode() + bytes([number]))
        reports.append(read_report(path))
        put_report(folder, path, reports[-1])
    transport = BugreportTransport(folder)
    assert {link.port for link in await shown(transport, 2)} == {"bugreport-1", "bugreport-2"}


async def test_a_file_that_changed_since_or_is_none_of_ours_is_no_link(tmp_path: Path, report: Report) -> None:
    folder = tmp_path / "shown"
    path = tmp_path / "report.txt"
    path.write_bytes(TEXT.encode())
    put_report(folder, path, report)
    path.write_bytes(TEXT.encode() + b"more\n")
    (folder / "junk.report").write_text("[]", encoding="utf-8")
    (folder / "gone.report").write_text('{"path": "/no/such/file", "sha256": ""}', encoding="utf-8")
    assert await shown(BugreportTransport(folder), 0) == ()
