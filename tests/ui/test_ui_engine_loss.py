"""The screen outlives its engine: it says so, does nothing by itself, and follows the next one."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from ui_script import asked, sample_bench, scripted, session

import station.ui.app as app_module
from station.messages import AnswerPrompt, Watch


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "AGAIN_S", 0.02)


async def until(screen, seen) -> None:
    """Wait for what must come; a test that never sees it fails by its assertion."""
    for _ in range(250):
        if seen():
            break
        await asyncio.sleep(0.02)
    await screen.settle()
    assert seen()


async def test_a_dead_engine_is_said_on_the_screen_and_the_next_one_is_followed(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        assert "engine lost" not in screen.header
        engine.die()
        await until(screen, lambda: "engine lost" in screen.header)
        assert "小米14 Ultra" in screen.text
        engine.bench_now = sample_bench(version=1, station="B-04")
        engine.up = True
        await until(screen, lambda: "Station B-04" in screen.header)
        assert "engine lost" not in screen.header
        assert engine.attached == 2


async def test_the_slot_is_watched_again_after_the_engine_came_back(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press("1", "enter")
        engine.die()
        await until(screen, lambda: "engine lost" in screen.header)
        engine.told.clear()
        engine.session_now = session(version=1)
        engine.up = True
        await until(screen, lambda: "engine lost" not in screen.header and "battery health" in screen.text)
        assert [one.slot for one in engine.commands(Watch)] == [1]


async def test_a_key_pressed_while_the_engine_is_gone_is_refused_and_not_sent_later(drive) -> None:
    engine = scripted()
    engine.session_now = asked("verdict")
    async with drive(engine) as screen:
        await screen.press("1", "enter")
        engine.die()
        await until(screen, lambda: "engine lost" in screen.header)
        await screen.press("+")
        assert "the engine does not answer" in screen.text
        engine.up = True
        await until(screen, lambda: "engine lost" not in screen.header)
    assert engine.commands(AnswerPrompt) == []


async def test_a_screen_without_an_engine_says_so_and_can_be_left(drive) -> None:
    engine = scripted()
    engine.up = False
    async with drive(engine) as screen:
        await until(screen, lambda: "engine lost" in screen.header)
        assert "nothing is lost" in screen.text
        await screen.press("q", "n", "o", "1")
        assert "Overview" in screen.header
        await screen.press("ctrl+q")
        assert screen.app.return_code == 0


async def test_an_older_snapshot_changes_nothing(drive) -> None:
    engine = scripted()
    engine.bench_now = sample_bench(version=9)
    async with drive(engine) as screen:
        engine.show(sample_bench(version=3, outbox=77))
        await screen.settle()
        assert "outbox 77" not in screen.header
        engine.show(sample_bench(version=10, outbox=78))
        await until(screen, lambda: "outbox 78" in screen.header)


async def test_ctrl_c_only_says_how_to_leave(drive) -> None:
    async with drive(scripted()) as screen:
        await screen.press("ctrl+c")
        assert "Ctrl+Q" in screen.text
        assert screen.app.is_running


def loaded(modules: str, of: set[str]) -> set[str]:
    """Which packages a fresh interpreter has loaded after importing the modules."""
    code = f"import sys, {modules}; print(' '.join({{m.split('.')[0] for m in sys.modules}}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return of & set(told.stdout.split())


def test_the_command_loads_no_textual_before_it_is_called() -> None:
    assert loaded("station.commands.ui", {"textual", "rich", "pydantic"}) == set()


def test_the_first_paint_waits_for_neither_database_nor_cryptography() -> None:
    heavy = {"sqlite_utils", "cryptography", "adbutils", "httpx", "sqlite3", "pydantic"}
    assert loaded("station.ui.app, station.ui.station, station.ui.screens.overview", heavy) == set()
