"""A real adb server of its own for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sim_host import AdbServer, free_port


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[AdbServer]:
    server = AdbServer(tmp_path / "home", free_port())
    server.home.mkdir()
    await server.start()
    yield server
    await server.stop()
