"""Two clients that take in the same phone at the same moment: one is granted, the other is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.tickets import check_imei
from tests.station.station_bench import Cabinet, Station, enrol, running, send


def imei_of(number: int) -> str:
    """A valid IMEI of that number."""
    front = f"35{number:012}"
    for digit in "0123456789":
        try:
            return check_imei(front + digit)
        except Trouble:
            continue
    raise AssertionError(number)


@pytest.fixture
async def station(tmp_path: Path) -> Station:
    return await enrol(tmp_path)


async def at_once(clients: Sequence[Client], *wishes: m.Command) -> list[str]:
    """What each client is told: the ticket that it has, or the code of what was refused."""
    told = await asyncio.gather(
        *(send(client, wish) for client, wish in zip(clients, wishes, strict=True)), return_exceptions=True
    )
    for each in told:
        assert isinstance(each, dict | Trouble), each
    return sorted(each.code if isinstance(each, Trouble) else "granted" for each in told)


async def test_a_phone_that_two_clients_take_in_at_once_is_in_one_ticket(station: Station) -> None:
    async with running(station, Cabinet()) as (_, first):
        clients = [first, await Client.connect(station.data)]
        for n in range(8):
            wish = m.Intake(imei=imei_of(n), model="Phone 1", data_notice_confirmed=True, person="tech")
            assert await at_once(clients, wish, wish) == ["granted", "ticket.twice"]
        rows = (await send(first, m.TicketsQuery(limit=100)))["tickets"]
        assert len(rows) == 8
        await clients[1].close()


async def test_a_phone_that_is_known_by_its_serial_alone_is_in_one_ticket_as_well(station: Station) -> None:
    async with running(station, Cabinet()) as (_, first):
        clients = [first, await Client.connect(station.data)]
        for n in range(4):
            wish = m.Intake(serial=f"SER-{n}", model="Phone 1", data_notice_confirmed=True, person="tech")
            assert await at_once(clients, wish, wish) == ["granted", "ticket.twice"]
        await clients[1].close()


@pytest.mark.parametrize("other", ["", "the same"])
async def test_a_registered_ticket_is_taken_in_once_and_its_phone_in_no_other(station: Station, other: str) -> None:
    """The registration tells no number of the phone, so that only the intakes themselves can meet."""
    async with running(station, Cabinet()) as (_, first):
        clients = [first, await Client.connect(station.data)]
        for n in range(4):
            ticket = f"R-{n}"
            await send(first, m.NewTicket(ticket=ticket, model="Phone 1", complaint="slow", person="tech"))
            about = {"imei": imei_of(n), "data_notice_confirmed": True, "person": "tech"}
            here, there = m.Intake(ticket=ticket, **about), m.Intake(ticket=ticket if other else "", **about)
            told = await at_once(clients, here, there)
            assert told[0] == "granted"
            assert told[1] in ("ticket.taken", "ticket.twice")
        await clients[1].close()
