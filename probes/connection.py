"""How well the phone hangs on the bench: transport, USB speed on both sides, hubs in between, how often it fell off.

A connection that flaps or runs slowly blames cable, socket or hub before it blames the phone, so nothing here is a
fault of the phone by itself. What the bench's side knows comes with the ticket's facts; the rest is what the kernel of
the phone says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, hear
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.captured import decimal, integer
from probes.units import FLAG, LIST, TEXT
from probes.usb_port import SPEEDS, usb_files

__all__ = ["connection"]

_FILES = Command(
    "udc",
    "for f in /sys/class/udc/*/current_speed /sys/class/udc/*/maximum_speed /sys/class/udc/*/state;"
    ' do [ -e "$f" ] && echo "$f: $(cat "$f" 2>&1)"; done; echo searched',
    timeout_s=5.0,
    limit=16 * 1024,
)
#: From here on a link is SuperSpeed (USB 3.2, 1.2: Gen 1 is 5 Gbit/s).
_SUPER = 5_000

_CLOSED = Words("neither the phone nor the bench tells the speed of the USB link", "手机与工位均未提供 USB 连接速率")
_NETWORK = Words("the phone is reached over the network, not over USB", "手机通过网络连接，而非 USB")
_NOT_COUNTED = Words("nobody counted how often the connection broke", "未统计连接中断次数")


def _bench_side(told: Mapping[str, str]) -> Iterator[Reading]:
    yield Measurement("transport", told.get("link-transport") or "unknown", "bench")
    if port := told.get("link-port"):
        yield Measurement("port", port, "bench")
    hubs, flaps = integer(told.get("link-hubs", "")), integer(told.get("link-flaps", ""))
    if hubs is not None:
        yield Measurement("hubs", Decimal(hubs), "bench: path of the port")
    if flaps is None:
        yield Unread("flaps", _NOT_COUNTED, "bench")
    else:
        yield Measurement("flaps", Decimal(flaps), "bench: since the phone was plugged in")


def _speeds(told: Mapping[str, str], files: Heard) -> Iterator[Reading]:
    """The speed agreed on, what the phone could do, and whether that is one class of speeds."""
    host = decimal(told.get("link-speed", ""))
    now = SPEEDS.get(files.get("current_speed") or "")
    best = SPEEDS.get(files.get("maximum_speed") or "")
    agreed = host if host is not None else None if now is None else Decimal(now)
    source = "bench: sysfs speed" if host is not None else "/sys/class/udc: current_speed"
    if agreed is None:
        why = _CLOSED
        yield Unread("link_speed", why, source)
        yield Unread("speed_as_offered", why, source)
        return
    yield Measurement("link_speed", agreed, source)
    if best is None:
        yield Unread("speed_as_offered", files.reason("maximum_speed"), "/sys/class/udc: maximum_speed")
        return
    yield Measurement("best_speed", Decimal(best), "/sys/class/udc: maximum_speed")
    yield Measurement("speed_as_offered", agreed >= min(best, _SUPER), f"{source}, maximum_speed")


def _to_change(told: Mapping[str, str], found: list[Reading]) -> Iterator[Reading]:
    """What to change first where the connection broke or is slow: what is cheapest to change, the phone last.

    A slow link may be a hub that knows USB 2 alone; one that breaks is a contact before it is a hub.
    """
    values = {one.name: one.value for one in found if isinstance(one, Measurement)}
    broke, slow = bool(values.get("flaps")), values.get("speed_as_offered") is False
    if not (broke or slow):
        return
    hubs = ["hub"] if (integer(told.get("link-hubs", "")) or 0) > 0 else []
    middle = ["socket", *hubs] if broke else [*hubs, "socket"]
    yield Measurement("change_first", ("cable", *middle, "port of the phone"), "flaps, speed and hubs above")


@probe(
    "android.connection",
    needs=Shell,
    reads=(_FILES,),
    measures={
        "transport": TEXT,
        "port": TEXT,
        "hubs": "1",
        "flaps": "1",
        "link_speed": "Mbit/s",
        "best_speed": "Mbit/s",
        "speed_as_offered": FLAG,
        "change_first": LIST,
    },
    names={
        "transport": Words("transport", "连接方式"),
        "port": Words("port of the bench", "工位端口"),
        "hubs": Words("hubs in between", "经过的集线器"),
        "flaps": Words("times the connection broke", "连接中断次数"),
        "change_first": Words("change in this order", "按此顺序更换"),
        "speed_as_offered": Words("as fast as the phone can", "达到手机支持的速率"),
    },
)
async def connection(bench: Bench) -> AsyncIterator[Reading]:
    """Transport, port, hubs, flaps and USB speed as agreed on and as the phone could; what to change first."""
    found = [*_bench_side(bench.ticket), *_speeds(bench.ticket, hear(bench, _FILES, usb_files))]
    for each in (*found, *_to_change(bench.ticket, found)):
        yield each
