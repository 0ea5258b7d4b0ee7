"""The folder of a demo that was kept: whose phones it has, and when it is opened again and when not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.sim.bench import SimulatedBench
from station.commands.demo import command
from station.demo import live
from station.demo.cast import Cast, keep_cast, kept_cast
from station.errors import Trouble
from tests.station.station_bench import enrol, running


async def test_the_same_cast_brings_the_same_phones(tmp_path: Path) -> None:
    keep_cast(tmp_path, Cast(seed=7, personas=("healthy", "worn-battery")))
    cast = kept_cast(tmp_path)
    assert cast is not None
    seen = []
    for _ in range(2):
        async with SimulatedBench(cast.personas, seed=cast.seed) as sim:
            seen.append([phone.state.identity for phone in sim.phones])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("text", ["", "{}", '{"seed": 1, "personas": []}', '{"seed": "x", "personas": ["healthy"]}'])
def test_a_folder_whose_cast_cannot_be_read_is_no_demos(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text)
    assert kept_cast(tmp_path) is None


@pytest.mark.parametrize("more", [["--phones", "2"], ["--seed", "0"], ["--headless"]])
def test_a_kept_demo_keeps_its_phones(tmp_path: Path, more: list[str]) -> None:
    keep_cast(tmp_path, Cast(seed=7, personas=("healthy",)))
    with pytest.raises(Trouble) as refused:
        command.main(["--keep", str(tmp_path), *more], standalone_mode=False)
    assert refused.value.code == "demo.kept"


def test_a_kept_demo_is_opened_with_its_own_phones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_cast(tmp_path, Cast(seed=7, personas=("healthy", "rooted")))
    opened = []

    def open_live(*about: object) -> int:
        opened.append(about)
        return 0

    monkeypatch.setattr(live, "open_live", open_live)
    assert command.main(["--keep", str(tmp_path)], standalone_mode=False) == 0
    assert opened == [(tmp_path, ("healthy", "rooted"), 7)]


async def test_a_demo_that_is_open_is_not_opened_twice(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "kept")
    keep_cast(station.data, Cast(seed=7, personas=("healthy",)))
    async with running(station):
        with pytest.raises(Trouble) as refused:
            await asyncio.to_thread(command.main, ["--keep", str(station.data)], standalone_mode=False)
    assert refused.value.code == "demo.open"
