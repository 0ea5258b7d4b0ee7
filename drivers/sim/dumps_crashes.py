"""What the phone prints about what went wrong before: tombstones, the drop box, the crash log.

Functions of the phone's state and its persona's crashes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from drivers.sim.persona import Crash
from drivers.sim.properties import fingerprint
from drivers.sim.state import PhoneState

__all__ = ["crash_log", "dropbox", "main_log", "tombstone", "tombstones"]

_PREVIEW = 70
"""Characters of an entry that the drop box shows without `--print` (AOSP DropBoxManagerService)."""


def tombstones(state: PhoneState) -> dict[str, str]:
    """Every tombstone file, by its absolute path."""
    return {
        f"/data/tombstones/tombstone_{number:02d}": tombstone(state, crash)
        for number, crash in enumerate(state.persona.crashes)
    }


def tombstone(state: PhoneState, crash: Crash) -> str:
    """The tombstone of one crash."""
    chance = random.Random(f"{state.seed}:{crash.process}:{crash.ago_s}")  # noqa: S311 - same again
    pid, tid = _pids(state, crash)
    moment = state.since_start(crash.ago_s)
    lines = [
        "*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***",
        f"Build fingerprint: '{fingerprint(state.persona)}'",
        "Revision: 'MP1.0'",
        "ABI: 'arm64'",
    ]
    if state.persona.android.sdk >= 28:
        lines += [
            f"Timestamp: {moment:%Y-%m-%d %H:%M:%S}.{chance.randrange(10**9):09d}+0000",
            f"Process uptime: {chance.randrange(2, 40)}s",
            f"Cmdline: {crash.process}",
        ]
    lines += [f"pid: {pid}, tid: {tid}, name: {crash.thread}  >>> {crash.process} <<<"]
    if state.persona.android.sdk >= 28:
        lines.append(f"uid: {crash.uid}")
    lines.append(f"signal {crash.signal}")
    if crash.abort:
        lines.append(f"Abort message: '{crash.abort}'")
    for row in range(0, 28, 4):
        registers = "  ".join(f"x{n:<2} {chance.randrange(2**48):016x}" for n in range(row, row + 4))
        lines.append(f"    {registers}")
    frames = [
        f"{crash.library} ({crash.function}+{chance.randrange(4, 900)})",
        f"{crash.process} (main+{chance.randrange(4, 900)})",
        "/apex/com.android.runtime/lib64/bionic/libc.so (__start_thread+68)",
    ]
    lines += ["", f"{len(frames)} total frames", "backtrace:"]
    for number, frame in enumerate(frames):
        build = chance.randbytes(16).hex()
        lines.append(f"      #{number:02d} pc {chance.randrange(2**24):016x}  {frame} (BuildId: {build})")
    return "\n".join(lines) + "\n"


def _pids(state: PhoneState, crash: Crash) -> tuple[int, int]:
    chance = random.Random(f"{state.seed}:pid:{crash.process}:{crash.ago_s}")  # noqa: S311 - same again
    pid = chance.randrange(800, 9000)
    return pid, pid + chance.randrange(1, 60)


def dropbox(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys dropbox`, with `--print` or without; an entry must fit every word: its tag, or a part of its date."""
    whole = "--print" in arguments or "-p" in arguments
    wanted = [word for word in arguments if not word.startswith("-")]
    entries = [entry for entry in _entries(state) if all(word in entry[0] or word == entry[1] for word in wanted)]
    out = [f"Drop box contents: {len(_entries(state))} entries\n"]
    if state.persona.android.sdk >= 29:
        out += ["Max entries: 1000\n", "Low priority rate limit period: 2000 ms\n"]
        out += ["Low priority tags: {data_app_strictmode, data_app_wtf, keymaster, system_server_strictmode}\n"]
    if wanted:
        out.append(f"Searching for: {' '.join(wanted)}\n")
    out.append("\n")
    for moment, tag, text in entries:
        if whole:
            out.append("========================================\n")
        out.append(f"{moment} {tag} (compressed text, {len(text) // 3} bytes)\n")
        if whole:
            out.append(text if text.endswith("\n") else text + "\n")
            out.append("\n")
        else:
            shown = text[:_PREVIEW].strip().replace("\n", "/")
            out.append(f"    {shown}{' ...' if len(text) > _PREVIEW else ''}\n")
    if not entries:
        out.append("(No entries found.)\n")
    if not whole:
        out.append("\nUsage: dumpsys dropbox [--print|--file] [YYYY-mm-dd] [HH:MM:SS] [tag]\n")
    return "".join(out)


def _entries(state: PhoneState) -> list[tuple[str, str, str]]:
    """Time, tag and text of every entry, oldest first."""
    found = [(crash.ago_s, "SYSTEM_TOMBSTONE", tombstone(state, crash)) for crash in state.persona.crashes]
    found += [(entry.ago_s, entry.tag, entry.text) for entry in state.persona.dropbox]
    found.append((86_400 * 3, "SYSTEM_BOOT", f"isPrevious: true\nBuild: {fingerprint(state.persona)}\n"))
    ordered = sorted(found, key=lambda entry: -entry[0])
    return [(f"{state.since_start(ago):%Y-%m-%d %H:%M:%S}", tag, text) for ago, tag, text in ordered]


def crash_log(state: PhoneState) -> Iterator[str]:
    """The crash buffer of logcat, in `threadtime` form, oldest first."""
    yield "--------- beginning of crash\n"
    for crash in sorted(state.persona.crashes, key=lambda crash: -crash.ago_s):
        pid, tid = _pids(state, crash)
        name = crash.process.rpartition("/")[2]
        stamp = f"{state.since_start(crash.ago_s):%m-%d %H:%M:%S}"
        yield (
            f"{stamp}.102 {pid:5d} {tid:5d} F libc    : Fatal signal {crash.signal} in tid {tid} ({crash.thread}), "
            f"pid {pid} ({name[-15:]})\n"
        )
        for line in tombstone(state, crash).splitlines():
            yield f"{stamp}.418 {pid + 400:5d} {pid + 400:5d} F DEBUG   : {line}\n"


def main_log(state: PhoneState) -> Iterator[str]:
    """The main buffer of logcat, in `threadtime` form, oldest first."""
    yield "--------- beginning of main\n"
    for line in sorted(state.persona.log, key=lambda line: -line.ago_s):
        stamp = f"{state.since_start(line.ago_s):%m-%d %H:%M:%S}"
        yield f"{stamp}.311  1004  1187 {line.level} {line.tag:<8}: {line.text}\n"
    yield f"{state.date():%m-%d %H:%M:%S}.020  1004  1004 I adbd    : host-1: already offline or online\n"
