"""File systems of our own: one that is small and fills up, one whose power can be cut. Both need root.

A power cut is the shutdown ioctl of ext4 without a flush of its journal: what was not written through to the device by
an fsync is gone when it is mounted again. What a device itself loses from its cache is not shown by it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cuttable", "cuttable", "no_cuttable", "no_tmpfs", "tmpfs"]

#: `EXT4_IOC_SHUTDOWN` = _IOR('X', 125, __u32), and its flag for neither data nor journal (Linux, fs/ext4/ext4.h).
SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2


def _run(*command: str | Path) -> str:
    """What a command says against it; empty when it worked."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr or done.stdout or "failed").strip()


def _must(*command: str | Path) -> None:
    if said := _run(*command):
        raise OSError(f"{command[0]}: {said}")


@contextlib.contextmanager
def tmpfs(folder: Path, size: int) -> Iterator[Path]:
    """A file system of `size` bytes in `folder`."""
    folder.mkdir(parents=True)
    _must("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", folder)
    try:
        yield folder
    finally:
        _run("umount", "-l", folder)


def no_tmpfs(folder: Path) -> str:
    """Why there can be none here; empty where there can."""
    try:
        with tmpfs(Path(tempfile.mkdtemp(dir=folder)) / "try", 1 << 20):
            return ""
    except OSError as error:
        return f"no mount here: {error}"


@dataclass
class Cuttable:
    """An ext4 in a file, mounted at `at`."""

    image: Path
    at: Path

    def cut(self) -> None:
        """The power goes: from now on every write fails, and what was only in memory is gone."""
        where = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(where, SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(where)

    def again(self) -> None:
        """The power is back. Nobody may have a file open there."""
        _must("umount", self.at)
        _must("mount", "-o", "loop", self.image, self.at)


@contextlib.contextmanager
def cuttable(folder: Path, megabytes: int = 96) -> Iterator[Cuttable]:
    """An ext4 whose power can be cut, under `folder`."""
    folder.mkdir(parents=True)
    disk = Cuttable(folder / "disk.img", folder / "disk")
    with disk.image.open("wb") as file:
        file.truncate(megabytes << 20)
    _must("mkfs.ext4", "-q", "-F", disk.image)
    disk.at.mkdir()
    _must("mount", "-o", "loop", disk.image, disk.at)
    try:
        yield disk
    finally:
        if _run("umount", disk.at):
            _run("umount", "-l", disk.at)
        disk.image.unlink()


def no_cuttable(folder: Path) -> str:
    """Why there can be none here; empty where a cut takes away what was not synced and leaves what was."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return "no mount here: it takes root and mkfs.ext4"
    try:
        with cuttable(Path(tempfile.mkdtemp(dir=folder)) / "try", 16) as disk:
            kept, gone = disk.at / "kept", disk.at / "gone"
            with kept.open("wb") as file:
                file.write(b"x" * 5000)
                os.fsync(file.fileno())
            gone.write_bytes(b"x" * 5000)
            disk.cut()
            disk.again()
            if kept.read_bytes() != b"x" * 5000 or gone.exists():
                return "no mount here: a cut changes nothing on this kernel's ext4"
            return ""
    except OSError as error:
        return f"no mount here: {error}"
