"""Android bug reports as files: the single text of Android 5, and today's zip with the text and copied files in it.

Reads a stream once and cuts it into the sections that dumpstate prints (AOSP frameworks/native/cmds/dumpstate), never
holding more than it keeps. A report is hostile input: nothing is unpacked to disk, a name in the zip is only a label,
and what is too large, cut or damaged is kept as far as it goes and said. Must not know what a section means.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from drivers.text import Words, safe_text

__all__ = ["MAX_FILES", "MAX_KEPT", "MAX_SECTION", "MAX_TEXT", "Report", "Section", "read_report"]

#: Most bytes of the text that are read; reports of phones with large log buffers stay below 500 MB.
MAX_TEXT = 1024 * 1024 * 1024
#: Most bytes of one section or file that are kept; a system log of a default buffer has 5 to 20 MB.
MAX_SECTION = 24 * 1024 * 1024
#: Most bytes that are kept of all.
MAX_KEPT = 160 * 1024 * 1024
#: Most copied files that are kept, and most entries of a zip that are looked at.
MAX_FILES = 100
_MAX_ENTRIES = 20_000
#: Most bytes of a zip inside a zip (MIUI packs the report of `*#*#284#*#*` once more); such reports have 5 to 60 MB.
_MAX_INNER = 128 * 1024 * 1024
#: How many texts of other names are looked into, and how many bytes of each, for the mark of a report.
_LOOKED_INTO, _LOOK = 5, 4096
_MAX_SECTIONS = 20_000
_LINE = 64 * 1024
_CHUNK = 1024 * 1024

_SECTION = re.compile(rb"------ ([^(\n]{0,200}?) ?(?:\(([^\n]{0,600})\))? ------")
_SERVICE = re.compile(rb"DUMP OF SERVICE (?:(?:CRITICAL|HIGH|NORMAL) )?([^\s:]{1,200}(?::[^\s:]{1,100})*):")
_DURATION = re.compile(rb"-{6,9} ([0-9.]{1,12})s was the duration of ")
_ELAPSED = re.compile(rb"\[[^\]]{1,300}: ([0-9.]{1,12})s elapsed\]")
_RULE = b"-" * 79  # dumpsys puts it between services
_TAKEN = re.compile(rb"== dumpstate: ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})")
_DONE = b"== dumpstate: done"
_HEADER = {
    b"Build": "build",
    b"Build fingerprint": "fingerprint",
    b"Bootloader": "bootloader",
    b"Radio": "radio",
    b"Kernel": "kernel",
    b"Uptime": "uptime",
    b"Bugreport format version": "format",
    b"Android SDK version": "sdk",
}
_MAIN = re.compile(r"(?:.*/)?(?:bugreport|dumpstate)[^/]*\.(?:txt|log)", re.IGNORECASE)
_INNER = re.compile(r"(?:.*/)?(?:bugreport|dumpstate)[^/]*\.zip", re.IGNORECASE)
_MARK = b"== dumpstate: "
#: Copied files that are kept: native crashes, apps that hung, the kernel's last words.
_KEPT_FILES = re.compile(
    r"FS/(data/tombstones/tombstone_[0-9]{1,4}|data/anr/[\w.:-]{1,120}|sys/fs/pstore/[\w.-]{1,80}|proc/last_kmsg)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report's text.

    Attributes:
        name: as printed, e.g. `SYSTEM PROPERTIES`; for a dump of a service the service's name.
        command: what dumpstate ran or copied, e.g. `getprop` or `/proc/meminfo`; empty where it does not say.
        service: whether it is the dump of a service.
        line: the line of the report at which the content that is kept begins, from 1.
        data: its content, without the frame around it.
        seconds: how long it took, as printed; None where it is not.
        cut: bytes that were not kept.
    """

    name: str
    command: str
    service: bool
    line: int
    data: bytes
    seconds: str | None = None
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A whole bug report.

    Attributes:
        sha256: of the file.
        taken: the phone's own date and time, `YYYY-MM-DD HH:MM:SS`; empty when it does not say.
        header: build, fingerprint and what else the head says.
        sections: in the order of the text; `files`: copied files by their path on the phone.
        complete: whether the text has its end.
        problems: what could not be read: name and reason.
    """

    sha256: str = ""
    taken: str = ""
    header: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    complete: bool = False
    problems: tuple[tuple[str, Words], ...] = ()

    def service(self, name: str) -> Section | None:
        """The first dump of that service."""
        return next((one for one in self.sections if one.service and one.name == name), None)

    def section(self, name: str) -> Section | None:
        """The first section of that name that is no service's."""
        return next((one for one in self.sections if not one.service and one.name == name), None)


def read_report(source: Path | bytes) -> Report:
    """Read a bug report from a file, or from bytes. Never raises for what is in it.

    Raises:
        OSError: the file can't be read.
    """
    reader = _Reader()
    with open(source, "rb") if isinstance(source, Path) else io.BytesIO(source) as stream:
        sha256 = _digest(stream)
        magic = stream.read(4)
        stream.seek(0)
        if magic.startswith(b"PK"):
            _read_zip(stream, reader)
        elif magic.startswith(b"\x1f\x8b"):
            reader.guarded("gzip", lambda: reader.read_text(cast("IO[bytes]", gzip.GzipFile(fileobj=stream))))
        else:
            reader.read_text(stream)
    return reader.report(sha256)


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


# --- zip -------------------------------------------------------------------------------------------------------------


def _read_zip(stream: IO[bytes], reader: _Reader, inside: bool = False) -> None:
    """Read a zip; `inside` says that it stands in another one, so that no third is opened."""
    try:
        archive = zipfile.ZipFile(stream)
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        reader.problem("zip", _CUT_ZIP)
        return
    if len(entries) > _MAX_ENTRIES:
        reader.problem("zip", _MANY.fill(limit=_MAX_ENTRIES))
        entries = entries[:_MAX_ENTRIES]
    main = _main_entry(archive, entries, reader)
    inner = [entry for entry in entries if _INNER.fullmatch(_name(entry))] if main is None and not inside else []
    if inner:
        largest = max(inner, key=lambda entry: entry.file_size)
        reader.guarded(largest.filename, lambda: _read_inner(archive.open(largest), reader))
        return
    folder = ""
    if main is None:
        reader.problem("zip", _NO_MAIN)
    else:
        folder = _folder(main)
        reader.guarded(main.filename, lambda: reader.read_text(archive.open(main)))
    for entry in entries:
        if named := _KEPT_FILES.fullmatch(_name(entry).removeprefix(folder)):
            if len(reader.files) >= MAX_FILES:
                reader.problem("zip", _MANY_FILES.fill(limit=MAX_FILES))
                break
            path, chosen = f"/{named[1]}", entry
            reader.guarded(entry.filename, lambda path=path, chosen=chosen: reader.keep(path, archive.open(chosen)))  # type: ignore[misc]


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; some packers of Windows write it with their own slashes."""
    return entry.filename.replace("\\", "/")


def _folder(entry: zipfile.ZipInfo) -> str:
    """The folder that an entry stands in: whoever unpacks a report and packs it again often packs its folder."""
    head, slash, _ = _name(entry).rpartition("/")
    return head + slash


def _read_inner(stream: IO[bytes], reader: _Reader) -> None:
    with stream:
        data = stream.read(_MAX_INNER + 1)
    if len(data) > _MAX_INNER:
        reader.problem("zip", _TOO_LARGE.fill(limit=0))
    else:
        _read_zip(io.BytesIO(data), reader, inside=True)


def _main_entry(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], reader: _Reader) -> zipfile.ZipInfo | None:
    """The entry that `main_entry.txt` names; else the largest that is called like a report, or has its mark."""

    def head(entry: zipfile.ZipInfo) -> bytes:
        found = []

        def read() -> None:
            with archive.open(entry) as file:
                found.append(file.read(_LOOK))

        reader.guarded(entry.filename, read)
        return found[0] if found else b""

    own = [entry for entry in entries if not _name(entry).removeprefix("/").startswith("FS/")]
    pointer = next((entry for entry in own if _name(entry).rpartition("/")[2] == "main_entry.txt"), None)
    if pointer is not None:
        named = _folder(pointer) + head(pointer)[:1024].decode("utf-8", "replace").strip()
        if wanted := next((entry for entry in entries if _name(entry) == named), None):
            return wanted
    called = [entry for entry in own if _MAIN.fullmatch(_name(entry))]
    if called:
        return max(called, key=lambda entry: entry.file_size)
    texts = sorted(
        (entry for entry in own if entry.filename.lower().endswith((".txt", ".log"))), key=lambda one: -one.file_size
    )
    return next((entry for entry in texts[:_LOOKED_INTO] if _MARK in head(entry)), None)


# --- text ------------------------------------------------------------------------------------------------------------


class _TooLong(Exception):
    """More text than is read."""


def _lines(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """The lines of a stream, without their ends; UTF-16 (a report redirected on Windows) becomes UTF-8."""
    rest, total = b"", 0
    decoder: codecs.IncrementalDecoder | None = None
    while chunk := stream.read(_CHUNK):
        if total == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            decoder = codecs.getincrementaldecoder("utf-16")("replace")
        total += len(chunk)
        text = decoder.decode(chunk).encode() if decoder else chunk
        *whole, rest = (rest + text).split(b"\n")
        yield from whole
        if len(rest) > _LINE:
            yield rest
            rest = b""
        if total > limit:
            raise _TooLong
    if rest:
        yield rest


class _Open:
    """A section whose lines are being collected."""

    def __init__(self, name: bytes, command: bytes, service: bool, line: int) -> None:
        self.name, self.command = _said(name), _said(command)
        self.service, self.line = service, line
        self.parts: deque[bytes] = deque()
        self.newest = not service and self.name.endswith("LOG")  # of a log the end matters, of all else the head
        self.size = self.cut = 0
        self.held = 0  # rules between services that were not written yet
        self.seconds: str | None = None

    def add(self, line: bytes, room: int) -> int:
        """Keep a line as far as there is room; back comes by how many bytes what is kept grew."""
        before, size = self.size, len(line) + 1
        limit = min(MAX_SECTION, self.size + room)
        while self.newest and self.parts and self.size + size > limit:
            gone = len(self.parts.popleft()) + 1
            self.size, self.cut, self.line = self.size - gone, self.cut + gone, self.line + 1
        if self.size + size > limit or (self.cut and not self.newest):
            self.cut += size
        else:
            self.parts.append(line)
            self.size += size
        return self.size - before

    def closed(self) -> Section:
        data = b"\n".join([*self.parts, b""])
        return Section(self.name, self.command, self.service, self.line, data, self.seconds, self.cut)


class _Reader:
    """Collects a report piece by piece."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._sections: list[Section] = []
        self._problems: list[tuple[str, Words]] = []
        self._header: dict[str, str] = {}
        self._taken = ""
        self._complete = False
        self._kept = 0
        self._open: _Open | None = None

    def problem(self, what: str, why: Words) -> None:
        """Say that something could not be read."""
        if len(self._problems) < 200:
            self._problems.append((safe_text(what, 200), why))

    def guarded(self, what: str, read: Callable[[], None]) -> None:
        """Read something compressed; what breaks in it is a problem."""
        try:
            read()
        except (
            OSError,
            EOFError,
            ValueError,
            RuntimeError,
            NotImplementedError,
            zlib.error,
            lzma.LZMAError,
            struct.error,
            zipfile.BadZipFile,
        ) as error:
            self._close()
            self.problem(what, _DAMAGED.fill(why=type(error).__name__))

    def keep(self, path: str, stream: IO[bytes]) -> None:
        """Keep a copied file."""
        room = min(MAX_SECTION, MAX_KEPT - self._kept)
        with stream:
            data = stream.read(max(0, room))
            if stream.read(1):
                self.problem(path, _TOO_LARGE.fill(limit=len(data)))
        self._kept += len(data)
        self.files[path] = data

    def read_text(self, stream: IO[bytes]) -> None:
        """Cut the report's text into sections."""
        try:
            for number, raw in enumerate(_lines(stream, MAX_TEXT), 1):
                self._take(number, raw.rstrip(), raw)
        except _TooLong:
            self.problem("text", _TOO_LARGE.fill(limit=MAX_TEXT))
        self._close()

    def _take(self, number: int, line: bytes, raw: bytes) -> None:
        if line.startswith((b"-", b"[")):
            if line == _RULE:
                self._rule()
                return
            if self._framed(number, line):
                return
        elif line.startswith(b"DUMP OF SERVICE "):
            if service := _SERVICE.fullmatch(line):
                self._begin(service[1], b"", True, number)
                return
        elif line.startswith(b"== dumpstate: "):
            self._mark(line)
        if self._open is not None:
            self._flush_rules()
            self._kept += self._open.add(raw, MAX_KEPT - self._kept)
        elif not self._sections:
            self._head(line)

    def _framed(self, number: int, line: bytes) -> bool:
        """Whether the line is of the frame around sections."""
        if ended := _DURATION.match(line) or _ELAPSED.fullmatch(line):
            if self._open is None:
                return False
            self._open.seconds = _said(ended[1])
            self._close()
            return True
        if section := _SECTION.fullmatch(line):
            self._begin(section[1], section[2] or b"", False, number)
            return True
        return False

    def _rule(self) -> None:
        if self._open is not None:
            self._open.held += 1

    def _flush_rules(self) -> None:
        """A rule that no dump of a service follows is the content's own."""
        if self._open is not None and self._open.held:
            held, self._open.held = self._open.held, 0
            for _ in range(held):
                self._kept += self._open.add(_RULE, MAX_KEPT - self._kept)

    def _begin(self, name: bytes, command: bytes, service: bool, number: int) -> None:
        self._close()
        if len(self._sections) >= _MAX_SECTIONS:
            self.problem("text", _MANY.fill(limit=_MAX_SECTIONS))
            return
        self._open = _Open(name, command, service, number + 1)

    def _close(self) -> None:
        if self._open is not None:
            section, self._open = self._open.closed(), None
            self._sections.append(section)
            if section.cut:
                self.problem(section.name, _TOO_LARGE.fill(limit=len(section.data)))

    def _mark(self, line: bytes) -> None:
        if line.startswith(_DONE):
            self._complete = True
            self._close()
        elif not self._taken and (taken := _TAKEN.match(line)):
            self._taken = taken[1].decode()

    def _head(self, line: bytes) -> None:
        name, colon, value = line.partition(b": ")
        if colon and name in _HEADER and value.strip():
            self._header.setdefault(_HEADER[name], _said(value).strip("'"))

    def report(self, sha256: str) -> Report:
        """What was collected."""
        self._close()
        sections = tuple(self._sections)
        if sections and not self._complete:
            self.problem("text", _CUT_TEXT)
        if not sections and not self._taken and not self._problems:
            self.problem("file", _NO_REPORT)
        return Report(sha256, self._taken, self._header, sections, self.files, self._complete, tuple(self._problems))


def _said(text: bytes) -> str:
    return safe_text(text.decode("utf-8", "replace").strip(), 600)


_CUT_ZIP = Words(
    "the zip is cut or damaged: its table of contents is not there; make or copy the report again",
    "压缩包不完整或已损坏：缺少目录；请重新生成或复制报告",
)
_NO_MAIN = Words("the zip holds no report text (bugreport-*.txt)", "压缩包内没有报告文本")
_MANY = Words("more than {limit} parts; the rest is not read", "超过 {limit} 个部分，其余未读取")
_MANY_FILES = Words("more than {limit} copied files; the rest is not read", "超过 {limit} 个附带文件，其余未读取")
_TOO_LARGE = Words("larger than what is kept: {limit} bytes of it are read", "内容过大，仅读取 {limit} 字节")
_DAMAGED = Words("damaged or locked ({why}); read as far as it goes", "已损坏或加密（{why}），只读取了可用部分")
_CUT_TEXT = Words("the report has no end: it was cut, or not finished", "报告没有结尾：被截断或未生成完")
_NO_REPORT = Words("this is no bug report", "这不是安卓错误报告")
