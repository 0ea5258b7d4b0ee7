"""Between two engines of a shop: cables that are pulled, hostile and old stations, and tickets that go both ways."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from reports.attest import generate_key
from reports.ledger import foreign_of
from reports.verify import open_bundle, verify_ledger, write_bundle
from station import lan_client, vault
from station import messages as m
from station.bundles import _bound
from station.errors import Trouble
from station.lan_client import Call, calling
from station.lan_server import listening
from station.lan_tls import contexts
from station.settings import load_settings
from station.setup import rotate_station_key
from station.shop_key import load_shop_key
from tests.station.lan_bench import Net, heard, network, phone, relay, say
from tests.station.shop_bench import Desk, desk, enrolled, joined
from tests.station.station_bench import PEOPLE, Station, send


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    async with network(tmp_path) as made:
        yield made


async def kinds(one: Desk, ticket: str) -> list[str]:
    return [record.kind for record in await one.records(ticket)]


async def heavy(net: Net) -> str:
    """A ticket with raw evidence of some megabytes: a bundle in many pieces."""
    ticket = await net.counter.taken_in()

    def keep(db: Any) -> None:
        scope = vault.open_scope(db, ticket)
        assert scope is not None
        vault.keep(db, scope, [vault.Kept("log", "application/octet-stream", os.urandom(2_000_000))])

    await net.counter.engine.store.write(keep)
    return ticket


async def pieces(one: Desk, ticket: str) -> int:
    count = "SELECT count(*) FROM evidence WHERE scope = ?"
    return int(await one.engine.store.read(lambda db: db.execute(count, [ticket]).fetchone()[0]))


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_client, "LONGEST_WAIT_S", 0.01)


# --- the way ---------------------------------------------------------------------------------------------------------


async def test_a_ticket_is_sent_to_the_bench_worked_on_fetched_back_and_released(net: Net) -> None:
    ticket = await net.counter.taken_in()
    await net.sends(ticket)
    await net.bench.checked(ticket)
    told = await send(net.counter.client, m.FetchBundle(ticket=ticket, sender="BENCH", person="tech"))
    assert (told["sender"], told["apart"]) == ("BENCH", 0)
    await net.counter.let_go(ticket)
    assert await net.counter.state(ticket) == "ready"
    for one in (net.counter, net.bench):
        assert verify_ledger(one.station.settings.database).problems == ()


async def test_two_that_went_on_apart_are_shown_as_with_files_to_whoever_hears_of_it(net: Net) -> None:
    ticket = await net.counter.taken_in()
    await net.sends(ticket)
    for one in (net.counter, net.bench):
        await one.run(ticket, "self-check", "tech", "technician", "performed")
    sent = await net.sends(ticket)
    assert sent["apart"] == 2
    assert "fork" in (await net.bench.asked(ticket))["codes"]
    await net.bench.act("fork", ticket, "lead", branch="there", reason="the counter had the phone")
    told = await send(net.counter.client, m.FetchBundle(ticket=ticket, sender="BENCH"))
    assert told["apart"] == 0
    assert "fork" not in (await net.counter.asked(ticket))["codes"]


async def test_two_transfers_to_one_station_at_once_both_arrive(net: Net) -> None:
    heavy_one = await heavy(net)
    both = await asyncio.gather(net.sends(heavy_one, evidence=True), net.sends(heavy_one), net.fetches(heavy_one))
    assert sorted(told["new"] for told in both) == [0, 0, 2]
    assert (await kinds(net.bench, heavy_one)).count("bundle/v1") == 1


async def test_a_ticket_that_the_other_does_not_have_is_said_in_its_words(net: Net) -> None:
    with pytest.raises(Trouble, match="COUNTER: there is no record of ticket T-9"):
        await net.fetches("T-9")


# --- cables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["sends", "fetches"])
async def test_a_cable_that_is_pulled_again_and_again_only_takes_longer(
    net: Net, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    quick(monkeypatch)
    ticket = await heavy(net)
    caller, other = (net.counter, net.bench) if way == "sends" else (net.bench, net.counter)
    async with relay(await heard(other)) as (cable, address):
        say(caller.station, peers={other.station.settings.station: address})
        cuts = [700, 4_000, 1_400_000, 1_400_000, 1_400_000, 20_000]
        if way == "sends":
            cable.cuts = cuts
        else:
            cable.back = cuts
        told = await getattr(net, way)(ticket, evidence=True)
        assert told["new"] == 2
        assert cable.connections > len(cuts)
        assert cable.carried < 2 * 6_000_000
    assert await pieces(net.bench, ticket) == 1
    assert (await kinds(net.bench, ticket)).count("bundle/v1") == 1


@pytest.mark.parametrize("way", ["sends", "fetches"])
async def test_a_cable_that_stays_out_leaves_nothing_and_the_same_again_goes_on(
    net: Net, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    quick(monkeypatch)
    ticket = await heavy(net)
    caller, other = (net.counter, net.bench) if way == "sends" else (net.bench, net.counter)
    async with relay(await heard(other)) as (cable, address):
        say(caller.station, peers={other.station.settings.station: address})
        stop = [2_500_000] + [1_000] * 20
        if way == "sends":
            cable.cuts = stop
        else:
            cable.back = stop
        with pytest.raises(Trouble, match="was cut") as cut:
            await getattr(net, way)(ticket, evidence=True)
        assert cut.value.code == "lan.cut"
        assert await kinds(net.bench, ticket) == []
        assert await pieces(net.bench, ticket) == 0
        cable.cuts, cable.back = [], []
        before = cable.carried
        await getattr(net, way)(ticket, evidence=True)
        if way == "sends":  # more than the two pieces that had arrived are not sent again
            assert cable.carried - before < 4_500_000
    assert await pieces(net.bench, ticket) == 1


async def test_an_answer_that_was_lost_after_the_import_is_heard_at_the_next_try(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    ticket = await net.counter.taken_in()
    took, times = net.bench.engine.lan.take, 0

    async def take(caller: Any, bundle: bytes) -> dict[str, Any]:
        nonlocal times
        times += 1
        done = await took(caller, bundle)
        cable.back = [0]
        for task in asyncio.all_tasks():
            if "_pour" in str(task.get_coro()):
                task.cancel()
        return done

    monkeypatch.setattr(net.bench.engine.lan, "take", take)
    async with relay(await heard(net.bench)) as (cable, address):
        say(net.counter.station, peers={"BENCH": address})
        sent = await net.sends(ticket)
    assert (times, sent["new"]) == (1, 2)
    assert (await kinds(net.bench, ticket)).count("bundle/v1") == 1


async def test_a_station_that_is_started_anew_half_way_is_introduced_again(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await net.counter.taken_in()
    await net.sends(ticket)
    net.bench.engine.lan._introduced.clear()
    await net.bench.run(ticket, "self-check", "tech", "technician", "performed")
    assert (await net.sends(ticket))["new"] == 0


# --- who may not -----------------------------------------------------------------------------------------------------


async def test_where_nobody_listens_or_no_address_is_known_it_is_said(net: Net) -> None:
    ticket = await net.counter.taken_in()
    say(net.counter.station, peers={})
    with pytest.raises(Trouble, match="No address of station BENCH"):
        await net.sends(ticket)
    say(net.counter.station, peers={"BENCH": "127.0.0.1:1"})
    with pytest.raises(Trouble, match=r"does not answer at 127\.0\.0\.1:1") as said:
        await net.sends(ticket)
    assert said.value.code == "lan.unreachable"


async def test_stations_that_share_no_key_exchange_nothing(tmp_path: Path) -> None:
    def apart(first: Station, second: Station) -> None:
        joined(first)
        joined(second)

    async with network(tmp_path, apart) as net:
        ticket = await net.counter.taken_in()
        with pytest.raises(Trouble, match="does not show itself as station BENCH of this shop"):
            await net.sends(ticket)
        with pytest.raises(Trouble, match="does not show itself as station COUNTER"):
            await net.fetches(ticket)
        assert await kinds(net.bench, ticket) == []


async def test_a_caller_of_another_shop_is_told_that_it_is_not_taken_for_one(net: Net, tmp_path: Path) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    stranger = await enrolled(tmp_path / "stranger", "COUNTER", keys)
    joined(stranger)
    key = load_shop_key(stranger.settings)
    ours = load_shop_key(net.bench.station.settings)
    assert key is not None
    assert ours is not None
    both = contexts(key, "COUNTER", stranger.settings.key_file, simulated=True)
    both.client.load_verify_locations(cadata=_anchor(contexts(ours, "X", stranger.settings.key_file, simulated=True)))
    async with calling(both.client, "BENCH", await heard(net.bench), (), _anybody) as call:
        with pytest.raises(Trouble) as refused:
            await call.send(b"{}")
    assert refused.value.code in ("lan.not-taken", "lan.cut")


def _anchor(made: Any) -> str:
    import ssl

    (root,) = made.client.get_ca_certs(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(root)


async def _anybody(caller: Any, roster: list[bytes]) -> None:
    return


async def test_a_refused_station_gets_nothing_and_brings_nothing(net: Net) -> None:
    ticket = await net.counter.taken_in()
    file = await net.counter.hand(ticket)
    say(net.bench.station, refused=("COUNTER",))
    with pytest.raises(Trouble, match="BENCH: BENCH refuses station COUNTER"):
        await net.sends(ticket)
    with pytest.raises(Trouble, match="BENCH refuses station COUNTER"):
        await net.fetches(ticket)
    with pytest.raises(Trouble, match="Station COUNTER is refused here"):
        await net.bench.take(file)
    assert await kinds(net.bench, ticket) == []
    say(net.bench.station, refused=())
    assert (await net.sends(ticket))["new"] == 2


async def test_an_old_copy_of_a_station_whose_key_was_replaced_is_found_out(tmp_path: Path) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    first = await enrolled(tmp_path / "counter", "COUNTER", keys)
    second = await enrolled(tmp_path / "bench", "BENCH", keys)
    joined(first, second)
    say(second, listen="127.0.0.1:0")
    shutil.copytree(first.data, tmp_path / "copy" / "counter")
    await rotate_station_key(first.settings)
    async with desk(second, None) as bench:
        say(first, peers={"BENCH": await heard(bench)})
        async with desk(first, phone()) as counter:
            ticket = await counter.taken_in()
            assert (await send(counter.client, m.SendBundle(ticket=ticket, to="BENCH")))["new"] == 2
        old = Station(load_settings(tmp_path / "copy" / "counter"), keys)
        say(old, peers={"BENCH": await heard(bench)})
        async with desk(old, phone()) as copy:
            with pytest.raises(Trouble, match="does not have the key that its records name now"):
                await send(copy.client, m.SendBundle(ticket=await copy.taken_in(), to="BENCH"))


@contextlib.asynccontextmanager
async def third(net: Net, tmp_path: Path) -> AsyncIterator[tuple[Call, Station]]:
    """A hostile member of the shop: it has the shop's key, and says what it likes to the bench."""
    keys = {person: generate_key() for person in PEOPLE}
    station = await enrolled(tmp_path / "third", "THIRD", keys)
    joined(net.counter.station, station)
    key = load_shop_key(station.settings)
    assert key is not None
    async with desk(station, None) as engine:
        roster = tuple(
            bytes(envelope)
            for (envelope,) in await engine.engine.store.read(
                lambda db: db.execute("SELECT envelope FROM record ORDER BY seq").fetchall()
            )
        )
    tls = contexts(key, "THIRD", station.settings.key_file, simulated=True).client
    async with calling(tls, "BENCH", await heard(net.bench), roster, _anybody) as call:
        yield call, station


async def test_a_member_that_brings_garbage_or_the_bundle_of_another_is_refused(net: Net, tmp_path: Path) -> None:
    ticket = await net.counter.taken_in()
    theirs = (await net.counter.hand(ticket, to="BENCH")).read_bytes()
    open_to_all = (await net.counter.hand(ticket)).read_bytes()
    async with third(net, tmp_path) as (call, _):
        for data, words in (
            (b"{}", "is not a ticket bundle"),
            (os.urandom(3_000_000), "bundle is refused"),
            (b"[" * 2_000_000, "bundle is refused"),
            (theirs, "THIRD brought a bundle of station COUNTER"),
            (open_to_all, "The bundle is for station"),
        ):
            with pytest.raises(Trouble, match=words):
                await call.send(data)
    assert await kinds(net.bench, ticket) == []
    assert (await net.sends(ticket))["new"] == 2


@pytest.mark.parametrize(
    "inner",
    [
        b"\xff",
        b"[]",
        b'{"to":"BENCH"}',
        b'{"to":"BENCH","scope":null,"personal":{},"events":[["r",1,2,"b",{"kind":"no-such"}]],"evidence":[]}',
        b'{"to":"BENCH","scope":{"key":"zz","salt":"00"},"personal":{},"events":[],"evidence":[]}',
    ],
)
async def test_a_sealed_part_that_a_member_made_wrong_is_refused_with_words(tmp_path: Path, inner: bytes) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    first = await enrolled(tmp_path / "counter", "COUNTER", keys)
    second = await enrolled(tmp_path / "bench", "BENCH", keys)
    joined(first, second)
    async with desk(first, phone()) as counter, desk(second, None) as bench:
        ticket = await counter.taken_in()
        path = await counter.hand(ticket)
        bundle, key = open_bundle(path.read_bytes()), load_shop_key(first.settings)
        assert key is not None
        wrong = {**{name: getattr(bundle, name) for name in bundle.__slots__}}
        path.write_bytes(write_bundle(type(bundle)(**wrong | {"handover": key.seal(inner, _bound(bundle))})))
        with pytest.raises(Trouble, match="sealed part is not of the accepted form"):
            await bench.take(path)
        assert await kinds(bench, ticket) == []


async def test_an_older_bundle_that_comes_again_changes_nothing(net: Net) -> None:
    ticket = await net.counter.taken_in()
    old = await net.counter.hand(ticket)
    await net.sends(ticket)

    def newer(db: Any) -> None:
        scope = vault.open_scope(db, ticket)
        assert scope is not None
        vault.save_personal(db, scope, {**vault.personal(db, ticket), "phone": "13900000000"})

    await net.bench.engine.store.write(newer)
    assert (await net.bench.take(old))["new"] == 0
    assert (await net.bench.engine.store.read(lambda db: vault.personal(db, ticket)))["phone"] == "13900000000"
    assert len(await net.bench.engine.store.read(lambda db: foreign_of(db, ticket))) == 2


# --- hostile listeners -----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def hostile(net: Net, answer: Any) -> AsyncIterator[None]:
    """Somebody with the shop's key and the name of the counter listens where the bench calls it."""
    settings = net.counter.station.settings
    key = load_shop_key(settings)
    assert key is not None
    tls = contexts(key, "COUNTER", settings.key_file, simulated=True).server
    roster = await net.counter.engine.store.read(
        lambda db: [bytes(row[0]).decode() for row in db.execute("SELECT envelope FROM record ORDER BY seq").fetchall()]
    )

    async def hello(request: Any) -> Any:
        return JSONResponse({"roster": roster})

    routes = [
        Route("/v1/hello", hello, methods=["POST"]),
        Route("/{rest:path}", answer, methods=["GET", "POST", "PUT"]),
    ]
    async with listening(Starlette(routes=routes), tls, "127.0.0.1", 0) as address:
        say(net.bench.station, peers={"COUNTER": address})
        yield


async def _endless(request: Any) -> Any:
    async def pour() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(pour())


async def _silent(request: Any) -> Any:
    await asyncio.sleep(3600)


async def _huge(request: Any) -> Any:
    return JSONResponse({"sha256": "0" * 64, "bytes": 10**12})


async def _garbage(request: Any) -> Any:
    return JSONResponse(["\x1b[2J", {"sha256": 7}])


async def _rude(request: Any) -> Any:
    said = {"code": "x", "what": ["\x1b[31m go \u202e away", "\x07"], "next_step": ["\x00", "\n\n"]}
    return JSONResponse(said, 409)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_endless, "was cut"),
        (_silent, "was cut"),
        (_huge, "larger than 64 MiB"),
        (_garbage, "can't be understood"),
        (_rude, "␛\\[31m go away|␛\\[31m go  away"),
    ],
)
async def test_a_hostile_station_is_given_up_with_words_that_are_safe_to_show(
    net: Net, monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    quick(monkeypatch)
    monkeypatch.setattr(lan_client, "ANSWER_S", 2.0)
    async with hostile(net, answer):
        with pytest.raises(Trouble, match=words) as refused:
            await net.fetches("T-1")
    assert refused.value.what.en.isprintable()


async def test_another_ticket_than_was_asked_for_is_not_taken_in(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = await net.counter.taken_in()
    hand = net.counter.engine.lan.hand
    monkeypatch.setattr(net.counter.engine.lan, "hand", lambda caller, _, *more: hand(caller, ticket, *more))
    with pytest.raises(Trouble, match="was not asked for"):
        await net.fetches("T-77")
    assert await kinds(net.bench, ticket) == []
