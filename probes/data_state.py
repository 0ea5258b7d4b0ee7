"""Whether the customer's data is as agreed: kept, or erased and nothing of it left.

What was agreed comes from the ticket, else from the person. What is looked for are traces of use: accounts, installed
apps, files of the user. A phone that shows none is not proved to be erased by a forensic standard; one that shows some
is proved not to be.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, hear_apart, hear_second_apart
from probes.api import Bench, Choice, Measurement, Parsed, Prompt, PromptKind, Reading, Unread, parser, probe
from probes.captured import integer, raw_lines, stripped_lines
from probes.device_policy import READ_ACCOUNTS, account
from probes.units import FLAG, TEXT

__all__ = ["READ_APPS", "data_state", "installed_apps", "setup_state", "user_files"]

#: Apps that were not built in, with who installed each (AOSP PackageManagerShellCommand).
READ_APPS = Command("apps", "pm list packages -3 -i && echo listed", timeout_s=15.0, limit=512 * 1024)
_SETUP = Command(
    "setup",
    "echo user_setup_complete=$(settings get secure user_setup_complete);"
    " echo device_provisioned=$(settings get global device_provisioned)",
    timeout_s=10.0,
    limit=4096,
)
#: Files in the folders that people use; names are not printed.
_FILES = Command(
    "user-files",
    "cd /sdcard && echo counted $(find DCIM Pictures Movies Music Download Documents Recordings -type f 2>/dev/null"
    " | grep -v '/[.]' | wc -l)",
    timeout_s=20.0,
    limit=4096,
)
_APP = re.compile(r"package:([\w.]{1,250})(?:\s{1,8}installer=([\w.]{1,250}))?", re.ASCII)

_CANT_COUNT = Words("the files could not be counted", "无法统计文件数")
_AGREED = Words("What was agreed about the customer's data?", "关于客户数据是如何约定的？")
_KEPT = Words("it is kept", "保留")
_ERASED = Words("it is erased", "清除")
_NOT_ALL = Words(
    "not every trace could be looked for, so it can't be said that the phone is erased: {why}",
    "未能检查所有痕迹，无法确认已清除：{why}",
)

_OF_NOBODY = Words(
    "{count} apps are listed as added, installed by nobody, and there is no other trace of use: a maker's own, which "
    "come back with every reset, look so too; see on the phone what they are (setting `allowed_apps`)",
    "有 {count} 个应用列为后装且无安装来源，且无其他使用痕迹：厂商预装、重置后自动恢复的应用也如此显示；"
    "请在手机上确认（设置项 `allowed_apps`）",
)


@parser("installed_apps")
def installed_apps(data: bytes) -> Parsed:
    """`pm list packages -3 -i`: apps that were not built in, and who installed each (`null` where nobody is named).

    No app at all is only said by a list that came to its end.
    """
    parsed = Parsed()
    lines = stripped_lines(data)
    found = {match[1]: match[2] or "null" for line in lines if (match := _APP.fullmatch(line))}
    if found or "listed" in lines:
        parsed.facts |= {"apps": list(found), "installed_by": list(found.values())}
    return parsed


@parser("setup_state")
def setup_state(data: bytes) -> Parsed:
    """The two flags of Android's first set-up; `null` says nothing."""
    parsed = Parsed()
    for line in raw_lines(data):
        name, equals, value = line.strip().partition("=")
        if equals and name in ("user_setup_complete", "device_provisioned") and value in ("0", "1"):
            parsed.facts.setdefault(name, value == "1")
    return parsed


@parser("user_files")
def user_files(data: bytes) -> Parsed:
    """How many files lie in the user's folders, only if the counting came to its end."""
    parsed = Parsed()
    for line in raw_lines(data):
        head, counted, count = line.strip().partition("counted ")
        if counted and not head and (number := integer(count)) is not None and number >= 0:
            parsed.facts["files"] = number
            break
    return parsed


def _traces(accounts: Heard, apps: Heard, files: Heard) -> Iterator[Reading]:
    """Accounts, added apps and files of the user; what could not be looked for is unread."""
    for name, heard, fact in (("accounts", accounts, "accounts"), ("added_apps", apps, "apps")):
        value = heard.get(fact)
        if value is None:
            yield Unread(name, heard.reason(fact), heard.source)
        else:
            yield Measurement(name, Decimal(len(value) if isinstance(value, list) else value), heard.source)
    if files.get("files") is None:
        yield Unread("user_files", _CANT_COUNT, "files in the user's folders")
    else:
        yield Measurement("user_files", Decimal(files.get("files")), "files in the user's folders")


def _as_agreed(agreed: str, traces: list[Reading], apps: Heard, allowed_files: int, allowed_apps: int) -> Reading:
    """Whether what was found is what was agreed.

    An app that no store and no installer put there may be one that the maker's system brings along and lists with the
    added ones: it proves nothing, neither that the phone was used nor that it was erased.
    """
    counts = {one.name: int(str(one.value)) for one in traces if isinstance(one, Measurement)}
    unread = [one for one in traces if isinstance(one, Unread)]
    source = "accounts, added apps, files of the user"
    of_nobody = sum(by == "null" for by in apps.get("installed_by") or ())
    allowed = {"user_files": allowed_files, "added_apps": of_nobody}
    some = any(value > allowed.get(name, 0) for name, value in counts.items())
    if agreed == "erased" and not some and unread:
        return Unread("as_agreed", _NOT_ALL.fill(why=unread[0].reason), source)
    if not some and of_nobody > allowed_apps:
        return Unread("as_agreed", _OF_NOBODY.fill(count=str(of_nobody)), source)
    if agreed == "kept" and not some and unread:
        return Unread("as_agreed", unread[0].reason, source)
    return Measurement("as_agreed", some == (agreed == "kept"), source)


@probe(
    "android.data-state",
    needs=Shell,
    reads=(READ_ACCOUNTS, READ_APPS, _SETUP, _FILES),
    measures={
        "agreed": TEXT,
        "accounts": "1",
        "added_apps": "1",
        "user_files": "1",
        "set_up": FLAG,
        "as_agreed": FLAG,
    },
    names={
        "agreed": Words("agreed about the data", "数据约定"),
        "accounts": Words("accounts on the phone", "手机账号数"),
        "added_apps": Words("apps added by the user", "用户安装的应用数"),
        "user_files": Words("files of the user", "用户文件数"),
        "set_up": Words("first set-up done", "已完成开机设置"),
        "as_agreed": Words("data as agreed", "数据状态与约定一致"),
    },
    asks=True,
    unverified=True,
)
async def data_state(
    bench: Bench, *, agreed: str = "", allowed_files: int = 0, allowed_apps: int = 0, timeout_s: float = 300.0
) -> AsyncIterator[Reading]:
    """Whether accounts, added apps and the user's files are there (kept) or gone (erased), as agreed.

    Settings: `agreed`, `kept` or `erased`, where neither the ticket nor a person shall be asked; `allowed_files` that a
    freshly set up phone of this model has by itself, and `allowed_apps` that it lists as added, installed by nobody;
    `timeout_s` seconds until the question ends unanswered.
    """
    accounts = await hear_apart(bench, READ_ACCOUNTS, account)
    apps = await hear_second_apart(bench, READ_APPS, installed_apps)
    files = await hear_second_apart(bench, _FILES, user_files)
    said = bench.ticket.get("data-agreed") or agreed
    source = "ticket" if said else ""
    if said not in ("kept", "erased"):
        choices = (Choice("erased", _ERASED, "1"), Choice("kept", _KEPT, "2"))
        answer = await bench.person.ask(Prompt("agreed", PromptKind.CHOICE, _AGREED, (), choices, timeout_s))
        said, source = answer.value, f"person {answer.person}"
    yield Measurement("agreed", said, source)
    traces = list(_traces(accounts, apps, files))
    for trace in traces:
        yield trace
    setup = await hear_second_apart(bench, _SETUP, setup_state, "settings: user_setup_complete")
    if setup.get("user_setup_complete") is not None:
        yield Measurement("set_up", setup.get("user_setup_complete"), setup.source)
    yield _as_agreed(said, traces, apps, allowed_files, allowed_apps)
