"""What the phone itself tells of the parts in it: serials, makers' ids, and which it calls original or replaced.

At intake this is the baseline; after a repair only the planned parts may differ, which the checklist says. Sources are
tables of properties and files: a maker that adds one needs a line here. A part that tells nothing is named as silent,
not as original. Not seen on a phone: the files of Samsung and the part status of Android 15.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, as_value, hear, hear_second
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.battery_gauge import READ_NODES, READ_PROPERTY, battery_nodes, battery_property
from probes.cameras import READ_CAMERA, media_camera
from probes.captured import stripped_lines
from probes.power_supply import READ as READ_SUPPLY
from probes.power_supply import power_supply
from probes.units import IDENTITY, LIST, TEXT

__all__ = ["PART_FILES", "PART_PROPS", "part_files", "parts"]

#: Fact -> files that makers keep it in. Samsung: drivers/video/fbdev/exynos/panel (cell_id), drivers/fingerprint
#: (name), camera sysfs (moduleid); Qualcomm: drivers/soc/qcom/socinfo.c (serial_number); the kernel's mmc and scsi.
PART_FILES: Mapping[str, tuple[str, ...]] = {
    "display_serial": ("/sys/class/lcd/panel/cell_id", "/sys/class/lcd/panel/octa_id"),
    "display_panel": ("/sys/class/lcd/panel/lcd_type", "/sys/class/graphics/fb0/msm_fb_panel_info"),
    "camera_back_id": ("/sys/class/camera/rear/rear_moduleid",),
    "camera_front_id": ("/sys/class/camera/front/front_moduleid",),
    "fingerprint_id": ("/sys/class/fingerprint/fingerprint/name",),
    "chip_serial": ("/sys/devices/soc0/serial_number",),
    "storage_chip": ("/sys/block/sda/device/model", "/sys/class/mmc_host/mmc0/mmc0:0001/name"),
}
#: Fact -> properties: set by boot programs and vendor init scripts of the makers named in research and AOSP.
PART_PROPS: Mapping[str, tuple[str, ...]] = {
    "display_panel": ("vendor.display.panel_name", "ro.boot.panel_name", "sys.panel.display", "ro.boot.lcd_type"),
    "fingerprint_id": (
        "persist.vendor.sys.fp.vendor", "persist.sys.fp.vendor", "ro.hardware.fingerprint", "ro.boot.fpsensor",
    ),
    "chip_serial": ("ro.boot.cpuid", "ro.boot.chipid"),
    "storage_chip": ("ro.boot.hardware.ufs", "ro.boot.hardware.emmc"),
    "memory_chip": ("ro.boot.hardware.ddr",),
    "board_serial": ("ro.serialno", "ro.boot.serialno"),
    "board_revision": ("ro.boot.hardware.revision", "ro.revision", "ro.boot.hwversion"),
}  # fmt: skip
_READ_FILES = Command(
    "part-files",
    f"grep -s . {' '.join(path for paths in PART_FILES.values() for path in paths)}; echo part files read",
    timeout_s=5.0,
    limit=32 * 1024,
)
_FACT_OF = {path: fact for fact, paths in PART_FILES.items() for path in paths}
_MOST = 120
#: What stands in a property or a file that a maker left empty.
_NOTHING = re.compile(r"(?i)(?:unknown|none|null|n/?a|default|0+|-1|0x0+)")

_UNSUPPORTED = Words("the phone can't tell an original part from a replaced one", "手机无法区分原装与更换的部件")
_SILENT = Words("the phone does not tell it to the cable", "手机未通过数据线提供该信息")


@parser("part_files")
def part_files(data: bytes) -> Parsed:
    """`path:value` lines of the makers' files about parts."""
    parsed = Parsed()
    for line in stripped_lines(data):
        path, colon, text = line.partition(":")
        while colon and path not in _FACT_OF and ":" in text:  # the path of an eMMC has a colon of its own
            more, _, text = text.partition(":")
            path = f"{path}:{more}"
        fact, text = _FACT_OF.get(path, ""), text.strip()
        if colon and fact and _tells(text):
            parsed.facts.setdefault(fact, text[:_MOST])
    return parsed


def _tells(text: str) -> bool:
    return bool(text) and not _NOTHING.fullmatch(text)


def _found(files: Heard, props: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each fact with its value and source: a file is nearer to the part than a property."""
    found: dict[str, tuple[str, str]] = {}
    for fact, names in PART_PROPS.items():
        name = next((name for name in names if _tells(props.get(name, ""))), None)
        if name:
            found[fact] = (props[name][:_MOST], f"getprop {name}")
    for fact in PART_FILES:
        if files.get(fact):
            found[fact] = (files.get(fact), "sysfs")
    return found


def _no_status(told: Heard) -> Words:
    return _UNSUPPORTED if told.get("part_status") == "unsupported" else told.reason("part_status")


def _battery(supply: Heard, told: Heard, nodes: Heard) -> Iterator[Reading]:
    """The battery's serial by the nearest source that has one, and what Android 15 calls its status."""
    sources = ((told, "serial"), (supply, "serial_number"), (supply, "serial_file"), (nodes, "serial"))
    serial = next(((heard, fact) for heard, fact in sources if _tells(str(heard.get(fact) or ""))), None)
    if serial:
        yield Measurement("battery_serial", as_value(serial[0].get(serial[1])), f"{serial[0].source}: {serial[1]}")
    else:
        yield Unread("battery_serial", _SILENT, told.source)
    status = told.get("part_status")
    if status in ("original", "replaced"):
        yield Measurement("battery_status", status, f"{told.source}: PART_STATUS")
    else:
        yield Unread("battery_status", _no_status(told), told.source)
    made = told.get("manufactured") or supply.get("manufacturing_date")
    if made:
        yield Measurement("battery_made", as_value(made), told.source if told.get("manufactured") else supply.source)


_MEASURES = {
    "battery_serial": IDENTITY,
    "battery_status": TEXT,
    "battery_made": TEXT,
    "display_serial": IDENTITY,
    "display_panel": TEXT,
    "camera_back_id": TEXT,
    "camera_front_id": TEXT,
    "camera_list": LIST,
    "fingerprint_id": TEXT,
    "board_serial": IDENTITY,
    "board_revision": TEXT,
    "chip_serial": IDENTITY,
    "storage_chip": TEXT,
    "memory_chip": TEXT,
    "reported_replaced": LIST,
    "parts_told": "1",
}


@probe(
    "android.parts",
    needs=Shell,
    reads=(getprop.READ, READ_SUPPLY, READ_PROPERTY, READ_NODES, READ_CAMERA, _READ_FILES),
    measures=_MEASURES,
    names={
        "battery_serial": Words("battery serial", "电池序列号"),
        "battery_status": Words("battery, original or replaced", "电池原装状态"),
        "battery_made": Words("battery made", "电池生产日期"),
        "display_serial": Words("screen serial", "屏幕序列号"),
        "display_panel": Words("panel", "面板"),
        "camera_back_id": Words("back camera module", "后置摄像头模组"),
        "camera_front_id": Words("front camera module", "前置摄像头模组"),
        "camera_list": Words("cameras as listed", "摄像头清单"),
        "fingerprint_id": Words("fingerprint sensor", "指纹模组"),
        "board_serial": Words("board serial", "主板序列号"),
        "board_revision": Words("board revision", "主板版本"),
        "chip_serial": Words("processor serial", "处理器序列号"),
        "storage_chip": Words("storage chip", "存储芯片"),
        "memory_chip": Words("memory chip", "内存芯片"),
        "reported_replaced": Words("called replaced by the phone", "手机提示已更换的部件"),
        "parts_told": Words("parts that tell something", "可识别的部件数"),
    },
    unverified=True,
)
async def parts(bench: Bench) -> AsyncIterator[Reading]:
    """Serials, ids and part status of battery, screen, cameras, fingerprint sensor and board, as far as told."""
    said = hear(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    files = hear_second(bench, _READ_FILES, part_files, "sysfs")
    told = hear_second(bench, READ_PROPERTY, battery_property, "BatteryManager properties")
    supply = hear_second(bench, READ_SUPPLY, power_supply, "sysfs power_supply")
    nodes = hear_second(bench, READ_NODES, battery_nodes, "sysfs")
    cameras = hear_second(bench, READ_CAMERA, media_camera)
    measured = 0
    replaced: list[str] = []
    for found in _battery(supply, told, nodes):
        measured += isinstance(found, Measurement)
        replaced += ["battery"] if isinstance(found, Measurement) and found.value == "replaced" else []
        yield found
    known = _found(files, props)
    for fact in dict.fromkeys((*PART_FILES, *PART_PROPS)):
        if fact in known:
            measured += 1
            yield Measurement(fact, as_value(known[fact][0]), known[fact][1])
        else:
            yield Unread(fact, _SILENT if said.facts else said.reason(fact), "sysfs, getprop")
    if inventory := cameras.get("inventory"):
        measured += 1
        yield Measurement("camera_list", as_value([_camera(one) for one in inventory]), cameras.source)
    source = "all of the above"
    if not measured:
        yield Unread("parts_told", said.reason("serialno"), said.source)
        yield Unread("reported_replaced", said.reason("serialno"), said.source)
        return
    yield Measurement("parts_told", Decimal(measured), source)
    if told.get("part_status") in ("original", "replaced"):
        yield Measurement("reported_replaced", tuple(replaced), f"{told.source}: PART_STATUS")
    else:  # what calls no part original calls none replaced either: that is no word for them
        yield Unread("reported_replaced", _no_status(told), f"{told.source}: PART_STATUS")


def _camera(one: Mapping[str, Any]) -> str:
    focal = "/".join(f"{value:f}" for value in one.get("focal_mm", ()))
    return f"{one['id']}: {one.get('facing', '?')} {focal}".strip()
