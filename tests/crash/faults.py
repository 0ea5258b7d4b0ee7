"""Faults of disk and clock in another process: `faults.c`, compiled and loaded into it, steered through a shared page.

It knows calls of the system and nothing of stations.
"""

from __future__ import annotations

import errno
import mmap
import os
import platform
import shutil
import struct
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

__all__ = ["Faults", "How", "compiled", "no_compiler"]


class How(IntEnum):
    """What a call meets; the values below 0 are those of `faults.c`."""

    EIO = errno.EIO
    ENOSPC = errno.ENOSPC
    SHORT = -1
    """Half is written and said so, as POSIX allows: the rest must be written by another call."""
    TORN = -2
    """Half is written, then the disk is full."""
    DIES = -3
    """Half is written, and the process is killed."""


_PAGE = struct.Struct("=6q")
_CALLS, _FIRST, _LAST, _HOW, _FAILED, _CLOCK = range(6)


def no_compiler() -> str:
    """Why faults can't be put into processes here; empty where they can."""
    if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc" or sys.maxsize < 2**32:
        return "faults are put in by LD_PRELOAD on 64-bit Linux"
    if _compiler() is None:
        return "no C compiler here"
    return ""


def _compiler() -> str | None:
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def compiled(folder: Path) -> Path:
    """The library, made by this machine's C compiler."""
    library = folder / "faults.so"
    if not library.exists():
        source = Path(__file__).with_name("faults.c")
        aside = folder / f"faults.{os.getpid()}.so"
        command = [_compiler() or "cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(aside), str(source)]
        subprocess.run(command, check=True)
        aside.replace(library)
    return library


class Faults:
    """The page of one process (or of several, one after the other), and the environment that loads the library."""

    def __init__(self, folder: Path, under: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "faults.page"
        path.write_bytes(bytes(_PAGE.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _PAGE.size)
        self.env = {
            "LD_PRELOAD": str(compiled(folder)),
            "ASSAY_FAULTS_PAGE": str(path),
            "ASSAY_FAULTS_UNDER": f"{under.resolve()}/",
        }

    def _get(self, place: int) -> int:
        return int(struct.unpack_from("=q", self._map, place * 8)[0])

    def _set(self, place: int, value: int) -> None:
        struct.pack_into("=q", self._map, place * 8, value)

    @property
    def calls(self) -> int:
        """Calls that changed, or would have changed, a file there."""
        return self._get(_CALLS)

    @property
    def failed(self) -> int:
        """Calls that met a fault."""
        return self._get(_FAILED)

    def arm(self, how: How, after: int, count: int = 1) -> None:
        """Let `count` calls meet the fault, beginning with the `after`-th from now (1: the next)."""
        first = self.calls + after
        self._set(_FIRST, 0)
        self._set(_HOW, how)
        self._set(_LAST, first + count - 1 + (how is How.TORN))
        self._set(_FIRST, first)

    def disarm(self) -> None:
        """All is well again."""
        self._set(_FIRST, 0)

    @property
    def clock_ms(self) -> int:
        """What the wall clock is off by."""
        return self._get(_CLOCK)

    def step_clock(self, ms: int) -> None:
        """Let the wall clock be off by so much; the monotonic one is left alone."""
        self._set(_CLOCK, ms)

    def close(self) -> None:
        """Let go of the page."""
        self._map.close()
