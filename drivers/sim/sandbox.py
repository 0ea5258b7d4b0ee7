"""The file system and the tools of one simulated phone: a folder of ours, a prelude for its shell, links to real tools.

**Shell.** Scripts run in Android's own shell, mksh, with toybox's tools, where the machine has them (Debian packages
`mksh` and `toybox`). Where it has not, they run in the system's `sh` with the system's tools of the same names; then a
phone's commands cost one `cat` each (about 1 ms) and what only mksh can do (`$EPOCHREALTIME`, `[[`, arrays) is missing.

**Paths.** There is no chroot, which would need rights that a test run has not. Instead an absolute path of Android
that a script names (`/sys`, `/data`, `/sdcard`, `/vendor`, `/system`, `/dev/input`, the phone's own files in `/proc`)
is moved into the sandbox before the script runs, and taken out again of everything it prints. So tests, globs,
redirections and real tools work on real files. `cat` is answered by the phone, other tools (`ls`, `grep`, ...) have the
phone bring a living file up to date first, and both refuse what Android's rights refuse to the shell user. Not covered:
paths that a script puts together from pieces (`/$x/local`), and scripts that were pushed as files. `/proc/uptime`,
`/proc/self` and `/proc/PID` are the machine's own.

It stands on the file system and on `process`; what is in the living files it does not know.
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.sim.process import Process

__all__ = ["PathVeil", "Sandbox", "ShellKind", "find_shell"]

# Harmless tools of Android 14's toybox; whatever could reach beyond the sandbox (mount, reboot, killall) stays out.
_TOYBOX = tuple(
    """
    [ awk base64 basename bc cat chmod cksum cmp comm cp cut dd diff dirname du echo egrep env expand expr false fgrep
    file find flock fold getconf grep gunzip gzip head kill ln ls md5sum mkdir mkfifo mktemp more mv nice nl nohup nproc
    od paste printenv printf pwd readlink realpath rev rm rmdir sed seq setsid sha1sum sha224sum sha256sum sha384sum
    sha512sum sleep sort split stat strings sync tac tail tar tee test time timeout touch tr true truncate tty uniq
    unlink usleep wc which xargs xxd yes zcat
    """.split()  # noqa: SIM905 - a word list
)
# Android 5's toolbox: no head, tail, wc, sed, cut, tr, sort, find, stat, timeout, base64, mktemp, seq, which, xargs.
_TOOLBOX = tuple(
    """
    cat chmod chown cmp cp dd du grep kill ln ls md5 mkdir mv nohup printenv readlink rm rmdir sleep sync touch
    """.split()  # noqa: SIM905 - a word list
)
_FILE_TOOLS = tuple(
    """
    ls grep egrep fgrep head tail wc sed awk stat find cp mv md5sum sha1sum sha256sum sort strings xxd od
    """.split()  # noqa: SIM905 - a word list
)

_MEMORY = "/dev/shm"  # noqa: S108 - made with mkdtemp
"""Named pipes are made and unmade for each command: 13 us in memory, 40-230 us on a busy disk (measured)."""
_ROOTS = "bin|sbin|su|xbin|apex|sys|data|sdcard|storage|mnt|vendor|product|system|odm|cache|metadata|dev/input"
_PROC = "meminfo|cpuinfo|version|cmdline|partitions|mounts|asound|bus|sys"
_ANDROID_PATH = re.compile(rf"(?<![\w/.$}}\-:@%~+])/(?=(?:{_ROOTS}|proc/(?:{_PROC}))(?![\w.\-]))")
_ANDROID_ROOT = re.compile(r"(\b(?:ls|cd|find)(?: +-\w+)* +)/(?=[\s;&|)]|$)")


@dataclass(frozen=True, slots=True)
class ShellKind:
    """The program that runs scripts: where it is and which prelude it takes."""

    path: str
    prelude: str

    @property
    def lines(self) -> bool:
        """Whether it reads whole lines only (see `channel`)."""
        return self.prelude != "prelude.mksh"


def find_shell(name: str | None = None) -> ShellKind:
    """mksh where the machine has it, else `sh`; `name` asks for one. Raises FileNotFoundError when there is none."""
    for candidate in (name,) if name else ("mksh", "sh"):
        path = shutil.which(candidate)
        if path:
            return ShellKind(path, "prelude.mksh" if Path(path).name == "mksh" else "prelude.sh")
    raise FileNotFoundError(f"no shell {name or 'mksh or sh'} on PATH")


class Sandbox:
    """The folder of one phone: `root` is its `/`, `channels` has the pipes of its shells.

    `running` are the shells that may still live, `shell` the program that they are.
    """

    def __init__(self, folder: Path, shell: ShellKind, *, commands: Iterable[str], toolbox: bool, rooted: bool) -> None:
        self.folder, self.shell = folder, shell
        self.running: set[Process] = set()
        self.root = folder / "fs"
        self.bin = self.root / "system" / "bin"
        self.prelude = folder / "prelude"
        for name in ("data/local/tmp", "storage/emulated/0", "sys", "proc", "system/bin", "dev/input"):
            (self.root / name).mkdir(parents=True)
        self.channels = Path(tempfile.mkdtemp(prefix="sim-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else folder))
        (self.root / "bin").symlink_to(self.bin)
        (self.root / "sdcard").symlink_to(self.root / "storage/emulated/0")
        names = sorted(commands)
        self._link_tools(_TOOLBOX if toolbox else _TOYBOX)
        self._write_prelude(names, rooted=rooted)
        self._write_programs([*names, "su"] if rooted else names)

    async def end(self) -> None:
        """End every shell that still lives, with all that it has started, and take the pipes away."""
        for process in self.running:
            process.signal_group(signal.SIGKILL)
        if self.running:
            await asyncio.wait([asyncio.ensure_future(process.wait()) for process in self.running], timeout=2.0)
        self.running.clear()
        shutil.rmtree(self.channels, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Where the phone's absolute path `name` lies on this machine; `..` does not lead out."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        kept: list[str] = []
        for part in parts:
            if part == "..":
                kept[-1:] = []
            else:
                kept.append(part)
        return self.root.joinpath(*kept)

    def inward(self, script: str) -> str:
        """The script with Android's absolute paths moved into the sandbox."""
        return _ANDROID_ROOT.sub(rf"\1{self.root}/", _ANDROID_PATH.sub(f"{self.root}/", script))

    def outward(self, text: str) -> str:
        """`text` with the sandbox's paths as the phone calls them."""
        return text.replace(str(self.root), "")

    def environment(self, channel: str) -> dict[str, str]:
        """A clean environment like the one adbd gives its shells."""
        return {
            "ANDROID_DATA": f"{self.root}/data",
            "ANDROID_ROOT": f"{self.root}/system",
            "EXTERNAL_STORAGE": f"{self.root}/sdcard",
            "HOME": f"{self.root}",
            "LC_ALL": "C",
            "PATH": str(self.bin),
            "SHELL": f"{self.bin}/sh",
            "TERM": "dumb",
            "TMPDIR": f"{self.root}/data/local/tmp",
            "USER": "shell",
            "SIM_BIN": str(self.bin),
            "SIM_CHANNEL": channel,
            "SIM_PRELUDE": str(self.prelude),
            "SIM_ROOT": str(self.root),
            "SIM_UID": "2000",
        }

    def _link_tools(self, names: Iterable[str]) -> None:
        toybox, applets = _toybox()
        for name in names:
            target = toybox if name in applets else shutil.which(name)
            if target:
                (self.bin / name).symlink_to(target)

    def _write_prelude(self, commands: Iterable[str], *, rooted: bool) -> None:
        base = (Path(__file__).parent / self.shell.prelude).read_text("utf-8")
        self.prelude.write_text(base + "".join(_functions(commands, self.bin, rooted=rooted)), "utf-8")

    def _write_programs(self, names: Iterable[str]) -> None:
        """The same commands as programs, for `timeout 5 dumpsys ...`, `xargs` and `exec`."""
        program = self.folder / "program"
        program.write_text(f'#!{self.shell.path}\n. "$SIM_PRELUDE"\n"${{0##*/}}" "$@"\n', "utf-8")
        program.chmod(0o755)
        shell = self.bin / "sh"
        shell.write_text(f'#!{self.shell.path}\nexport ENV=\nexec {self.shell.path} "$@"\n', "utf-8")
        shell.chmod(0o755)
        for name in names:
            (self.bin / name).unlink(missing_ok=True)
            (self.bin / name).symlink_to(program)


def _functions(commands: Iterable[str], tools: Path, *, rooted: bool) -> Iterator[str]:
    for name in commands:
        yield f'{name}() {{ _sim {name} "$@"; }}\n'
    yield 'cat() { case "$*" in *"$SIM_ROOT"*) _sim cat "$@";; *) "$SIM_BIN/cat" "$@";; esac; }\n'
    for name in _FILE_TOOLS:
        if (tools / name).is_symlink():
            yield (
                f'{name}() {{ case "$*" in *"$SIM_ROOT"*) _sim .look {name} "$@" || return $?;; esac; '
                f'"$SIM_BIN/{name}" "$@"; }}\n'
            )
    # A shell inside the shell knows the phone's commands, too.
    yield 'sh() { case $1 in -c) shift; (eval "$1");; *) "$SIM_BIN/sh" "$@";; esac; }\n'
    if rooted:
        yield "su() {\n\tcase $1 in 0|root) shift;; esac\n\tcase $1 in -c) shift;; esac\n"
        yield '\t(SIM_UID=0; export SIM_UID; eval "$*")\n}\n'


@functools.cache
def _toybox() -> tuple[str | None, frozenset[str]]:
    path = shutil.which("toybox")
    if path is None:
        return None, frozenset()
    listed = subprocess.run([path], capture_output=True, text=True, check=False, timeout=10)
    return path, frozenset(listed.stdout.split())


class PathVeil:
    """Takes the sandbox's path out of a byte stream, also where a chunk ends in the middle of it."""

    def __init__(self, root: Path) -> None:
        self._root = str(root).encode()
        self._held = b""

    def pass_on(self, chunk: bytes) -> bytes:
        """What may go out now; a beginning of the path at the end of the chunk is held back."""
        data = self._held + chunk
        self._held = b""
        if self._root in data:
            data = data.replace(self._root, b"")
        if data.rfind(b"/", max(len(data) - len(self._root), 0)) < 0:
            return data
        for size in range(min(len(self._root) - 1, len(data)), 0, -1):
            if data.endswith(self._root[:size]):
                self._held = data[-size:]
                return data[:-size]
        return data

    def rest(self) -> bytes:
        """What was held back when the stream has ended."""
        held, self._held = self._held, b""
        return held
