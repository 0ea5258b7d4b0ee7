"""Remedies that touch only software: restart, safe mode, reset of network settings, factory reset.

Each needs the customer's consent at that moment, given on the ticket, and that the customer was told about the data.
A restart is commanded; for the others the person acts at the phone, because the shell may not. A factory reset is never
sent: its page is opened, and the customer or the technician confirms it there. Whether it was done is read from the
phone. Whether the fault is gone is for the checks that failed to say, run again. Not tried on a phone: everything but
the restart's commands, which are AOSP's.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from drivers.api import Command, CommandResult, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import hear_apart, why_nothing
from probes.apart import apart
from probes.api import (
    Answer,
    Bench,
    Choice,
    Measurement,
    NotRun,
    Parsed,
    Prompt,
    PromptKind,
    Reading,
    Skipped,
    Unread,
    Write,
    parser,
    probe,
)
from probes.captured import integer, note, stripped_lines
from probes.live import seen_by_the_phone
from probes.units import FLAG, TEXT
from probes.vendors import ANY, Vendor, recognise, steps_to_debugging, vendors

__all__ = ["REMEDIES", "boot_state", "restarted", "soft_remedy", "wifi_networks"]

Remedy = Literal["restart", "safe-mode", "reset-network", "factory-reset"]

#: The remedies, the mildest first, as people call them.
REMEDIES: Mapping[Remedy, Words] = {
    "restart": Words("restart", "重启"),
    "safe-mode": Words("safe mode", "安全模式"),
    "reset-network": Words("reset network settings", "重置网络设置"),
    "factory-reset": Words("factory reset", "恢复出厂设置"),
}

#: The boot id is new at every start (random(4)); the count is Settings.Global.BOOT_COUNT (Android 7). `ro.sys.safemode`
#: is set by AOSP's ShutdownThread and window manager while the phone is in safe mode.
BOOT = Command(
    "boot-state",
    "echo id=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null); echo count=$(settings get global boot_count 2>&1); "
    "echo up=$(cat /proc/uptime 2>/dev/null); echo booted=$(getprop sys.boot_completed); "
    "echo safe=$(getprop ro.sys.safemode)",
    timeout_s=8.0,
    limit=4096,
)
NETWORKS = Command("networks", "cmd wifi list-networks", timeout_s=8.0, limit=64 * 1024)
#: AOSP's own page of resets (Settings, ResetDashboardFragment); makers without it get the first page of the settings.
_RESET_PAGE = (
    "am start -n 'com.android.settings/.Settings$ResetDashboardFragmentActivity' || "
    "am start -a android.settings.SETTINGS"
)
_HOME = "am start -a android.intent.action.MAIN -c android.intent.category.HOME"

#: Seconds that a phone gets to go down after it was told to, between two looks, and for one look.
_LEAVE_S, _LOOK_S, _ASK_S = 45.0, 0.5, 4.0

_WHICH = Words("Which remedy is to be tried?", "采用哪种处理？")
_TOLD = Words(
    "Was the customer told that data may be lost, and offered a backup?", "是否已告知客户数据可能丢失并建议备份？"
)
_BACKED_UP = Words("told; there is a backup", "已告知，已有备份")
_WITHOUT = Words("told; goes on without a backup", "已告知，不备份并继续")
_NOT_TOLD = Words("not told yet", "尚未告知")
_TELL_FIRST = Words(
    "the customer was not told about the data yet; tell them and offer a backup first",
    "尚未告知客户数据风险；请先告知并建议备份",
)
_TICKET_FIRST = Words(
    "a factory reset is only done on a ticket: the consent must be kept", "恢复出厂设置须在工单中进行：客户同意须留存"
)
_CONSENT: Mapping[Remedy, Words] = {
    "restart": Words("Does the customer agree to a restart now?", "客户是否同意现在重启？"),
    "safe-mode": Words("Does the customer agree to a start in safe mode?", "客户是否同意以安全模式启动？"),
    "reset-network": Words("Does the customer agree to lose all network settings?", "客户是否同意清除全部网络设置？"),
    "factory-reset": Words(
        "Does the customer agree that EVERYTHING on the phone is erased?", "客户是否同意清除手机上的全部数据？"
    ),
}
_LOSES: Mapping[Remedy, Words] = {
    "restart": Words("What is open and not saved is lost", "未保存的内容会丢失"),
    "safe-mode": Words(
        "Apps that were installed are off until the next restart; widgets may lose their places",
        "已安装的应用在下次重启前不可用，桌面小部件可能移位",
    ),
    "reset-network": Words(
        "Wi-Fi passwords, paired Bluetooth devices and mobile settings are lost",
        "Wi-Fi 密码、蓝牙配对和移动网络设置会丢失",
    ),
    "factory-reset": Words(
        "Pictures, messages, accounts and apps are gone for good; the account's password is needed afterwards",
        "照片、消息、账号和应用将永久清除；之后需要账号密码才能使用",
    ),
}
_YES = Words("yes, the customer agrees", "客户同意")
_NO = Words("no", "不同意")
_NOT_AGREED = Words("the customer did not agree to {remedy}", "客户未同意{remedy}")
_IGNORED = Words("the phone did not switch off after it was told to restart", "手机收到重启指令后未重启")
_UNCLEAR = Words("the phone does not say whether it has restarted", "手机未说明是否重新启动")
_NO_SAFE = Words("the phone is not in safe mode", "手机未处于安全模式")
_KEYS = Words("Start the phone in safe mode by its keys", "请用按键将手机启动到安全模式")
_OPENING = Words("opens the page of resets in the settings", "打开设置中的重置页面")
_NETWORK = Words("Reset the network settings on the phone", "请在手机上重置网络设置")
_NETWORK_STEPS = (
    Words(
        "Choose “Reset network settings”, or Wi-Fi, mobile and Bluetooth",
        "选择“重置（还原）网络设置”，或“重置 WLAN、移动数据和蓝牙”",
    ),
    Words("The customer enters the screen lock where it is asked for", "如需锁屏密码，请客户自行输入"),
)
_DONE = Words("done", "已完成")
_CANT = Words("it can't be done", "无法完成")
_STILL_SAVED = Words("saved Wi-Fi networks are still there", "已保存的 Wi-Fi 仍然存在")
_ERASE = Words("Erase the phone in its settings", "请在手机设置中清除全部数据")
_ERASE_STEPS = (
    Words("Remove SIM and memory card; sign out of accounts with the customer", "取出 SIM 卡和存储卡；由客户退出账号"),
    Words(
        "Choose “Erase all data (factory reset)” and confirm on the phone",
        "选择“清除所有数据（恢复出厂设置）”并在手机上确认",
    ),
    Words(
        "Set the phone up without an account, then turn debugging on again:",
        "完成开机设置（不登录账户），再重新打开调试：",
    ),
)


@dataclass(frozen=True, slots=True)
class Boot:
    """Which start the phone is in, as far as it says; None is not said."""

    id: str = ""
    count: int | None = None
    up_s: float | None = None
    booted: bool = False
    safe: bool = False


@parser("boot_state")
def boot_state(data: bytes) -> Parsed:
    """The answer of `BOOT`: the id and number of this start, how long ago it was, and whether it is safe mode."""
    parsed = Parsed()
    whole = data[: data.rfind(b"\n") + 1]  # a last line without its end may be cut in the middle of a number
    said = dict(line.partition("=")[::2] for line in stripped_lines(whole) if "=" in line)
    if re.fullmatch(r"[0-9a-f-]{36}", said.get("id", ""), re.ASCII):
        parsed.facts["boot_id"] = said["id"]
    elif said.get("id"):
        note(parsed, "boot_id", said["id"], "a boot id")
    if said.get("count") not in (None, "", "null"):
        count = integer(said["count"])
        if count is None or count < 0:
            note(parsed, "boot_count", said["count"], "how often the phone has started")
        else:
            parsed.facts["boot_count"] = count
    up = re.match(r"(\d{1,12}\.\d+)\b", said.get("up", ""), re.ASCII)
    if up is not None:
        parsed.facts["uptime_s"] = Decimal(up[1])
    if "booted" in said:
        parsed.facts["boot_completed"] = said["booted"] == "1"
    if "safe" in said:
        parsed.facts["safe_mode"] = said["safe"] == "1"
    return parsed


#: An id, then the name at its column.
_NETWORK_ROW = re.compile(r"(\d{1,9})\s{2,40}\S", re.ASCII)


@parser("wifi_networks")
def wifi_networks(data: bytes) -> Parsed:
    """`cmd wifi list-networks` (Android 10): how many networks are saved; their names are not kept."""
    parsed = Parsed()
    lines = stripped_lines(data)
    headed = next((at for at, line in enumerate(lines) if line.startswith("Network Id")), None)
    if "No networks" in lines:
        parsed.facts["saved_networks"] = 0
    elif headed is not None:
        ids = {row[1] for line in lines[headed:] if (row := _NETWORK_ROW.match(line))}
        if ids:  # the head is only printed where rows follow: without any the answer was cut
            parsed.facts["saved_networks"] = len(ids)
    return parsed


def restarted(before: Boot, after: Boot) -> bool | None:
    """Whether the phone has started anew between the two; None when it does not say."""
    if before.id and after.id:
        return before.id != after.id
    if before.count is not None and after.count is not None:
        return before.count != after.count
    if before.up_s is not None and after.up_s is not None:
        return after.up_s < before.up_s
    return None


@probe(
    "android.soft-remedy",
    needs=Shell,
    reads=(getprop.READ,),
    measures={"remedy": TEXT, "remedy_done": FLAG, "restart_time": "s", "safe_mode": FLAG, "data_notice": TEXT},
    names={
        "remedy": Words("remedy", "处理方式"),
        "remedy_done": Words("carried out", "已执行"),
        "restart_time": Words("time until started", "启动用时"),
        "safe_mode": Words("in safe mode", "处于安全模式"),
        "data_notice": Words("told about the data", "数据告知"),
    },
    asks=True,
    writes=Words("opens a page of the settings; a remedy itself is not undone", "打开设置页面；处理措施本身不撤销"),
    repeatable=False,
    unverified=True,
)
async def soft_remedy(
    bench: Bench,
    *,
    remedy: Literal["ask", "restart", "safe-mode", "reset-network", "factory-reset"] = "ask",
    timeout_s: float = 300.0,
    boot_s: float = 300.0,
) -> AsyncIterator[Reading]:
    """One remedy, after notice and consent: whether it was carried out, and how long the phone took to start.

    Settings: `remedy`, else a person chooses; `timeout_s` seconds until a question ends unanswered; `boot_s` seconds
    that a phone may take to come back (a factory reset: three times that).
    """
    said = await hear_apart(bench, getprop.READ, getprop.getprop)
    props, _, _ = await apart(getprop.properties, bench.answer(getprop.READ.name).stdout)
    maker = recognise(
        str(said.get("manufacturer") or ""), str(said.get("brand") or ""), [n for n, v in props.items() if v]
    )
    chosen = remedy if remedy != "ask" else await _choose(bench, timeout_s)
    yield Measurement("remedy", chosen, "person" if remedy == "ask" else "setting")
    notice = await _notice(bench, chosen, timeout_s)
    yield Measurement("data_notice", notice, "ticket")
    await _agreed(bench, chosen, timeout_s)
    doing = {
        "restart": _restart,
        "safe-mode": _safe_mode,
        "reset-network": _reset_network,
        "factory-reset": _factory_reset,
    }[chosen]
    async for reading in doing(bench, maker or vendors()[ANY], timeout_s, boot_s):
        yield reading


# --- before ----------------------------------------------------------------------------------------------------------


async def _ask(
    bench: Bench,
    prompt_id: str,
    title: Words,
    labels: Mapping[str, Words],
    timeout_s: float,
    steps: tuple[Words, ...] = (),
) -> Answer:
    choices = tuple(Choice(value, label, str(at)) for at, (value, label) in enumerate(labels.items(), 1))
    return await bench.person.ask(Prompt(prompt_id, PromptKind.CHOICE, title, steps, choices, timeout_s))


async def _choose(bench: Bench, timeout_s: float) -> Remedy:
    answer = await _ask(bench, "remedy", _WHICH, {str(name): label for name, label in REMEDIES.items()}, timeout_s)
    found: Remedy | None = next((name for name in REMEDIES if name == answer.value), None)
    if found is None:
        raise Skipped(_NOT_AGREED.fill(remedy=_WHICH))
    return found


async def _notice(bench: Bench, chosen: Remedy, timeout_s: float) -> str:
    """What the customer was told about the data, as the ticket has it, else asked now.

    Raises:
        NotRun: they were not told, or there is no ticket to keep the consent to a factory reset.
    """
    if chosen == "factory-reset" and not bench.ticket.get("ticket"):
        raise NotRun(_TICKET_FIRST)
    known = bench.ticket.get("data-notice", "")
    enough = ("backed-up", "without")
    if known not in enough:
        told = {"backed-up": _BACKED_UP, "without": _WITHOUT, "not-told": _NOT_TOLD}
        known = (await _ask(bench, "data-notice", _TOLD, told, timeout_s)).value
    if known not in enough:
        raise NotRun(_TELL_FIRST)
    return known


async def _agreed(bench: Bench, chosen: Remedy, timeout_s: float) -> None:
    """Raises Skipped unless the customer agrees to this remedy, now."""
    labels = {"refuse": _NO, "agree": _YES}  # the first is what a hurried key takes: never the loss of data
    answer = await _ask(bench, "remedy-consent", _CONSENT[chosen], labels, timeout_s, (_LOSES[chosen],))
    if answer.value != "agree":
        raise Skipped(_NOT_AGREED.fill(remedy=REMEDIES[chosen]))


# --- the remedies ----------------------------------------------------------------------------------------------------


async def _restart(bench: Bench, maker: Vendor, timeout_s: float, boot_s: float) -> AsyncIterator[Reading]:
    before = await _now(_shell(bench))
    began = time.monotonic()
    with bench.away():
        told = await _shell(bench).run("reboot", deadline_s=10.0, limit=4096)
        if _refused(told):
            raise NotRun(why_nothing(told))
        if not await _leaves(_shell(bench), before, _LEAVE_S):
            yield Unread("restart_time", _IGNORED)
            yield Measurement("remedy_done", False, _IGNORED.en)
            return
        after = await _back(bench, boot_s)
    for reading in _started(before, after, time.monotonic() - began):
        yield reading


async def _safe_mode(bench: Bench, maker: Vendor, timeout_s: float, boot_s: float) -> AsyncIterator[Reading]:
    before = await _now(_shell(bench))
    began = time.monotonic()
    with bench.away():
        asked = await _shell(bench).run("setprop persist.sys.safemode 1 && reboot", deadline_s=10.0, limit=4096)
        if asked.exit_code == 0 or asked.failure is not None:
            await _leaves(_shell(bench), before, _LEAVE_S)
        else:  # builds for users keep the property from the shell
            watching = _leaves(_shell(bench), before, timeout_s)
            steps = maker.safe_mode.steps
            await seen_by_the_phone(bench.person, "safe-mode-keys", _KEYS, watching, steps=steps, timeout_s=timeout_s)
        after = await _back(bench, boot_s)
    if restarted(before, after):
        yield Measurement("restart_time", _seconds(time.monotonic() - began), "bench clock")
    yield Measurement("safe_mode", after.safe, "getprop ro.sys.safemode")
    yield Measurement("remedy_done", after.safe, "getprop ro.sys.safemode" if after.safe else _NO_SAFE.en)


async def _reset_network(bench: Bench, maker: Vendor, timeout_s: float, boot_s: float) -> AsyncIterator[Reading]:
    before = await _saved(bench)
    await bench.write(Write("reset-page", _OPENING, _RESET_PAGE, _HOME))
    labels = {"done": _DONE, "cant": _CANT}
    answer = await _ask(bench, "network-reset", _NETWORK, labels, timeout_s, _NETWORK_STEPS)
    after = await _saved(bench)
    if answer.value == "done" and before and after:
        yield Measurement("remedy_done", False, f"cmd wifi list-networks: {_STILL_SAVED.en}")
        return
    counted = f", cmd wifi list-networks: {before} → {after}" if before is not None and after is not None else ""
    yield Measurement("remedy_done", answer.value == "done", f"person {answer.person}{counted}")


async def _factory_reset(bench: Bench, maker: Vendor, timeout_s: float, boot_s: float) -> AsyncIterator[Reading]:
    before = await _now(_shell(bench))
    began = time.monotonic()
    await bench.write(Write("reset-page", _OPENING, _RESET_PAGE, _HOME))
    with bench.away():
        watching = _erased(bench, before, timeout_s, 3 * boot_s)
        steps = (*_ERASE_STEPS, *steps_to_debugging(maker))
        after = await seen_by_the_phone(
            bench.person, "factory-reset", _ERASE, watching, steps=steps, timeout_s=timeout_s + 3 * boot_s
        )
    if after is None:
        yield Measurement("remedy_done", False, "person")
        return
    for reading in _started(before, after, time.monotonic() - began):
        yield reading


async def _erased(bench: Bench, before: Boot, leave_s: float, back_s: float) -> Boot | None:
    """Until the phone went and came back; None when it did not go."""
    return await _back(bench, back_s) if await _leaves(_shell(bench), before, leave_s) else None


# --- looking ---------------------------------------------------------------------------------------------------------


def _shell(bench: Bench) -> Shell:
    return bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability


def _refused(told: CommandResult) -> bool:
    """Whether the phone itself said no: a link that breaks under `reboot` is what was asked for."""
    return told.failure is None and bool(told.exit_code)


async def _now(shell: Shell) -> Boot:
    """Which start the phone is in; one that does not answer says nothing."""
    answer = await shell.run(BOOT.script, deadline_s=_ASK_S, limit=BOOT.limit)
    facts = (await apart(boot_state, answer.stdout)).facts if answer.failure is None else {}
    return Boot(
        id=facts.get("boot_id", ""),
        count=facts.get("boot_count"),
        up_s=float(facts["uptime_s"]) if "uptime_s" in facts else None,
        booted=bool(facts.get("boot_completed")),
        safe=bool(facts.get("safe_mode")),
    )


async def _leaves(shell: Shell, before: Boot, within_s: float) -> bool:
    """Until the phone does not answer any more, or is in another start already; False when it stays as it was."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        answer = await shell.run(BOOT.script, deadline_s=_ASK_S, limit=BOOT.limit)
        if answer.failure is not None:
            return True
        if (await apart(boot_state, answer.stdout)).facts.get("boot_id", before.id) != before.id:
            return True
        await asyncio.sleep(_LOOK_S)
    return False


async def _back(bench: Bench, within_s: float) -> Boot:
    """The phone's new start, once it is through with it; raises DeviceGone when it does not come back."""
    ends = time.monotonic() + within_s
    await bench.back(within_s=within_s)
    while True:
        boot = await _now(_shell(bench))
        if boot.booted or time.monotonic() >= ends:
            return boot
        await asyncio.sleep(_LOOK_S)


async def _saved(bench: Bench) -> int | None:
    answer = await _shell(bench).run(NETWORKS.script, deadline_s=NETWORKS.timeout_s, limit=NETWORKS.limit)
    if answer.failure is not None:
        return None
    count: int | None = (await apart(wifi_networks, answer.stdout)).facts.get("saved_networks")
    return count


def _started(before: Boot, after: Boot, seconds: float) -> list[Reading]:
    anew = restarted(before, after)
    if anew is None:
        return [Unread("remedy_done", _UNCLEAR)]
    source = "boot id" if before.id and after.id else "boot count" if before.count is not None else "uptime"
    return [
        Measurement("restart_time", _seconds(seconds), "bench clock"),
        Measurement("safe_mode", after.safe, "getprop ro.sys.safemode"),
        Measurement("remedy_done", anew, source),
    ]


def _seconds(seconds: float) -> Decimal:
    return Decimal(seconds).quantize(Decimal("0.1"))
