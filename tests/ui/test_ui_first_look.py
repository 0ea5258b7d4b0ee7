"""The first look reads the same snapshot as the client, needs none of its weight, and takes no garbage for a bench."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from ui_script import FrozenTime, ScriptedSigner, sample_bench, screen_text, scripted

from station import local_socket
from station.messages import Hello
from station.ui.app import AssayApp
from station.ui.first_look import first_look, read_bench
from station.ui.seams import Bench, Clock, Feed
from station.ui.widgets.wall import card_lines

LINE = sample_bench().model_dump_json().encode()


def test_it_says_the_same_as_the_client() -> None:
    seen, real = read_bench(LINE), sample_bench()
    assert seen is not None
    for name in ("version", "station", "shop", "simulated", "links", "troubles", "outbox", "rejected", "now_ms"):
        assert getattr(seen, name) == getattr(real, name), name
    for mine, theirs in zip(seen.cards, real.cards, strict=True):
        assert card_lines(mine, 40, 7, real.now_ms) == card_lines(theirs, 40, 7, real.now_ms)
    assert [(row.slot, row.what, row.since_ms) for row in seen.todo] == [
        (row.slot, row.what, row.since_ms) for row in real.todo
    ]


@given(st.binary(max_size=200))
def test_no_line_makes_it_raise(line: bytes) -> None:
    assert read_bench(line) is None


@given(st.sampled_from(["cards", "todo", "links", "troubles", "type"]), st.none() | st.integers() | st.text(min_size=1))
def test_a_bench_of_another_shape_is_none(key: str, value: object) -> None:
    told = json.loads(LINE)
    told[key] = value
    assert read_bench(json.dumps(told).encode()) is None


async def _engine_that_says(folder: Path, *lines: bytes) -> asyncio.Server:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.writelines(line + b"\n" for line in lines)
        await writer.drain()
        writer.close()

    return await local_socket.listen(folder, serve)


async def test_it_reads_past_the_greeting(tmp_path: Path) -> None:
    hello = Hello(protocol=1, version="1", pid=1).model_dump_json().encode()
    async with await _engine_that_says(tmp_path, hello, LINE):
        seen = await first_look(tmp_path)
    assert seen is not None
    assert seen.station == "B-03"


async def test_an_engine_that_says_nothing_known_is_no_look(tmp_path: Path) -> None:
    async with await _engine_that_says(tmp_path, b"\xff\xfe", b"{}"):
        assert await first_look(tmp_path) is None
    assert await first_look(tmp_path / "nowhere") is None


async def test_the_screen_shows_the_look_before_the_client_is_there() -> None:
    waits = asyncio.Event()
    engine = scripted()

    async def connect():
        await waits.wait()
        return await engine.connect()

    async def look():
        return read_bench(LINE)

    app = AssayApp(Bench(connect, ScriptedSigner(), list, Clock(FrozenTime()), first_look=look))
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause(0.1)
        assert "小米14 Ultra" in screen_text(app)
        assert engine.attached == 0
        engine.bench_now = sample_bench(version=2, outbox=44)
        waits.set()
        for _ in range(100):
            await pilot.pause()
            if "outbox 44" in screen_text(app):
                break
        assert "outbox 44" in screen_text(app)


def test_what_was_looked_at_gives_way_to_what_the_client_says() -> None:
    feed = Feed(Clock(FrozenTime()))
    seen = read_bench(LINE)
    assert seen is not None
    feed.hear_bench(seen)
    feed.hear_bench(sample_bench(outbox=5))
    assert feed.bench is not None
    assert feed.bench.outbox == 5
