"""What the bench leaves on a phone before it goes back: changes not undone, pushed files, settings, debugging.

Changes that checks made are known to the bench and come with the ticket's facts; files, settings, saved networks of the
bench and repair mode are looked at on the phone. What no cable sees (what was handed over, pairings, dirt) a person
answers for. Debugging and its authorisations can't be taken back over the cable that stands on them: a person does it
last, when the phone leaves the bench for good.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear_apart, hear_second_apart, reading
from probes.api import Bench, Choice, Measurement, Parsed, Prompt, PromptKind, Reading, Unread, parser, probe
from probes.captured import stripped_lines
from probes.units import FLAG, LIST, TEXT

__all__ = ["bench_files", "leave_clean"]

#: Files of the bench are named `assay-…` and lie where the shell may write.
_FILES = Command(
    "bench-files",
    "ls -d /data/local/tmp/assay* /sdcard/assay* /sdcard/Download/assay* 2>/dev/null; echo searched",
    timeout_s=5.0,
    limit=16 * 1024,
)
_AWAKE = Command("stays-awake", "settings get global stay_on_while_plugged_in", timeout_s=5.0, limit=1024)
_PATH = re.compile(r"/[\w./-]{1,200}", re.ASCII)

#: Saved networks since Android 11 (AOSP WifiShellCommand): id, name, security, apart by blanks.
_NETWORKS = Command("saved-networks", "cmd wifi list-networks", timeout_s=10.0, limit=64 * 1024)
#: Samsung's maintenance mode is user 77; the repair mode of Pixel and others runs as a system image of its own (DSU).
_REPAIR = Command(
    "repair-mode",
    "echo user=$(am get-current-user 2>/dev/null); echo image=$(getprop ro.gsid.image_running)",
    timeout_s=10.0,
    limit=4096,
)
_MAINTENANCE_USER = "77"
_NETWORK = re.compile(
    r"\s{0,8}[0-9]{1,6}\s{1,40}(\S.{0,63}?)\s{1,40}(?:open|owe|wep|wpa|sae|eap|psk|passpoint)\S{0,80}"
    r"(?: enterprise.*)?",
    re.ASCII | re.I,
)

_NOT_COUNTED = Words("the bench keeps no list of changes here", "此处没有改动清单")
_NOT_SEARCHED = Words("the search did not come to its end", "查找未完成")
_DEBUGGING = Words("Revoke USB debugging on the phone", "请在手机上撤销调试授权")
_STEPS = (
    Words(
        "Settings, Developer options: Revoke USB debugging authorisations",
        "设置 > 开发者选项：点“撤消（撤销）USB 调试授权”",
    ),
    Words("Leave repair or maintenance mode if it is on", "如已开启维修模式，请退出"),
    Words(
        "Choose here first, then turn Developer options off: that ends the connection to the bench",
        "请先在此选择，再关闭开发者选项：关闭后手机与工位断开",
    ),
)
_AS_IT_SHOULD = Words("Is the phone ready to be handed back?", "手机是否已可交还？")
_CHECK = (
    Words(
        "What came with it is back: cards, tray, case, accessories, as the intake lists them",
        "随机物品已归位：卡、卡托、保护壳、附件（以接件记录为准）",
    ),
    Words("No Wi-Fi network and no pairing of the bench is left on it", "手机上没有残留工位的 Wi-Fi 网络和蓝牙配对"),
    Words("Repair or maintenance mode is off", "已退出维修模式"),
    Words("Glass, ports and frame are clean; no film, glue or tape", "玻璃、接口和边框清洁，无残膜、残胶和胶带"),
)
_NOT_SAID = Words("nobody judged it; run this again", "检测人未作判断；请重测")
_REVOKED = Words("revoked; I turn it off now", "已撤销，我现在关闭")
_WANTED = Words("the customer wants it left on", "客户要求保留开启")
_LEFT = Words("it could not be revoked", "无法撤销")


@parser("bench_files")
def bench_files(data: bytes) -> Parsed:
    """Which files of the bench the phone holds, only if the search came to its end."""
    parsed = Parsed()
    lines = stripped_lines(data)
    if "searched" in lines:
        parsed.facts["files"] = list(dict.fromkeys(line for line in lines if _PATH.fullmatch(line)))
    return parsed


@parser("saved_network_names")
def saved_network_names(data: bytes) -> Parsed:
    """`cmd wifi list-networks`: the names; nothing where the list has no head and does not say that it is empty."""
    parsed = Parsed()
    lines = [line.strip() for line in stripped_lines(data) if line.strip()]
    if any(line.startswith(("Network Id", "No networks")) for line in lines[:4]):
        names = [found[1] for line in lines if (found := _NETWORK.fullmatch(line))]
        parsed.facts["networks"] = list(dict.fromkeys(names))
    return parsed


@parser("repair_mode")
def repair_mode(data: bytes) -> Parsed:
    """Whether the phone runs in the mode that hides the customer's data; nothing where it does not tell its user."""
    parsed = Parsed()
    told = dict(line.partition("=")[::2] for line in stripped_lines(data) if "=" in line)
    if told.get("image") == "1":
        parsed.facts["on"] = True
    elif (user := told.get("user", "")).isdecimal():
        parsed.facts["on"] = user == _MAINTENANCE_USER
    return parsed


@parser("stay_on")
def stay_on(data: bytes) -> Parsed:
    """`settings get global stay_on_while_plugged_in`: a mask of chargers, `null` where it was never set."""
    parsed = Parsed()
    for line in stripped_lines(data):
        if line == "null" or (line.isascii() and line.isdigit()):
            parsed.facts["stays_awake"] = line not in ("null", "0")
            break
    return parsed


def _changes(told: str | None) -> Iterator[Reading]:
    if told is None:
        yield Unread("changes_left", _NOT_COUNTED, "bench")
        return
    left = tuple(line for line in told.split("\n") if line)
    yield Measurement("changes_left", Decimal(len(left)), "journal of the bench")
    if left:
        yield Measurement("which_changes", as_value(left), "journal of the bench")


def _on_the_phone(files: Heard, awake: Heard) -> Iterator[Reading]:
    if files.get("files") is None:
        yield Unread("bench_files", _NOT_SEARCHED, files.source)
    else:
        yield Measurement("bench_files", as_value(files.get("files")), files.source)
    if awake.get("stays_awake") is not None:
        yield Measurement("stays_awake", awake.get("stays_awake"), awake.source)
    else:
        yield Unread("stays_awake", awake.reason("stays_awake"), awake.source)


async def _modes(bench: Bench, networks: Sequence[str]) -> AsyncIterator[Reading]:
    """Networks of the bench that the phone still knows, and whether it is still in repair mode."""
    if networks:
        saved = await hear_second_apart(bench, _NETWORKS, saved_network_names)
        if saved.get("networks") is None:
            yield Unread("bench_networks", saved.reason("networks"), saved.source)
        else:
            known = frozenset(saved.get("networks"))
            left = [name for name in networks if name in known]
            yield Measurement("bench_networks", as_value(left), saved.source)
    mode = await hear_second_apart(bench, _REPAIR, repair_mode, "current user, ro.gsid.image_running")
    yield reading("in_repair_mode", mode, "on", words="user")


@probe(
    "android.leave-clean",
    needs=Shell,
    reads=(_FILES, _AWAKE, _NETWORKS, _REPAIR),
    measures={
        "changes_left": "1",
        "which_changes": LIST,
        "bench_files": LIST,
        "stays_awake": FLAG,
        "bench_networks": LIST,
        "in_repair_mode": FLAG,
        "as_it_should_be": FLAG,
        "debugging": TEXT,
    },
    names={
        "changes_left": Words("changes not undone", "未恢复的改动"),
        "which_changes": Words("which changes", "具体改动"),
        "bench_files": Words("files of the bench", "工位遗留文件"),
        "stays_awake": Words("stays awake while charging", "充电时不休眠"),
        "bench_networks": Words("networks of the bench", "工位网络"),
        "in_repair_mode": Words("repair mode on", "维修模式开启"),
        "as_it_should_be": Words("as it should be", "交还状态正常"),
        "debugging": Words("USB debugging", "USB 调试"),
    },
    asks=True,
)
async def leave_clean(
    bench: Bench, *, leaves: bool = True, networks: tuple[str, ...] = (), timeout_s: float = 300.0
) -> AsyncIterator[Reading]:
    """Changes not undone, files and networks of the bench, repair mode, a person's look, and debugging taken back.

    Settings: `leaves`, whether the phone leaves the cable now, so that debugging is taken back; `networks`, names of
    the bench's Wi-Fi; `timeout_s` seconds until each question ends unanswered.
    Measures: `changes_left` and `which_changes` as the bench's journal has them; `bench_files` found on the phone;
    `stays_awake`; `debugging`: `revoked`, `wanted` (left on by the customer's wish) or `left`.
    """
    files = await hear_apart(bench, _FILES, bench_files, "files named assay*")
    for each in _changes(bench.ticket.get("changes-left")):
        yield each
    for each in _on_the_phone(files, await hear_second_apart(bench, _AWAKE, stay_on)):
        yield each
    async for each in _modes(bench, networks):
        yield each
    look = await bench.person.ask(Prompt("as-it-should-be", PromptKind.VERDICT, _AS_IT_SHOULD, _CHECK, (), timeout_s))
    if look.value in ("good", "bad"):
        yield Measurement("as_it_should_be", look.value == "good", f"person {look.person}")
    else:
        yield Unread("as_it_should_be", _NOT_SAID, f"person {look.person}")
    if not leaves:
        return
    choices = (Choice("revoked", _REVOKED, "1"), Choice("wanted", _WANTED, "2"), Choice("left", _LEFT, "3"))
    answer = await bench.person.ask(Prompt("debugging", PromptKind.CHOICE, _DEBUGGING, _STEPS, choices, timeout_s))
    yield Measurement("debugging", answer.value, f"person {answer.person}")
