"""Whether an IMEI is reported stolen, lost or blocked, by whatever service the shop has access to.

The service is an adapter: a list in a file, or a web service that answers in JSON. Without one the check is not run,
never "clean"; and "clean" means that this one service, today, does not list the number. An IMEI identifies a person's
phone, so it leaves the bench only to the service that the shop chose.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path

from drivers.api import Shell
from drivers.imei import imei_ok
from drivers.text import Words, safe_text
from probes.api import Bench, Measurement, NotRun, Reading, Unread, probe
from probes.units import LIST, TEXT

__all__ = ["blacklist", "status_in_file", "status_of"]

_TIMEOUT_S = 10.0
_MOST = 64 * 1024

_NO_SERVICE = Words(
    "no IMEI service is set up on this bench (setting “service” of the check)",
    "本工位未配置 IMEI 查询服务（请在检测清单中设置）",
)
_NO_IMEI = Words(
    "no IMEI is known of this phone: take it in with the one that *#06# shows",
    "未获得 IMEI：请用 *#06# 查看，接件时填入",
)
_NO_ANSWER = Words("the IMEI service did not answer: {why}", "IMEI 查询服务无响应：{why}")
_UNDECIDED = Words("the IMEI service does not know this number", "IMEI 查询服务没有该号码的记录")
_NOT_UNDERSTOOD = Words("the IMEI service's answer is not understood: {why}", "无法识别 IMEI 查询服务的返回：{why}")


def status_in_file(text: str, imei: str) -> str:
    """`listed` or `clean`: one IMEI a line, whatever follows it is a remark; `#` begins a comment."""
    listed = {line.split()[0].strip(",;") for line in text.splitlines() if line.strip() and line[0] != "#"}
    return "listed" if imei in listed else "clean"


def status_of(answer: bytes) -> str:
    """The status in a web service's JSON, `clean`, `listed` or `unknown`; raises NotRun for anything else."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise NotRun(_NOT_UNDERSTOOD.fill(why=error)) from None
    status = said.get("status") if isinstance(said, dict) else None
    if status not in ("clean", "listed", "unknown"):
        raise NotRun(_NOT_UNDERSTOOD.fill(why=safe_text(str(status), 60)))
    return str(status)


def _asked(service: str, imei: str) -> str:
    """Ask the service; blocking. Raises NotRun when it can't be asked."""
    if service.startswith("file:"):
        try:
            return status_in_file(Path(service.removeprefix("file:")).read_text(encoding="utf-8"), imei)
        except (OSError, UnicodeDecodeError) as error:
            raise NotRun(_NO_ANSWER.fill(why=error)) from None
    if not service.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise NotRun(_NO_ANSWER.fill(why="https:// …{imei}, file:PATH"))
    url = service.replace("{imei}", urllib.parse.quote(imei))
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:  # noqa: S310 - checked just above
            return status_of(reply.read(_MOST))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise NotRun(_NO_ANSWER.fill(why=safe_text(str(error).replace(imei, "…"), 120))) from None


def _imeis(ticket: Mapping[str, str]) -> list[str]:
    return [value for name, value in sorted(ticket.items()) if name.startswith("imei") and imei_ok(value)]


@probe(
    "bench.blacklist",
    needs=Shell,
    measures={"blacklist_status": TEXT, "listed_numbers": LIST, "numbers_asked": "1"},
    names={
        "blacklist_status": Words("IMEI status", "IMEI 状态"),
        "listed_numbers": Words("numbers that are listed", "被列入黑名单的号码"),
        "numbers_asked": Words("numbers asked for", "查询号码数"),
    },
    unverified=True,
)
async def blacklist(bench: Bench, *, service: str = "") -> AsyncIterator[Reading]:
    """Whether the service lists one of the phone's IMEIs, as the ticket and the phone have them.

    Settings: `service`, `https://…{imei}…` that answers `{"status": "clean" | "listed" | "unknown"}`, or `file:PATH`.
    """
    if not service:
        raise NotRun(_NO_SERVICE)
    imeis = _imeis(bench.ticket)
    if not imeis:
        raise NotRun(_NO_IMEI)
    said = {imei: await asyncio.to_thread(_asked, service, imei) for imei in imeis}
    name = "file" if service.startswith("file:") else urllib.parse.urlsplit(service).hostname or "service"
    yield Measurement("numbers_asked", Decimal(len(imeis)), name)
    listed = tuple(f"…{imei[-4:]}" for imei, status in said.items() if status == "listed")
    if listed:
        yield Measurement("listed_numbers", listed, name)
        yield Measurement("blacklist_status", "listed", name)
    elif "unknown" in said.values():
        yield Unread("blacklist_status", _UNDECIDED, name)
    else:
        yield Measurement("blacklist_status", "clean", name)
