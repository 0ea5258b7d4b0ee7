"""Whether the USB port carries data both ways unchanged: how fast, in which role and orientation, and whether wet.

Random bytes go to /data/local/tmp and come back; the phone makes its own hash of what arrived. The rest is what
`dumpsys usb` and the kernel's files say. The bench's own hub and cable are judged elsewhere.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal

from drivers.api import Command, Files, Garbled, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear_apart, hear_second_apart, reading
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.captured import raw_lines
from probes.units import FLAG, LIST, TEXT
from probes.usb_dump import usb

__all__ = ["usb_files", "usb_port"]

PATH = "/data/local/tmp/assay-usb.bin"

_USB = Command("usb", "dumpsys usb", timeout_s=15.0, limit=512 * 1024)
#: Documentation/ABI of the kernel: testing/sysfs-class-udc, testing/sysfs-class-typec.
_FILES = Command(
    "usb-files",
    "for f in /sys/class/udc/*/current_speed /sys/class/udc/*/maximum_speed /sys/class/udc/*/state"
    " /sys/class/typec/port0/orientation /sys/class/typec/port0/power_operation_mode;"
    ' do [ -e "$f" ] && echo "$f: $(cat "$f" 2>&1)"; done',
    timeout_s=5.0,
    limit=16 * 1024,
)
_FILE = re.compile(r"/sys/class/(?:udc/[^/]{1,60}|typec/port0)/([a-z_]{1,40}): ([\w. -]{1,40})", re.ASCII)

#: usb_device_speed of the kernel (drivers/usb/common/common.c) as Mbit/s.
SPEEDS: Mapping[str, int] = {
    "low-speed": 2,
    "full-speed": 12,
    "high-speed": 480,
    "super-speed": 5_000,
    "super-speed-plus": 10_000,
}
_HASH = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", re.ASCII)
_CLOSED = Words("the phone does not tell the link's speed to the cable", "手机未向数据线提供连接速率")
_NO_CC = Words("the phone does not tell which way round the plug is", "手机未提供插头方向")
_NO_HASH = Words("the phone has no program that makes a hash", "手机没有计算校验值的程序")


@parser("usb_files")
def usb_files(data: bytes) -> Parsed:
    """The kernel's files of the USB device controller and of the Type-C port, `path: value` a line."""
    parsed = Parsed()
    for line in raw_lines(data):
        if (found := _FILE.fullmatch(line.strip())) and found[2].strip().lower() != "unknown":
            parsed.facts.setdefault(found[1], found[2].strip())
    return parsed


def _link(files: Heard) -> Iterator[Reading]:
    """Speeds in Mbit/s: what was agreed, and what the phone's controller could do."""
    for fact, name in (("current_speed", "link_speed"), ("maximum_speed", "best_speed")):
        rate = SPEEDS.get(files.get(fact) or "")
        source = f"/sys/class/udc: {fact}"
        if rate is None:
            yield Unread(name, _CLOSED if fact not in files.facts else files.reason(fact), source)
        else:
            yield Measurement(name, Decimal(rate), source)
    if files.get("orientation"):
        yield reading("orientation", files, "orientation")
    else:
        yield Unread("orientation", _NO_CC, "/sys/class/typec/port0")


def _port(said: Heard) -> Iterator[Reading]:
    """What the USB service says of the link and of the port."""
    if said.get("configured") is not None:
        yield reading("configured", said, "configured")
    elif state := said.get("kernel_state"):
        yield Measurement("configured", state == "CONFIGURED", f"{said.source}: Kernel state")
    else:
        yield Unread("configured", said.reason("configured"), said.source)
    yield reading("contaminant", said, "contaminant", words="contaminant_presence_status")
    role = [said.get("power_role") or said.get("port_power_role"), said.get("data_role") or said.get("port_data_role")]
    if told := [part for part in role if part]:
        yield Measurement("roles", as_value(", ".join(told)), f"{said.source}: power_role, data_role")
    if said.get("current_functions"):
        yield reading("functions", said, "current_functions")
    warned = said.get("compliance_warnings")
    if warned is not None:
        names = tuple(one.strip() for one in str(warned).strip("[]").split(",") if one.strip())
        yield Measurement("compliance_warnings", as_value(names), f"{said.source}: compliance_warnings")


async def _there_and_back(bench: Bench, size_kib: int) -> AsyncIterator[Reading]:
    """Random bytes to the phone and back. Bytes that changed are a finding, a broken link is the bench's trouble."""
    files = bench.capability(Files)  # type: ignore[type-abstract]  # a protocol names the capability
    shell = bench.capability(Shell)  # type: ignore[type-abstract]
    data = random.SystemRandom().randbytes(size_kib * 1024)
    started = time.monotonic()
    arrived: bool | None = None
    try:
        await files.push(PATH, data, deadline_s=60.0)
    except Garbled:
        arrived = False
    else:
        pushed_s = time.monotonic() - started
        yield Measurement("to_phone_speed", _rate(size_kib, pushed_s), "push, hash by the phone included")
        arrived = await _hash_is_right(shell, data)
    started = time.monotonic()
    try:
        back: bytes | None = await files.pull(PATH, deadline_s=60.0, limit=len(data))
    except Garbled:
        back = None
    pulled_s = time.monotonic() - started
    yield _arrived(arrived, whole=back == data)
    yield Measurement("from_phone_equal", back == data, "bytes as they came back")
    if back is not None:
        yield Measurement("from_phone_speed", _rate(size_kib, pulled_s), "pull")


async def _hash_is_right(shell: Shell, data: bytes) -> bool | None:
    """Whether the phone's own hash of the file is the data's; None where the phone can make none."""
    told = await shell.run(f"sha256sum <{PATH}||md5sum <{PATH}||md5 {PATH}", deadline_s=20.0, limit=4096)
    if told.failure is not None:
        raise told.failure
    found = _HASH.search(told.text)
    if found is None:
        return None
    maker = hashlib.sha256 if len(found[0]) == 64 else hashlib.md5
    return maker(data).hexdigest() == found[0]


def _arrived(arrived: bool | None, *, whole: bool) -> Reading:
    """Whether the bytes reached the phone as they were sent; what came back unchanged must have arrived unchanged."""
    if arrived is None:
        source = "bytes as they came back"
        return Measurement("to_phone_equal", True, source) if whole else Unread("to_phone_equal", _NO_HASH, source)
    return Measurement("to_phone_equal", arrived, "hash made by the phone")


def _rate(size_kib: int, seconds: float) -> Decimal:
    return (size_kib / Decimal(max(seconds, 0.001))).quantize(Decimal(1))


@probe(
    "android.usb-port",
    needs=(Shell, Files),
    reads=(_USB, _FILES),
    measures={
        "to_phone_equal": FLAG,
        "from_phone_equal": FLAG,
        "to_phone_speed": "KiBy/s",
        "from_phone_speed": "KiBy/s",
        "link_speed": "Mbit/s",
        "best_speed": "Mbit/s",
        "configured": FLAG,
        "contaminant": TEXT,
        "orientation": TEXT,
        "roles": TEXT,
        "functions": TEXT,
        "compliance_warnings": LIST,
    },
    names={
        "to_phone_equal": Words("arrived unchanged", "写入数据一致"),
        "from_phone_equal": Words("came back unchanged", "读回数据一致"),
        "to_phone_speed": Words("speed to the phone", "写入速率"),
        "from_phone_speed": Words("speed from the phone", "读出速率"),
        "best_speed": Words("best link speed", "最高连接速率"),
        "configured": Words("USB configured", "USB 已配置"),
        "contaminant": Words("moisture or dirt", "进液或异物"),
        "orientation": Words("plug orientation", "插头方向"),
        "roles": Words("USB roles", "USB 角色"),
        "functions": Words("USB functions", "USB 功能"),
        "compliance_warnings": Words("charger and cable warnings", "充电器及线缆警告"),
    },
    writes=Words("a test file in /data/local/tmp", "在 /data/local/tmp 写入测试文件"),
)
async def usb_port(bench: Bench, *, size_kib: int = 4096) -> AsyncIterator[Reading]:
    """Random bytes to the phone and back, compared; speed, role and orientation of the link; moisture in the port.

    Settings: `size_kib`, how many KiB are sent each way.
    """
    said = await hear_apart(bench, _USB, usb)
    for found in _port(said):
        yield found
    for found in _link(await hear_second_apart(bench, _FILES, usb_files, "/sys/class")):
        yield found
    async for reading_ in _there_and_back(bench, size_kib):
        yield reading_
