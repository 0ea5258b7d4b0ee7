"""The interactive demo: the real screen and the real engine, with the simulated bench in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.api import Side
from drivers.text import Words
from station.demo.scenario import Scenario
from station.errors import Trouble
from station.i18n import _

__all__ = ["open_live"]


def open_live(data: Path, scenarios: Sequence[Scenario], seed: int) -> int:
    """Set the bench up, show the screen until the person leaves, take everything down; gives the exit code.

    Raises:
        Trouble: the simulated bench did not start.
    """
    from station.demo.stage import PIN

    sys.stderr.write(_("setting up the simulated bench ...") + "\n")
    arguments = [str(data), str(seed), *(scenario.persona for scenario in scenarios)]
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
        _stop_engine(data)
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


def _stop_engine(data: Path) -> None:
    import asyncio
    import contextlib

    from station.client import Client
    from station.messages import StopEngine

    async def stop() -> None:
        with contextlib.suppress(Trouble):
            client = await Client.connect(data)
            try:
                await client.send(StopEngine(force=True))
            finally:
                await client.close()

    asyncio.run(stop())


_NO_BENCH = Words("The simulated bench did not start", "模拟工位未能启动")
_SEE_LOG = Words("See {path}", "请查看 {path}")
