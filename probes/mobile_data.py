"""Whether a page comes over the mobile network, with Wi-Fi off; everything is left as it was found.

The phone's own check of the internet (NET_CAPABILITY_VALIDATED) stands in where the checklist names no page of the
bench. Switches through `bench.write` alone. One SIM carries data at a time and no command of the shell changes which:
the other is said to be left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.air import READ_AIRPLANE
from probes.answers import NOT_SAID, Heard, hear_second_apart, unread, why_nothing
from probes.apart import apart
from probes.api import Bench, Measurement, NotRun, Reading, Unread, Write, probe
from probes.connectivity import READ_NETWORKS, connectivity
from probes.fetch import FETCH_S, fetch_script, fetched
from probes.isub import READ_SUBSCRIPTIONS, isub
from probes.sim import cards_in_use
from probes.telephony import READ_FEATURES
from probes.units import FLAG

__all__ = ["mobile_data"]

#: android.provider.Settings.Global.WIFI_ON and MOBILE_DATA.
_WIFI_ON = Command("wifi-on", "settings get global wifi_on", timeout_s=10.0, limit=4096)
_DATA_ON = Command("mobile-data-on", "settings get global mobile_data", timeout_s=10.0, limit=4096)
#: Seconds between looks.
_LOOK_S = 1.0
_SLOTS = 2

_WIFI_OFF = Words("switches Wi-Fi off and on again", "关闭 Wi-Fi 后恢复")
_DATA_UP = Words("switches mobile data on and off again", "打开移动数据后恢复")
_NO_PAGE = Words("the checklist names no page of the bench (setting “url”)", "检测清单未指定工位页面（设置项“url”）")
_BAD_PAGE = Words("the setting “url” is no plain http address", "设置项“url”不是普通 http 地址")
_NOT_THERE = Words(
    "the mobile network did not come up within {seconds} s; look at SIM, contract and signal, run this again",
    "移动网络在 {seconds} 秒内未接通；请检查 SIM 卡、套餐和信号后重测",
)
_OTHER_SIM = Words(
    "the other SIM carries data; choose this one for mobile data in the phone's settings and run this again",
    "当前由另一张卡上网；请在手机设置中改用此卡上网后重测",
)
_SHORT_PAGE = Words("the page is too short to tell a speed", "页面太小，无法计算速率")
_RESULTS = ("mobile_online", "mobile_online_time", "page_fetched", "mobile_throughput")


@dataclass(frozen=True, slots=True)
class _Came:
    """The mobile network as it was when the wait ended, and after how many seconds."""

    facts: Heard
    seconds: Decimal | None


def _said(bench: Bench, read: Command) -> str:
    answer = bench.answer(read.name)
    return "" if answer.failure is not None else answer.text.strip()


async def _prepared(bench: Bench) -> None:
    """Wi-Fi off, data on; raises Skipped when nobody agrees, NotRun when the phone refuses, DriverError."""
    changes = []
    if _said(bench, _WIFI_ON) not in ("", "0", "null"):
        changes.append(Write("wifi-off", _WIFI_OFF, do="svc wifi disable", undo="svc wifi enable"))
    if _said(bench, _DATA_ON) == "0":
        changes.append(Write("data-on", _DATA_UP, do="svc data enable", undo="svc data disable"))
    for change in changes:
        told = await bench.write(change)
        if told.failure is not None:
            raise told.failure
        if told.exit_code not in (0, None):
            raise NotRun(why_nothing(told))


async def _came(shell: Shell, wait_s: int) -> _Came:
    """Wait for the mobile network and for the phone's own check of it; raises the DriverError of a broken link."""
    clock = asyncio.get_running_loop().time
    start = clock()
    while True:
        answer = await shell.run(READ_NETWORKS.script, deadline_s=READ_NETWORKS.timeout_s, limit=READ_NETWORKS.limit)
        if answer.failure is not None:
            raise answer.failure
        facts = (await apart(connectivity, answer.stdout)).facts
        heard = Heard("dumpsys connectivity", facts, {"": why_nothing(answer)} if not facts else {})
        waited = clock() - start
        if facts.get("cellular_validated") and not facts.get("wifi_connected"):
            return _Came(heard, Decimal(round(waited * 1000)) / 1000)
        if not facts or waited > wait_s:
            return _Came(heard, None)
        await asyncio.sleep(_LOOK_S)


def _online(came: _Came, wait_s: int) -> Iterator[Reading]:
    source = f"{came.facts.source}: CELLULAR, VALIDATED"
    if not came.facts.facts:
        yield from unread(("mobile_online", "mobile_online_time"), came.facts.reason("cellular_connected"), source)
        return
    yield Measurement("mobile_online", came.facts.get("cellular_validated") is True, source)
    if came.seconds is None:
        yield Unread("mobile_online_time", _NOT_THERE.fill(seconds=str(wait_s)), source)
    else:
        yield Measurement("mobile_online_time", came.seconds, source)


async def _page(shell: Shell, url: str) -> AsyncIterator[Reading]:
    script = fetch_script(url) if url else None
    if script is None:
        for one in unread(("page_fetched", "mobile_throughput"), _BAD_PAGE if url else _NO_PAGE):
            yield one
        return
    answer = await shell.run(script, deadline_s=FETCH_S + 10.0, limit=64 * 1024)
    if answer.failure is not None:
        raise answer.failure
    page = await apart(fetched, answer.stdout, answer.stderr)
    if page.unable:
        yield Unread("page_fetched", page.why or NOT_SAID, "nc")
    else:
        yield Measurement("page_fetched", page.ok, "nc, over the mobile network")
    if page.speed is None:
        yield Unread("mobile_throughput", page.why or _SHORT_PAGE, "nc")
    else:
        yield Measurement("mobile_throughput", page.speed, "nc, /proc/uptime")


def _of_slots(ready: list[int], cards: Heard, came: _Came) -> Iterator[Reading]:
    """Which slot carried the data, and which is left."""
    data_sub = came.facts.get("cellular_sub") or cards.get("data_sub")
    carrying = [slot for slot in ready if data_sub is not None and cards.get(f"slot{slot}_sub") == data_sub]
    if not carrying and len(ready) == 1:
        carrying = ready
    for slot in ready[:_SLOTS]:
        name = f"slot{slot + 1}_online"
        if slot not in carrying:
            yield Unread(name, _OTHER_SIM if carrying else NOT_SAID, "dumpsys isub")
        elif came.facts.facts:
            yield Measurement(name, came.facts.get("cellular_validated") is True, came.facts.source)
        else:
            yield Unread(name, came.facts.reason("cellular_connected"), came.facts.source)


@probe(
    "android.mobile-data",
    needs=Shell,
    reads=(getprop.READ, READ_FEATURES, READ_AIRPLANE, READ_NETWORKS, READ_SUBSCRIPTIONS, _WIFI_ON, _DATA_ON),
    measures={
        "mobile_online": FLAG,
        "mobile_online_time": "s",
        "page_fetched": FLAG,
        "mobile_throughput": "Mbit/s",
        **{f"slot{slot + 1}_online": FLAG for slot in range(_SLOTS)},
    },
    names={
        "mobile_online": Words("online over the mobile network", "可通过移动网络上网"),
        "mobile_online_time": Words("time until online", "接通用时"),
        "page_fetched": Words("bench's page fetched", "已取到工位页面"),
        "mobile_throughput": Words("speed, mobile network", "移动网络速率"),
        "slot1_online": Words("slot 1, online", "卡 1 上网"),
        "slot2_online": Words("slot 2, online", "卡 2 上网"),
    },
    repeatable=False,
    writes=Words("Wi-Fi off and mobile data on", "关闭 Wi-Fi 并开启移动数据"),
    unverified=True,
)
async def mobile_data(bench: Bench, *, url: str = "", wait_s: int = 30) -> AsyncIterator[Reading]:
    """Whether the internet, or the bench's page, is reached over the mobile network with Wi-Fi off.

    Settings: `url`, a plain http page of the bench that is reachable from the mobile network; `wait_s`, the longest
    wait for that network in seconds (Android tries its own check again after 1, 2, 4 and 8 s).
    """
    ready = await cards_in_use(bench)
    networks = await hear_second_apart(bench, READ_NETWORKS, connectivity, "dumpsys connectivity")
    if not networks.facts:
        raise NotRun(networks.reason("cellular_connected"))
    await _prepared(bench)
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    came = await _came(shell, wait_s)
    for one in _online(came, wait_s):
        yield one
    async for one in _page(shell, url):
        yield one
    cards = await hear_second_apart(bench, READ_SUBSCRIPTIONS, isub, "dumpsys isub")
    for one in _of_slots(ready, cards, came):
        yield one
