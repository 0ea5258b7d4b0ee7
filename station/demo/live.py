"""The interactive demo: the real screen and the real engine, with the simulated bench in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.api import Side
from drivers.text import Words
from station.demo.cast import Cast
from station.errors import EXIT_USE, Trouble
from station.i18n import _

__all__ = ["open_again", "open_live"]


def open_again(data: Path, cast: Cast) -> int:
    """Set a kept bench up as it was, whatever ended it, and go on as `open_live` does.

    Raises:
        Trouble: it is open already, or did not start.
    """
    if _engine_runs(data):
        raise Trouble("demo.open", _OPEN.fill(path=data), Side.PERSON, _END_IT.fill(path=data), EXIT_USE)
    return open_live(data, cast.personas, cast.seed)


def open_live(data: Path, personas: Sequence[str], seed: int) -> int:
    """Set the bench up, show the screen until the person leaves, take everything down; gives the exit code.

    Raises:
        Trouble: the simulated bench did not start.
    """
    from station.demo.backstage import end_engine
    from station.demo.stage import PIN

    sys.stderr.write(_("setting up the simulated bench ...") + "\n")
    arguments = [str(data), str(seed), *personas]
    backstage = subprocess.Popen(
        [sys.executable, "-m", "station.demo.backstage", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=_log(data),
        start_new_session=True,  # Ctrl+C in the terminal is the screen's alone
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        os.environ.update(_ready(backstage, data))
        notice = _("Simulated bench. People: technician, inspector, lead; everybody's PIN is {pin}").format(pin=PIN)
        return _show(data, notice)
    finally:
        asyncio.run(end_engine(data))
        if backstage.stdin is not None:
            backstage.stdin.close()
        backstage.wait(20)


def _log(data: Path) -> int:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(data / "backstage.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _ready(backstage: subprocess.Popen[bytes], data: Path) -> dict[str, str]:
    line = backstage.stdout.readline() if backstage.stdout is not None else b""
    if not line:
        raise Trouble("demo.backstage", _NO_BENCH, Side.BENCH, _SEE_LOG.fill(path=data / "backstage.log"))
    environment: dict[str, str] = json.loads(line)["environment"]
    return environment


def _show(data: Path, notice: str) -> int:
    from station.commands.ui import run_screen
    from station.demo.backstage import GLIMPSES

    def glimpse(device: str) -> str:
        try:
            seen: dict[str, str] = json.loads((data / GLIMPSES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return seen.get(device, "")

    return run_screen(data, notice=notice, glimpse=glimpse)


def _engine_runs(data: Path) -> bool:
    from station.client import Client

    async def asked() -> bool:
        try:
            client = await Client.connect(data)
        except Trouble as trouble:
            return trouble.code != "engine.not-running"
        await client.close()
        return True

    return asyncio.run(asked())


_NO_BENCH = Words("The simulated bench did not start", "模拟工位未能启动")
_SEE_LOG = Words("See {path}", "请查看 {path}")
_OPEN = Words("An engine runs on {path}: this demo is open already", "{path} 上有引擎在运行：该演示已打开")
_END_IT = Words(
    "leave its screen with Ctrl+Q; if there is none, run `assay --data {path} engine --stop --force`",
    "请在其界面按 Ctrl+Q 退出；若无界面，请运行 `assay --data {path} engine --stop --force`",
)
