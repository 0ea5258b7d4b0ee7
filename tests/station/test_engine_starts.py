"""Many runs started at once by one screen: together, none twice, and what comes after them waits for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from station import messages as m
from station.errors import Trouble
from tests.station.station_bench import (
    LEVEL_LIMIT,
    Cabinet,
    Phone,
    Station,
    check,
    running,
    send,
    until,
    write_checklist,
)
from tests.station.test_engine_faults import ready, start, station, take_in

__all__ = ["station"]  # the fixture


async def test_a_phone_is_started_once_however_often_it_is_asked_for_at_once(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (engine, client):
        await until(client, ready())
        told = await asyncio.gather(*(client.send(start(checklist)) for _ in range(40)), return_exceptions=True)
        begun = [one for one in told if not isinstance(one, BaseException)]
        assert len(begun) == 1
        assert {one.code for one in told if isinstance(one, Trouble)} == {"slot.busy"}
        assert [running.run for running in engine.work.running.values()] == [begun[0].data["run"]]


async def test_two_runs_of_a_ticket_that_are_asked_for_at_once_are_one_run(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (engine, client):
        await until(client, ready())
        ticket = await take_in(station, client)
        told = await asyncio.gather(*(client.send(start(checklist, ticket)) for _ in range(3)), return_exceptions=True)
        refused = {one.code for one in told if isinstance(one, Trouble)}
        assert len(refused) == 1
        assert refused <= {"ticket.busy", "slot.busy"}
        assert len(engine.work.sessions[ticket].runs) == 1


async def test_what_is_asked_after_a_start_is_done_after_it(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (_, client):
        await until(client, ready())
        order = []

        async def ask(command: m.Command) -> None:
            await client.send(command)
            order.append(type(command).__name__)

        await asyncio.gather(ask(start(checklist)), ask(m.Watch(slot=1)))
        assert order == ["StartRun", "Watch"]
        with pytest.raises(Trouble, match=r"slot\.busy"):
            await send(client, start(checklist))


async def test_a_start_that_is_refused_says_why_beside_those_that_are_not(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path, (check("battery", "test.battery", LEVEL_LIMIT),))
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (_, client):
        await until(client, ready())
        commands = (start(checklist, slot=7), start(checklist), start(tmp_path / "none.toml"))
        told = await asyncio.gather(*(client.send(one) for one in commands), return_exceptions=True)
        codes = [one.code if isinstance(one, Trouble) else "ok" for one in told]
        assert codes == ["slot.not-ready", "ok", "checklist.unusable"]
