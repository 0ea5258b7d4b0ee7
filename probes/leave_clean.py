"""What the bench leaves on a phone before it goes back: changes not undone, pushed files, settings, debugging.

Changes that checks made are known to the bench and come with the ticket's facts; files and settings are looked at on
the phone. Debugging and its authorisations can't be taken back over the cable that stands on them: a person does it
last.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear, hear_second
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

_NOT_COUNTED = Words("the bench keeps no list of changes here", "此处没有改动清单")
_NOT_SEARCHED = Words("the search did not come to its end", "查找未完成")
_DEBUGGING = Words("Take the debugging back on the phone", "请在手机上收回调试授权")
_STEPS = (
    Words("Settings, Developer options: Revoke USB debugging authorisations", "设置 > 开发者选项：撤销 USB 调试授权"),
    Words("Leave repair or maintenance mode if it is on", "如已开启维修模式，请退出"),
    Words(
        "Choose here first, then turn Developer options off: the phone leaves the bench with it",
        "请先在此选择，再关闭开发者选项：随后手机与工位断开",
    ),
)
_REVOKED = Words("revoked; it is turned off now", "已撤销，现在关闭")
_WANTED = Words("the customer wants it left on", "客户要求保留开启")
_LEFT = Words("it could not be taken back", "无法收回")


@parser("bench_files")
def bench_files(data: bytes) -> Parsed:
    """Which files of the bench the phone holds, only if the search came to its end."""
    parsed = Parsed()
    lines = stripped_lines(data)
    if "searched" in lines:
        parsed.facts["files"] = list(dict.fromkeys(line for line in lines if _PATH.fullmatch(line)))
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


@probe(
    "android.leave-clean",
    needs=Shell,
    reads=(_FILES, _AWAKE),
    measures={
        "changes_left": "1",
        "which_changes": LIST,
        "bench_files": LIST,
        "stays_awake": FLAG,
        "debugging": TEXT,
    },
    names={
        "changes_left": Words("changes not undone", "未恢复的改动"),
        "which_changes": Words("which changes", "具体改动"),
        "bench_files": Words("files of the bench", "工位遗留文件"),
        "stays_awake": Words("stays awake while charging", "充电时不休眠"),
        "debugging": Words("USB debugging", "USB 调试"),
    },
    asks=True,
)
async def leave_clean(bench: Bench, *, timeout_s: float = 300.0) -> AsyncIterator[Reading]:
    """Changes not undone, files of the bench, the setting that keeps the screen on, and debugging taken back.

    Settings: `timeout_s` seconds until the question ends unanswered.
    Measures: `changes_left` and `which_changes` as the bench's journal has them; `bench_files` found on the phone;
    `stays_awake`; `debugging`: `revoked`, `wanted` (left on by the customer's wish) or `left`.
    """
    files = hear(bench, _FILES, bench_files, "files named assay*")
    for each in _changes(bench.ticket.get("changes-left")):
        yield each
    for each in _on_the_phone(files, hear_second(bench, _AWAKE, stay_on)):
        yield each
    choices = (Choice("revoked", _REVOKED, "1"), Choice("wanted", _WANTED, "2"), Choice("left", _LEFT, "3"))
    answer = await bench.person.ask(Prompt("debugging", PromptKind.CHOICE, _DEBUGGING, _STEPS, choices, timeout_s))
    yield Measurement("debugging", answer.value, f"person {answer.person}")
