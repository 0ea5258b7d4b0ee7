"""Bug reports as phones: a shell that answers the commands of probes with what a report holds of them.

`answer` is pure: the output that a report has for a script, or none. The transport shows each report that was put into
a folder (a small file with the path) as a link whose recording is named in the link itself, so that nobody takes it for
a phone on a cable. What is not in a report is an `Unsupported`, never an empty answer. Stands on `bugreport_file`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shlex
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from drivers.adb_identity import read_identity
from drivers.api import (
    Command,
    CommandResult,
    Device,
    DeviceGone,
    DriverError,
    Heard,
    Identity,
    Link,
    LinkState,
    Shell,
    Side,
    TooMuchOutput,
    Unsupported,
)
from drivers.bugreport_file import Report, Section, read_report
from drivers.text import Words

__all__ = ["BugreportTransport", "answer", "answers", "identity_of", "put_report", "take_report"]

C = TypeVar("C")

_LOOK_S = 0.5
_SUFFIX = ".report"

# --- what a report answers -------------------------------------------------------------------------------------------

#: Scripts whose output stands under another command's name in a report.
_LOG = "SYSTEM LOG"
_LOG_BUFFERS = frozenset(("main", "system", "crash"))
#: Options of dumpsys that only leave out parts of what the whole dump has too.
_NARROWER = {"batterystats": (["--charged"],)}


def answer(report: Report, script: str) -> bytes | None:
    """What the report holds of a script's output, or None.

    Understood are a command that dumpstate ran itself, `dumpsys SERVICE`, `cat` of a file that it copied, `logcat` of
    the buffers of its system log, `date`, `pm list features`, `settings get`, and any of these before `| grep` or `||`.
    Everything else is not in a report.
    """
    try:
        words = list(_split(script))
    except ValueError:
        return None
    for pipeline in _parted(words, "||"):
        found = _pipeline(report, list(_parted(pipeline, "|")))
        if found is not None:
            return found
    return None


def _split(script: str) -> Iterable[str]:
    if re.search(r"[;`<&]|\$\(|>(?!&)(?!/dev/null)", re.sub(r"'[^']*'", "", script).replace("2>&1", "")):
        raise ValueError(script)  # more than one command: no single part of a report is its output
    lexer = shlex.shlex(script.replace("2>&1", "").replace("2>/dev/null", ""), posix=True, punctuation_chars="|")
    lexer.whitespace_split, lexer.commenters = True, ""
    return lexer


def _parted(words: Sequence[str], at: str) -> Iterable[list[str]]:
    part: list[str] = []
    for word in words:
        if word == at:
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _pipeline(report: Report, parts: Sequence[list[str]]) -> bytes | None:
    found = _command(report, parts[0])
    for part in parts[1:]:
        found = None if found is None else _grepped(found, part)
    return found


_FLAGS = re.compile(r"-[EiosqhF]+")


def _grepped(data: bytes, words: list[str]) -> bytes | None:
    """`grep` of the data; None for another filter, for a pattern that is not understood, and when nothing fits."""
    if len(words) < 2 or words[0] != "grep" or not all(_FLAGS.fullmatch(word) for word in words[1:-1]):
        return None
    flags = "".join(words[1:-1])
    source = re.escape(words[-1]) if "F" in flags else re.sub(r"\[:(\w+):\]", _posix, words[-1])
    try:
        pattern = re.compile(source.encode(), re.IGNORECASE if "i" in flags else 0)
    except re.error:
        return None
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    if "o" in flags:
        kept = [found[0] for line in lines for found in pattern.finditer(line) if found[0]]
    else:
        kept = [line for line in lines if pattern.search(line)]
    return b"".join(line + b"\n" for line in kept) or None


def _posix(found: re.Match[str]) -> str:
    return {"digit": "0-9", "alpha": "A-Za-z", "alnum": "A-Za-z0-9", "space": r"\s", "xdigit": "0-9A-Fa-f"}.get(
        found[1], "A-Za-z0-9"
    )


def _command(report: Report, words: list[str]) -> bytes | None:
    if not words:
        return None
    for reader in (_dump, _log, _file, _clock, _features, _setting, _same_command):
        if (found := reader(report, words)) is not None:
            return found
    return None


def _whole(section: Section | None) -> bytes | None:
    return section.data if section else None


def _dump(report: Report, words: list[str]) -> bytes | None:
    if words[0] != "dumpsys" or len(words) < 2:
        return None
    if words[2:] and words[2:] not in _NARROWER.get(words[1], ()):
        return None
    return _whole(report.service(words[1]))


def _log(report: Report, words: list[str]) -> bytes | None:
    """The system log has the buffers main, system and crash in one (AOSP dumpstate, DoLogcat)."""
    if words[0] != "logcat" or "-d" not in words:
        return None
    named = [words[at + 1].split(",") for at, word in enumerate(words[:-1]) if word == "-b"]
    buffers = {buffer for names in named for buffer in names}
    return _whole(report.section(_LOG)) if buffers and buffers <= _LOG_BUFFERS else None


def _file(report: Report, words: list[str]) -> bytes | None:
    if words[0] != "cat" or len(words) != 2:
        return None
    return report.files.get(words[1]) or _whole(_by_command(report, words[1]))


def _by_command(report: Report, command: str) -> Section | None:
    """The section that shows this command or file; for files dumpstate adds their date after a colon."""
    wanted = (command, f"/system/bin/{command}")
    return next(
        (one for one in report.sections if one.command in wanted or one.command.startswith(f"{command}: ")), None
    )


def _same_command(report: Report, words: list[str]) -> bytes | None:
    return None if words[0] in ("dumpsys", "cat") else _whole(_by_command(report, " ".join(words)))


_TIMEZONE = re.compile(r"^\[persist\.sys\.timezone\]: \[([\w/+-]{1,60})\]", re.MULTILINE)


def _clock(report: Report, words: list[str]) -> bytes | None:
    """The report's own date, in seconds since 1970 too where it says its time zone."""
    if words != ["date", "+%s %Y-%m-%d %H:%M:%S"] or not report.taken:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    named = _TIMEZONE.search((_whole(report.section("SYSTEM PROPERTIES")) or b"").decode("utf-8", "replace"))
    try:
        zone = ZoneInfo(named[1]) if named else None
        taken = datetime.strptime(report.taken, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
        seconds = int(taken.timestamp()) if zone else None
    except (ValueError, OSError, OverflowError, ZoneInfoNotFoundError):
        return None
    return None if seconds is None else f"{seconds} {report.taken}\n".encode()


_FEATURE = re.compile(rb"^\s{1,8}([a-z][\w.]{3,150})(?: version=([0-9]{1,9}))?\r?$", re.MULTILINE)


def _features(report: Report, words: list[str]) -> bytes | None:
    """`pm list features` from the package manager's dump, which lists them under their own heading."""
    if words != ["pm", "list", "features"]:
        return None
    dump = _whole(report.service("package")) or b""
    _, heading, rest = b"\n".join((b"", dump.replace(b"\r\n", b"\n"))).partition(b"\nFeatures:\n")
    if not heading:
        return None
    listed = rest.partition(b"\n\n")[0]
    names = [name + (b"=" + version if version else b"") for name, version in _FEATURE.findall(listed)]
    return b"".join(b"feature:" + name + b"\n" for name in names) or None


_TABLE = re.compile(rb"^(GLOBAL|SECURE|SYSTEM) SETTINGS \(user 0\)\s*$", re.MULTILINE)


def _setting(report: Report, words: list[str]) -> bytes | None:
    """`settings get TABLE NAME` from the dump of the settings provider; what it does not list there is not known."""
    if words[:2] != ["settings", "get"] or len(words) != 4:
        return None
    tables = _TABLE.split(_whole(report.service("settings")) or b"")
    wanted = words[2].upper().encode()
    text = next((text for table, text in zip(tables[1::2], tables[2::2], strict=False) if table == wanted), b"")
    name = re.escape(words[3].encode())
    found = re.search(
        rb"^_id:\d+ name:" + name + rb" (?:pkg:\S{1,200} )?value:([^\n]*?)(?: default:[^\n]*)?\r?$", text, re.M
    )
    return found[1] + b"\n" if found else None


def answers(report: Report, commands: Sequence[Command]) -> list[CommandResult]:
    """One result for each command, in order; what the report does not hold carries the failure that says so."""
    return [_result(report, command) for command in commands]


def _result(report: Report, command: Command) -> CommandResult:
    found = answer(report, command.script)
    if found is None:
        return CommandResult(command.name, command.script, b"", b"", None, 0.0, 0.0, _not_there(command.script))
    failure: DriverError | None = None
    if len(found) > command.limit and not command.script.startswith("logcat"):
        failure = TooMuchOutput("bugreport.too-much", _TOO_MUCH.fill(limit=command.limit), Side.PHONE, _ON_CABLE)
    # The newest lines of a log matter; of everything else the head.
    kept = found[-command.limit :] if command.script.startswith("logcat") else found[: command.limit]
    return CommandResult(command.name, command.script, kept, b"", 0, 0.0, 0.0, failure)


def _not_there(what: str) -> Unsupported:
    return Unsupported("bugreport.not-there", _NOT_THERE.fill(what=what[:120]), Side.BENCH, _ON_CABLE)


def identity_of(report: Report) -> Identity:
    """Who the report says its phone is; newer Androids leave serial and IMEI out of it."""
    properties = (_whole(report.section("SYSTEM PROPERTIES")) or b"").decode("utf-8", "replace").replace("\r\n", "\n")
    dump = (_whole(report.service("iphonesubinfo")) or b"").decode("utf-8", "replace")
    return read_identity(properties, [dump])


# --- as a device -----------------------------------------------------------------------------------------------------


class _ReportShell:
    """`Shell`: every answer is out of the report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    async def run(self, script: str, *, deadline_s: float, limit: int = 4 * 1024 * 1024) -> CommandResult:
        """What the report holds of the command's output."""
        return (await self.batch([Command("run", script, deadline_s, limit)], deadline_s=deadline_s))[0]

    async def batch(
        self, commands: Sequence[Command], *, deadline_s: float, heard: Heard | None = None
    ) -> list[CommandResult]:
        """What the report holds of each, in order."""
        return await asyncio.to_thread(answers, self._report, commands)


class _ReportDevice:
    """One report, opened."""

    def __init__(self, link: Link, report: Report) -> None:
        self._link, self._report = link, report

    @property
    def link(self) -> Link:
        """The link it was opened over."""
        return self._link

    async def identify(self, *, deadline_s: float) -> Identity:
        """Who the report says its phone is."""
        return identity_of(self._report)

    def capability(self, kind: type[C]) -> C:
        """A shell that answers from the report; raises `Unsupported` for everything else."""
        if kind is Shell:
            return cast(C, _ReportShell(self._report))
        raise _not_there(kind.__name__)

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A report that was put into the folder."""

    link: Link
    report: Report


def put_report(folder: Path, path: Path, report: Report) -> str:
    """Show a report to the transport of that folder; back comes the id of its link.

    Raises:
        OSError: the folder can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = report.sha256[:16]
    written = folder / f"{name}.new"
    written.write_text(json.dumps({"path": str(path.absolute()), "sha256": report.sha256}), encoding="utf-8")
    written.replace(folder / f"{name}{_SUFFIX}")
    return f"bugreport:{name}"


def take_report(folder: Path, report: Report) -> None:
    """Take a report away again; one that is not there is no trouble."""
    (folder / f"{report.sha256[:16]}{_SUFFIX}").unlink(missing_ok=True)


class BugreportTransport:
    """`Transport`: each report that was put into `folder` is a link of its own.

    Args:
        folder: where `put_report` puts them.
        simulated: mark every link as simulated; set by whoever set up the bench.
    """

    name = "bugreport"
    trouble: DriverError | None = None

    def __init__(self, folder: Path, *, simulated: bool = False) -> None:
        self._folder, self._simulated = folder, simulated
        self._known: dict[str, _Known] = {}
        self._refused: set[str] = set()

    async def watch(self) -> AsyncIterator[tuple[Link, ...]]:
        """The reports there are, again when one comes or goes."""
        shown: tuple[Link, ...] | None = None
        while True:
            links = await self._links()
            if links != shown:
                shown = links
                yield links
            await asyncio.sleep(_LOOK_S)

    async def _links(self) -> tuple[Link, ...]:
        names = {path.stem: path for path in self._folder.glob(f"*{_SUFFIX}")}
        for name in self._known.keys() - names.keys():
            del self._known[name]
        for name, path in sorted(names.items()):
            if name not in self._known and name not in self._refused:
                await self._take_in(name, path)
        return tuple(known.link for _, known in sorted(self._known.items()))

    async def _take_in(self, name: str, path: Path) -> None:
        try:
            report = await asyncio.to_thread(_opened, path)
        except (OSError, ValueError, TypeError, KeyError):  # gone by now, changed since, or somebody else's file
            self._refused.add(name)
            return
        places = {known.link.port for known in self._known.values()}
        port = next(place for n in itertools.count(1) if (place := f"bugreport-{n}") not in places)
        recorded = f"{report.taken or 'no date'}, sha256:{report.sha256}"
        link = Link("bugreport", name, name, port, LinkState.DEVICE, simulated=self._simulated, recorded=recorded)
        self._known[name] = _Known(link, report)

    async def open(self, link: Link) -> Device:
        """Open a report; raises `DeviceGone` when it was taken away."""
        known = self._known.get(link.key)
        if known is None:
            raise DeviceGone("bugreport.gone", _GONE, Side.BENCH, _AGAIN)
        return _ReportDevice(link, known.report)

    async def close(self) -> None:
        """Let go of all reports."""
        self._known.clear()


def _opened(path: Path) -> Report:
    """The report that a file of the folder names; raises ValueError when its bytes are others by now."""
    about: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    report = read_report(Path(about["path"]))
    if report.sha256 != about["sha256"]:
        raise ValueError("the file is another one now")
    return report


_NOT_THERE = Words("a bug report does not hold this: {what}", "错误报告中没有此内容：{what}")
_ON_CABLE = Words("Run this check on the phone itself", "请连接手机后进行此项检测")
_TOO_MUCH = Words("larger than the {limit} bytes that are read of it", "超过读取上限 {limit} 字节")
_GONE = Words("the bug report was taken away", "错误报告已移除")
_AGAIN = Words("Start the run again with the report's file", "请用报告文件重新开始检测")
