"""A page fetched by the phone with its own tools, and how fast it came.

A script of plain shell and toybox's `nc` (Android 6 and later; nothing is installed and nothing is written), and the
reading of what it prints. Knows no network and no check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from drivers.text import Words
from probes.captured import decimal, raw_lines

__all__ = ["FETCH_S", "Fetched", "fetch_script", "fetched"]

#: Seconds that a page may take.
FETCH_S = 20.0

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~!$&()*+,;=:@%/?-]{0,1000}", re.ASCII)
_STATUS = re.compile(r"HTTP/1\.[01] ([0-9]{3})\b", re.ASCII)
_NO_ANSWER = Words(
    "no answer from the bench's page: see that the phone's network reaches it, and run this again",
    "工位页面无应答；请确认手机网络可访问该页面后重测",
)
_STATUS_WORDS = Words("the bench's page answered {status}", "工位页面返回 {status}")
_NO_TOOL = Words("this Android has no nc to fetch a page with", "此安卓系统没有可取网页的 nc 工具")


def fetch_script(url: str) -> str | None:
    """One line that fetches the page at `url`; None when that is no plain `http://host[:port]/path`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme != "http" or not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or "'" in path:
        return None
    request = f"'GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' '{path}' {host}"
    return (
        f"cat /proc/uptime; printf {request} | nc -w {FETCH_S:g} {host} {port} | "
        '{ read -r first; echo "$first"; wc -c; }; cat /proc/uptime'
    )


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a fetch: whether the page came, its speed in Mbit/s where it is long enough to tell, or why not."""

    ok: bool
    speed: Decimal | None = None
    why: Words | None = None
    #: Whether the phone could not even try.
    unable: bool = False


#: Bytes below which the time of a page says nothing of the line: the clock of `/proc/uptime` has 10 ms.
_LEAST = 100_000


def fetched(stdout: bytes, stderr: bytes = b"") -> Fetched:
    """Read what the script printed: uptime, the first line of the answer, the bytes behind it, uptime again."""
    said = stdout + b"\n" + stderr
    if b"nc: not found" in said or b"nc: inaccessible" in said or b"Unknown command nc" in said:
        return Fetched(ok=False, why=_NO_TOOL, unable=True)
    lines = [line.strip() for line in raw_lines(stdout) if line.strip()]
    status = next((found[1] for line in lines if (found := _STATUS.match(line))), "")
    if status != "200":
        return Fetched(ok=False, why=_STATUS_WORDS.fill(status=status) if status else _NO_ANSWER)
    sizes = [int(line) for line in lines if line.isascii() and line.isdecimal() and len(line) < 13]
    times = [decimal(line.split()[0]) for line in (lines[0], lines[-1])]
    if not sizes or sizes[-1] < _LEAST or None in times:
        return Fetched(ok=True)
    seconds = (times[1] or Decimal(0)) - (times[0] or Decimal(0))
    speed = Decimal(sizes[-1] * 8) / seconds / 1_000_000 if seconds > 0 else None
    return Fetched(ok=True, speed=None if speed is None else speed.quantize(Decimal("0.01")))
