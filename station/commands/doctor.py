"""`assay doctor`: whether this bench itself is well; each line says how to mend what is not.

Every examination is a function of what it looks at (a folder, an environment, a clock) and gives one finding. It starts
nothing, ends nothing and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from drivers.api import DriverError
from drivers.text import Words, safe_text
from station.errors import EXIT_NO, EXIT_OK, Trouble
from station.i18n import _, words

__all__ = ["Finding", "command"]

_PACKAGES = ("drivers", "probes", "checklists", "reports", "station")
_MEBIBYTE = 1024 * 1024
#: A day of a busy bench is some 100 MB of evidence; below a tenth of it the next run may not fit any more.
_DISK_WARN = 1024 * _MEBIBYTE
_DISK_FAIL = 100 * _MEBIBYTE
#: No bench with this program can have a clock before its first year.
_FIRST_YEAR = 2025
_RULES = ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: stable short name.
        status: `ok`, `warn` (the bench works) or `fail` (it does not).
        what: what was found.
        mend: what to do; None when nothing is to be done.
    """

    id: str
    status: str
    what: Words
    mend: Words | None = None


def _plain(text: str) -> Words:
    """Text that is the same in every language: a version, a path."""
    return Words(safe_text(text), safe_text(text))


def adb_binary() -> Finding:
    """The adb binary that we run."""
    from drivers.adb_server import bundled_adb

    try:
        binary = bundled_adb()
        said = _version_of(binary)
    except (DriverError, OSError, subprocess.SubprocessError) as error:
        return Finding(
            "adb",
            "fail",
            Words("the adb binary cannot be run: {error}", "adb 程序无法运行：{error}").fill(error=error),
            Words("install Assay again; it brings adb along", "请重新安装 Assay，adb 随程序附带"),
        )
    return Finding("adb", "ok", _plain(f"adb {said}, {binary}"))


def _version_of(binary: Path | str) -> str:
    done = subprocess.run(
        [str(binary), "version"], capture_output=True, text=True, timeout=10, check=True, stdin=subprocess.DEVNULL
    )
    found = re.search(r"version (\S+)(?:\s+Version (\S+))?", done.stdout)
    return " / ".join(part for part in found.groups() if part) if found else "?"


def other_adb(path: str | None) -> Finding:
    """Another adb on PATH: harmless with our version, a fighter for the server with another."""
    from drivers.adb_server import SERVER_VERSION, bundled_adb

    other = shutil.which("adb", path=path)
    with contextlib.suppress(DriverError, OSError):
        if other is None or Path(other).samefile(bundled_adb()):
            return Finding("adb-clash", "ok", Words("no other adb on PATH", "PATH 中没有其他 adb"))
    try:
        said = _version_of(other or "")
    except (OSError, subprocess.SubprocessError):
        said = "?"
    found = _plain(f"{other}: {said}")
    if said.split(" ")[0].endswith(f".{SERVER_VERSION}"):
        return Finding("adb-clash", "ok", found)
    return Finding(
        "adb-clash",
        "warn",
        found,
        Words(
            "remove this other adb, or replace it by one of the same version: each ends the other's server",
            "请卸载此 adb 或换成同一版本：不同版本会互相结束对方的服务",
        ),
    )


async def adb_server(environ: Mapping[str, str]) -> Finding:
    """Who listens where the adb server is, or will be."""
    from drivers.adb_server import DEFAULT_PORT, SERVER_VERSION, named_server, port_owner, server_version
    from drivers.adb_wire import ServerAddress

    try:
        named = named_server(environ)
    except DriverError as error:
        return Finding("adb-server", "fail", error.what, error.next_step)
    address = named or ServerAddress(port=DEFAULT_PORT)
    owner = None if address.path else port_owner(address.port)
    held = f"{address}: {owner or '?'}"
    try:
        version = await server_version(address)
    except DriverError as error:
        if error.code == "adb.server-away" and named is None:
            free = Words("{address} is free; Assay starts its own server", "{address} 空闲；Assay 会启动自己的服务")
            return Finding("adb-server", "ok", free.fill(address=address))
        return Finding(
            "adb-server", "fail", Words(f"{error.what.en} {held}", f"{error.what.zh} {held}"), error.next_step
        )
    found = _plain(f"{held}, {version}")
    if version == SERVER_VERSION:
        return Finding("adb-server", "ok", found)
    return Finding(
        "adb-server",
        "fail",
        found,
        Words(
            "close the program that runs this adb server (a vendor's phone tool, an old adb); it is of another version",
            "请关闭运行此 adb 服务的程序（厂商手机工具或旧版 adb），其版本不同",
        ),
    )


def usb_rights(platform: str, folders: Iterable[Path], bus: Path) -> Finding:
    """Whether this user may open phones on the USB bus (Linux: udev rules)."""
    if platform != "linux":
        return Finding("usb", "ok", Words("no udev on this system", "此系统无 udev"))
    if not bus.is_dir():
        return Finding(
            "usb",
            "warn",
            Words("this machine shows no USB bus", "此计算机没有可见的 USB 总线"),
            Words(
                "in a container or a virtual machine, pass /dev/bus/usb through",
                "在容器或虚拟机中，请映射 /dev/bus/usb",
            ),
        )
    if os.geteuid() == 0:
        return Finding("usb", "ok", Words("root may open every USB device", "root 用户可打开所有 USB 设备"))
    rules = next((rule for folder in folders for rule in _phone_rules(folder)), None)
    groups = {name for name in map(_group_name, os.getgroups()) if name}
    if rules is not None and ("plugdev" in groups or _uaccess(rules)):
        return Finding("usb", "ok", _plain(str(rules)))
    return Finding(
        "usb",
        "warn",
        Words("no udev rule lets this user open phones", "没有 udev 规则允许此用户打开手机"),
        Words(
            "on Debian and Ubuntu: `sudo apt install android-sdk-platform-tools-common`, then `sudo usermod -aG "
            "plugdev $USER`, log in again, plug the phone in again",
            "Debian 和 Ubuntu：执行 `sudo apt install android-sdk-platform-tools-common` 和 "
            "`sudo usermod -aG plugdev $USER`，重新登录并重新插拔手机",
        ),
    )


def _phone_rules(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [rule for rule in sorted(folder.glob("*.rules")) if "android" in rule.name or "adb" in rule.name]
    return []


def _uaccess(rule: Path) -> bool:
    with contextlib.suppress(OSError):
        text = rule.read_text("utf-8", "replace")
        return "uaccess" in text or 'MODE="0666"' in text
    return False


def _group_name(number: int) -> str:
    import grp  # only where there is udev

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""


def disk(data: Path, free: int | None = None) -> Finding:
    """Room where the records are kept."""
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    room = shutil.disk_usage(there).free if free is None else free
    status = "fail" if room < _DISK_FAIL else "warn" if room < _DISK_WARN else "ok"
    found = Words("{room} MiB free at {there}", "{there} 可用 {room} MiB").fill(room=room // _MEBIBYTE, there=there)
    mend = Words("make room on this disk; nothing can be recorded when it is full", "请清理此磁盘；写满后无法保存记录")
    return Finding("disk", status, found, None if status == "ok" else mend)


def data_folder_writable(data: Path) -> Finding:
    """Whether records can be written: a file is really written and synced where the folder is."""
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".assay-doctor-") as file:
            file.write(b"well")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding(
            "data",
            "fail",
            Words("{data} cannot be written: {why}", "无法写入 {data}：{why}").fill(
                data=there, why=error.strerror or error
            ),
            Words(
                "give this user the right to write there, or name another folder with --data",
                "请授予此用户写入权限，或用 --data 指定其他目录",
            ),
        )
    return Finding("data", "ok", _plain(str(data)))


_NO_TICKETS = Words("no tickets yet", "尚无工单")


def tickets(database: Path) -> list[Finding]:
    """Whether the open tickets can be read: one that can't is set aside by the engine.

    The file is only read, and an engine may be at work on it.
    """
    from sqlite_utils import Database

    from station.store import store_trouble
    from station.tickets import set_aside

    try:
        if not database.exists():
            return [Finding("tickets", "ok", _NO_TICKETS)]
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if not {"journal", "ticket"} <= set((db := Database(connection)).table_names()):
                return [Finding("tickets", "ok", _NO_TICKETS)]
            aside = set_aside(db)
    except sqlite3.Error as error:
        trouble = store_trouble(error)
        if isinstance(trouble, Trouble):
            return [Finding("tickets", "fail", trouble.what, trouble.next_step)]
        what = Words("the data file can't be read: {why}", "数据文件无法读取：{why}").fill(why=error)
        mend = Words("start the engine once, then look again", "请先启动一次引擎，再重新检查")
        return [Finding("tickets", "fail", what, mend)]
    found = [Finding("tickets", "warn", trouble.what, trouble.next_step) for trouble in aside.values()]
    return found or [Finding("tickets", "ok", Words("every open ticket can be read", "所有未结工单均可读取"))]


def clock(now: float, synchronised: bool | None) -> Finding:
    """Whether the clock can be right: records carry its time."""
    said = time.strftime("%Y-%m-%d %H:%M:%S%z", time.localtime(now))
    if time.gmtime(now).tm_year < _FIRST_YEAR:
        return Finding("clock", "fail", _plain(said), Words("set this computer's clock", "请校正此计算机的时钟"))
    if synchronised is False:
        return Finding(
            "clock",
            "warn",
            Words("{said}, not synchronised", "{said}，未同步").fill(said=said),
            Words(
                "switch time synchronisation on: `sudo timedatectl set-ntp true`",
                "请开启时间同步：`sudo timedatectl set-ntp true`",
            ),
        )
    return Finding("clock", "ok", _plain(said))


def _synchronised() -> bool | None:
    """Whether systemd says that the clock is synchronised; None where nothing says so."""
    try:
        done = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=3,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def import_names(owners: Mapping[str, Sequence[str]], found_at: Mapping[str, str]) -> list[Finding]:
    """Whether our five packages are ours: their names are common words.

    Args:
        owners: distributions by import name, as `importlib.metadata.packages_distributions` gives them.
        found_at: the folder from which each of our packages is really loaded.
    """
    findings = []
    homes = {str(Path(place).parent) for place in found_at.values()}
    for name in _PACKAGES:
        others = sorted({owner for owner in owners.get(name, ()) if owner.lower() != "assay"})
        if others or name not in found_at or len(homes) > 1:
            findings.append(
                Finding(
                    f"import-{name}",
                    "fail",
                    Words(
                        "the import name {name} is also claimed by: {others}; loaded from {place}",
                        "导入名 {name} 还被以下包占用：{others}；加载自 {place}",
                    ).fill(name=name, others=", ".join(others) or "-", place=found_at.get(name, "-")),
                    Words(
                        "install Assay into an environment of its own, without these packages",
                        "请将 Assay 安装到独立环境中，勿与这些包共用",
                    ),
                )
            )
    return findings or [Finding("imports", "ok", _plain(f"{', '.join(_PACKAGES)}: {', '.join(sorted(homes))}"))]


def _found_at() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found[name] = next(iter(spec.submodule_search_locations))
    return found


async def examine() -> list[Finding]:
    """Look at everything."""
    from station.settings import DATABASE_FILE, data_folder

    data = data_folder()
    return [
        Finding("python", "ok", _plain(f"Python {sys.version.split()[0]}, {sys.executable}")),
        adb_binary(),
        other_adb(os.environ.get("PATH")),
        await adb_server(os.environ),
        usb_rights(sys.platform, map(Path, _RULES), Path("/dev/bus/usb")),
        disk(data),
        data_folder_writable(data),
        *tickets(data / DATABASE_FILE),
        clock(time.time(), _synchronised()),
        *import_names(importlib.metadata.packages_distributions(), _found_at()),
    ]


_SIGNS = {"ok": "+", "warn": "!", "fail": "x"}


@click.command("doctor", help=_("Whether this bench is well, and how to mend what is not."))
@click.option("--json", "as_json", is_flag=True, help=_("One JSON document."))
def command(as_json: bool) -> int:
    """Print what was found; the answer is no when something keeps the bench from working."""
    findings = asyncio.run(examine())
    well = all(finding.status != "fail" for finding in findings)
    if as_json:
        rows = [
            {
                "id": finding.id,
                "status": finding.status,
                "what": words(finding.what),
                "mend": words(finding.mend) if finding.mend else None,
            }
            for finding in findings
        ]
        click.echo(json.dumps({"ok": well, "checks": rows}, ensure_ascii=False))
        return EXIT_OK if well else EXIT_NO
    for finding in findings:
        click.echo(f"{_SIGNS[finding.status]} {finding.id:12} {words(finding.what)}")
        if finding.mend:
            click.echo(f"  → {words(finding.mend)}")
    return EXIT_OK if well else EXIT_NO
