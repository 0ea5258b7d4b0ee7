"""Whether the phone joins the bench's access point, and how fast a page comes over it; the network is forgotten again.

Joins through `bench.write` with Android 11's `cmd wifi`; a phone that already knows the network keeps it. An access
point that is not on the air is the bench's trouble, not the phone's.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Literal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode
from probes.answers import NOT_SAID, hear_apart, why_nothing
from probes.apart import apart
from probes.api import Bench, Measurement, NotRun, Reading, Unread, Write, probe
from probes.captured import raw_lines
from probes.fetch import FETCH_S, fetch_script, fetched
from probes.units import FLAG
from probes.wifi import scan_rows, wifi_status

__all__ = ["forget_script", "saved", "wifi_join"]

_STATUS = Command("wifi-status", "cmd wifi status", timeout_s=10.0, limit=256 * 1024)
_SAVED = Command("wifi-networks", "cmd wifi list-networks", timeout_s=10.0, limit=256 * 1024)
_HEARD = "cmd wifi start-scan; cmd wifi list-scan-results"
_LOOK_S = 0.5
#: `0            BenchNet                         wpa2-psk`: once for each kind of security (Android 12), or once with
#: all of them, `wpa2-psk/wpa3-sae^` (Android 14); a word without blanks either way.
_NETWORK = re.compile(r" {0,8}[0-9]{1,9} {1,40}(\S.{0,63}?) {1,40}[a-z][^ ]{1,80}")

_NO_AP = Words(
    "the checklist names no access point of the bench (setting “ssid”)", "检测清单未指定工位接入点（设置项“ssid”）"
)
_OFF = Words("Wi-Fi is off; turn it on and run this again", "Wi-Fi 已关闭；请打开后重测")
_JOIN = Words("joins the bench's access point and forgets it again", "连接工位 Wi-Fi 接入点，之后忘记该网络")
_UNHEARD = Words(
    "the phone does not hear the bench's access point; see that it is on the air",
    "手机收不到工位接入点；请确认其正在工作",
)
_NO_PAGE = Words("the checklist names no page of the bench (setting “url”)", "检测清单未指定工位页面（设置项“url”）")
_BAD_PAGE = Words("the setting “url” is no plain http address", "设置项“url”不是普通 http 地址")
_SHORT_PAGE = Words("the page is too short to tell a speed", "页面太小，无法计算速率")


def saved(listing: bytes, ssid: str) -> bool:
    """Whether the phone has that network saved, by `cmd wifi list-networks`."""
    return any((found := _NETWORK.fullmatch(line[:400])) and found[1] == ssid for line in raw_lines(listing))


def forget_script(ssid: str) -> str:
    """One line that forgets exactly that network, and nothing when it is not saved."""
    name = re.sub(r"([][\\.*^$/])", r"\\\1", ssid)
    pick = shlex.quote(f"s/^ *\\([0-9][0-9]*\\)  *{name}  *[a-z][^ ]* *$/\\1/p")
    return f"for id in $(cmd wifi list-networks | sed -n {pick} | uniq); do cmd wifi forget-network $id; done"


def _connect(ssid: str, passphrase: str, security: str) -> str:
    secret = f" {shlex.quote(passphrase)}" if security != "open" else ""
    return f"cmd wifi connect-network {shlex.quote(ssid)} {security}{secret}"


async def _joined(shell: Shell, ssid: str, wait_s: int) -> Decimal | None:
    """Seconds until the phone is on that network, None when not in time; raises the DriverError of a broken link."""
    clock = asyncio.get_running_loop().time
    start = clock()
    while (now := clock()) - start < wait_s:
        answer = await shell.run(_STATUS.script, deadline_s=_STATUS.timeout_s, limit=_STATUS.limit)
        if answer.failure is not None:
            raise answer.failure
        facts = (await apart(wifi_status, answer.stdout)).facts
        if facts.get("connected") and facts.get("ssid") == ssid:
            return Decimal(round((now - start) * 1000)) / 1000
        await asyncio.sleep(_LOOK_S)
    return None


async def _speed(shell: Shell, url: str) -> AsyncIterator[Reading]:
    script = fetch_script(url) if url else None
    if script is None:
        yield Unread("wifi_throughput", _BAD_PAGE if url else _NO_PAGE)
        return
    answer = await shell.run(script, deadline_s=FETCH_S + 10.0, limit=64 * 1024)
    if answer.failure is not None:
        raise answer.failure
    page = await apart(fetched, answer.stdout, answer.stderr)
    if page.speed is None:
        yield Unread("wifi_throughput", page.why or _SHORT_PAGE, "nc")
    else:
        yield Measurement("wifi_throughput", page.speed, "nc, /proc/uptime")


@probe(
    "android.wifi-join",
    needs=Shell,
    reads=(_STATUS, _SAVED, READ_AIRPLANE),
    measures={"joined": FLAG, "join_time": "s", "wifi_throughput": "Mbit/s"},
    names={
        "joined": Words("joined the bench's access point", "已连接工位接入点"),
        "join_time": Words("time to join", "连接用时"),
        "wifi_throughput": Words("speed, Wi-Fi", "Wi-Fi 速率"),
    },
    repeatable=False,
    writes=Words("the bench's Wi-Fi network", "连接工位的 Wi-Fi 网络"),
    unverified=True,
)
async def wifi_join(
    bench: Bench,
    *,
    ssid: str = "",
    passphrase: str = "",
    security: Literal["open", "wpa2", "wpa3"] = "wpa2",
    url: str = "",
    wait_s: int = 25,
) -> AsyncIterator[Reading]:
    """Whether the phone joins the bench's access point, in what time, and how fast a page of the bench comes.

    Settings: `ssid`, `passphrase`, `security` of an access point that is for tests alone, since they stand in the
    record; `url`, a plain http page of the bench behind it; `wait_s`, the longest wait to join in seconds.
    """
    if not ssid:
        raise NotRun(_NO_AP)
    if airplane_mode(bench):
        raise NotRun(AIRPLANE_ON)
    said = await hear_apart(bench, _STATUS, wifi_status)
    if said.get("enabled") is not True:
        raise NotRun(_OFF if said.get("enabled") is False else said.reason("enabled"))
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    if not (said.get("connected") and said.get("ssid") == ssid):
        known = await apart(lambda listing: saved(listing, ssid), bench.answer(_SAVED.name).stdout)
        undo = ":" if known else forget_script(ssid)
        told = await bench.write(Write("wifi-join", _JOIN, do=_connect(ssid, passphrase, security), undo=undo))
        if told.failure is not None:
            raise told.failure
        if told.exit_code not in (0, None):
            raise NotRun(why_nothing(told))
    seconds = await _joined(shell, ssid, wait_s)
    source = "cmd wifi connect-network, cmd wifi status"
    if seconds is None:
        heard = await shell.run(_HEARD, deadline_s=15.0, limit=512 * 1024)
        if heard.failure is not None:
            raise heard.failure
        if not any(row.ssid == ssid for row in await apart(scan_rows, heard.stdout)):
            raise NotRun(_UNHEARD)
        yield Measurement("joined", False, source)
        yield Unread("join_time", NOT_SAID, source)
        return
    yield Measurement("joined", True, source)
    yield Measurement("join_time", seconds, source)
    async for one in _speed(shell, url):
        yield one
