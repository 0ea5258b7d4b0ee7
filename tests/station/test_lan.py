"""A ticket goes from station to station over real sockets, without files and head office."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reports.verify import verify_ledger
from station import messages as m
from tests.station.lan_bench import Net, network
from tests.station.station_bench import send


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    async with network(tmp_path) as made:
        yield made


async def test_a_ticket_is_sent_to_the_bench_worked_on_and_fetched_back_and_released(net: Net) -> None:
    ticket = await net.counter.taken_in()
    sent = await net.sends(ticket)
    assert (sent["new"], sent["apart"], sent["to"]) == (2, 0, "BENCH")
    await net.bench.checked(ticket)
    told = await send(net.counter.client, m.FetchBundle(ticket=ticket, sender="BENCH", person="tech"))
    assert (told["sender"], told["apart"]) == ("BENCH", 0)
    await net.counter.let_go(ticket)
    assert await net.counter.state(ticket) == "ready"
    for one in (net.counter, net.bench):
        assert verify_ledger(one.station.settings.database).problems == ()
    assert net.bench.engine.work.ticket_in == {1: ticket}
