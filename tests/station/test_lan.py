"""Stations of a shop on its network: addresses, who is shown by TLS, pieces of bundles, and one ticket sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.api import Side
from drivers.text import Words
from reports.record import canonical, digest_of
from station import lan_server, messages
from station.errors import Trouble
from station.lan_client import PIECE
from station.lan_server import create_app
from station.lan_settings import PORT, LanSettings, load_lan, save_lan, split
from station.lan_tls import Caller, caller_of, contexts, name_of
from station.settings import create_key
from station.shop_key import ShopKey
from tests.station.lan_bench import network
from tests.station.station_bench import send

# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.168.1.20:9000", ("192.168.1.20", 9000)),
        ("bench.shop.lan", ("bench.shop.lan", PORT)),
        ("[fd00::7]:9000", ("fd00::7", 9000)),
        ("fd00::7", ("fd00::7", PORT)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_an_address_is_a_host_with_or_without_a_port(text: str, meant: tuple[str, int]) -> None:
    assert split(text) == meant


@pytest.mark.parametrize("text", ["", ":80", "a b:80", "host:99999", "host:-1", "host:８０", "[fd00::7", "a..b", "-x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        split(text)


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        host, port = split(text)
    except ValueError:
        return
    assert host.isascii()
    assert 0 <= port < 65536


def test_what_is_known_of_the_network_is_stored_and_read_back(tmp_path: Path) -> None:
    assert load_lan(tmp_path) == LanSettings()
    known = LanSettings(listen="0.0.0.0:1", peers={"B.1": "10.0.0.7:2", "QC": "qc.lan"}, refused=("OLD",))
    save_lan(tmp_path, known)
    assert load_lan(tmp_path) == known
    assert known.peers["QC"] == f"qc.lan:{PORT}"


@pytest.mark.parametrize("text", ["listen = 7", "peers = []", "[peers]\nX = 'a b'", "more = 1", "\xff", "listen = ["])
def test_a_file_that_can_not_be_used_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "lan.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(Trouble) as said:
        load_lan(tmp_path)
    assert said.value.code == "lan.settings"


# --- TLS -------------------------------------------------------------------------------------------------------------


async def shaken(tmp_path: Path, theirs: ShopKey, called: str, *, simulated: bool = True) -> tuple[Caller | None, Any]:
    """Who the listener BENCH has seen, and what came back to a caller with that shop key who calls `called`."""
    keys = {name: tmp_path / name for name in ("listener", "caller")}
    for path in keys.values():
        create_key(path)
    server = contexts(ShopKey("S-01", b"1" * 32), "BENCH", keys["listener"], simulated=True).server
    client = contexts(theirs, "COUNTER", keys["caller"], simulated=simulated).client
    seen: list[Caller | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(caller_of(writer.get_extra_info("ssl_object").getpeercert(True)))
        writer.write(b"well\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
    port = listening.sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name_of(called))
        told = await reader.readline()
        writer.close()
    except OSError as error:
        told = error
    finally:
        listening.close()
    return (seen[0] if seen else None), told


async def test_two_stations_of_one_shop_show_each_other_who_they_are(tmp_path: Path) -> None:
    seen, told = await shaken(tmp_path, ShopKey("S-01", b"1" * 32), "BENCH")
    assert seen is not None
    assert seen.station == "COUNTER"
    assert told == b"well\n"


@pytest.mark.parametrize(
    ("key", "called", "simulated"),
    [
        (ShopKey("S-01", b"2" * 32), "BENCH", True),
        (ShopKey("S-02", b"1" * 32), "BENCH", True),
        (ShopKey("S-01", b"1" * 32), "QC", True),
        (ShopKey("S-01", b"1" * 32), "BENCH", False),
    ],
    ids=["another key", "another shop", "another station", "a real station"],
)
async def test_nobody_else_is_taken_for_one(tmp_path: Path, key: ShopKey, called: str, simulated: bool) -> None:
    seen, told = await shaken(tmp_path, key, called, simulated=simulated)
    assert seen is None
    assert isinstance(told, OSError)


# --- pieces ----------------------------------------------------------------------------------------------------------

CALLER = Caller("COUNTER", b"k" * 32)


class Answers:
    """A station that knows whoever was introduced, and keeps what it was brought."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.met = True
        self.trouble: Trouble | None = None

    async def introduced(self, caller: Caller, roster: Sequence[bytes]) -> tuple[bytes, ...]:
        self.met = True
        return (b"mine",)

    def known(self, caller: Caller) -> None:
        if not self.met:
            raise Trouble("lan.introduce", Words("who", "谁"), Side.BENCH, Words("say", "说"))

    async def take(self, caller: Caller, bundle: bytes) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
        self.taken.append(bundle)
        return {"new": len(self.taken)}

    async def hand(self, caller: Caller, ticket: str, evidence: bool, before: bytes) -> bytes:
        return before or b"x" * (2 * PIECE + 5)


class Wire:
    """Requests to the application as `caller`, without a socket between."""

    def __init__(self, caller: Caller | None = CALLER) -> None:
        self.answers = Answers()
        self.app, self.caller = create_app(self.answers), caller
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self._called), base_url="https://x")

    async def _called(self, scope: Any, receive: Any, send_: Any) -> None:
        scope.setdefault("state", {})["caller"] = self.caller
        await self.app(scope, receive, send_)

    async def put(self, data: bytes, first: int, last: int, *, total: int | None = None, digest: str = "") -> Any:
        part = f"bytes {first}-{last}/{total if total is not None else len(data)}"
        path = f"/v1/incoming/{digest or digest_of(data)}"
        return await self.http.put(path, content=data[first : last + 1], headers={"content-range": part})


async def test_pieces_make_a_whole_that_is_taken_in_once_however_often_they_come() -> None:
    wire, data = Wire(), bytes(range(256)) * 4
    for first, last in ((0, 99), (0, 99), (300, 400), (100, 1022)):
        answer = await wire.put(data, first, last)
        assert answer.json()["done"] is None
    assert answer.json()["have"] == 1023
    assert wire.answers.taken == []
    again = await asyncio.gather(*(wire.put(data, 1023, 1023) for _ in range(3)))
    assert {one.json()["done"]["new"] for one in again} == {1}
    assert wire.answers.taken == [data]
    asked = (await wire.http.get(f"/v1/incoming/{digest_of(data)}")).json()
    assert asked == {"have": 0, "done": {"new": 1}}


async def test_another_bundle_takes_the_place_of_one_that_stopped_half_way() -> None:
    wire = Wire()
    await wire.put(b"a" * 10, 0, 4)
    await wire.put(b"b" * 10, 0, 4)
    assert (await wire.http.get(f"/v1/incoming/{digest_of(b'a' * 10)}")).json()["have"] == 0
    assert (await wire.put(b"b" * 10, 5, 9)).json()["done"] == {"new": 1}


async def test_a_whole_that_is_not_what_was_announced_is_let_go() -> None:
    wire = Wire()
    answer = await wire.put(b"a" * 10, 0, 9, digest="0" * 64)
    assert answer.status_code == 409
    assert answer.json()["code"] == "lan.garbled"
    assert wire.answers.taken == []


async def test_too_large_is_refused_before_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    assert (await wire.put(b"a" * 10, 0, 9, total=10**11)).json()["code"] == "lan.too-large"
    piece = await wire.http.put(f"/v1/incoming/{'0' * 64}", content=b"a" * (PIECE + 1))
    assert piece.json()["code"] == "lan.too-large"

    async def endless() -> Any:  # no length is announced
        while True:
            yield b"a" * 65_536

    piece = await wire.http.put(f"/v1/incoming/{'0' * 64}", content=endless())
    assert (piece.status_code, piece.json()["code"]) == (409, "lan.too-large")
    monkeypatch.setattr(lan_server, "MAX_HELD", 5)
    answer = await wire.put(b"a" * 10, 0, 8)
    assert (answer.status_code, answer.json()["code"]) == (503, "lan.busy")


async def test_what_nobody_goes_on_with_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_server, "HELD_S", 0.02)
    wire = Wire()
    await wire.put(b"a" * 10, 0, 4)
    async with asyncio.timeout(10):
        while (await wire.http.get(f"/v1/incoming/{digest_of(b'a' * 10)}")).json()["have"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_server, "BODY_S", 0.02)

    async def slow() -> Any:
        yield b"a"
        await asyncio.Event().wait()

    wire = Wire()
    answer = await wire.http.put(f"/v1/incoming/{'0' * 64}", content=slow())
    assert (answer.status_code, answer.json()["code"]) == (503, "lan.cut")


async def test_who_was_not_introduced_or_shows_no_certificate_gets_nothing() -> None:
    wire = Wire()
    wire.answers.met = False
    answer = await wire.http.post("/v1/outgoing", content=canonical({"ticket": "T-1", "evidence": False}))
    assert (answer.status_code, answer.json()["code"]) == (401, "lan.introduce")
    nobody = Wire(None)
    assert (await nobody.http.post("/v1/hello", content=b'{"roster":[]}')).json()["code"] == "lan.unknown"


async def test_a_refusal_of_the_station_is_told_in_both_languages_and_the_pieces_go() -> None:
    wire, data = Wire(), b"a" * 10
    wire.answers.trouble = Trouble("bundle.wrong", Words("no", "否"), Side.PERSON, Words("again", "再来"))
    answer = (await wire.put(data, 0, 9)).json()
    assert answer == {"code": "bundle.wrong", "what": ["no", "否"], "next_step": ["again", "再来"]}
    assert (await wire.http.get(f"/v1/incoming/{digest_of(data)}")).json() == {"have": 0, "done": None}


async def test_what_is_handed_out_comes_in_pieces_from_any_place() -> None:
    wire = Wire()
    ready = (await wire.http.post("/v1/outgoing", content=canonical({"ticket": "T", "evidence": False}))).json()
    data = b""
    while len(data) < ready["bytes"]:
        answer = await wire.http.get(f"/v1/outgoing/{ready['sha256']}", headers={"range": f"bytes={len(data)}-"})
        assert answer.headers["content-range"] == (
            f"bytes {len(data)}-{len(data) + len(answer.content) - 1}/{ready['bytes']}"
        )
        data += answer.content
    assert digest_of(data) == ready["sha256"]
    assert (await wire.http.get(f"/v1/outgoing/{'0' * 64}", headers={"range": "bytes=0-"})).status_code == 404


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["GET", "PUT", "POST"]),
    st.sampled_from(["/v1/hello", f"/v1/incoming/{'0' * 64}", "/v1/incoming/x", "/v1/outgoing", "/v1/outgoing/x", "/"]),
    st.binary(max_size=60),
    st.one_of(st.just(""), st.text("bytes=-/0123456789 ", max_size=40)),
)
def test_nothing_that_a_caller_sends_breaks_it(method: str, path: str, body: bytes, part: str) -> None:
    async def ask() -> None:
        wire = Wire()
        headers = {"content-range": part, "range": part}
        answer = await wire.http.request(method, path, content=body, headers=headers)
        assert answer.status_code < 500
        assert wire.answers.taken in ([], [body])

    asyncio.run(ask())


# --- two engines -----------------------------------------------------------------------------------------------------


async def test_a_ticket_that_is_sent_twice_is_taken_in_once_and_each_sees_the_other(tmp_path: Path) -> None:
    async with network(tmp_path) as net:
        ticket = await net.counter.taken_in()
        sent = await net.sends(ticket)
        assert (sent["new"], sent["apart"], sent["to"]) == (2, 0, "BENCH")
        again = await net.sends(ticket)
        assert (again["new"], again["record"]) == (0, None)
        assert [one.kind for one in await net.bench.records(ticket)] == ["bundle/v1", "intake/v1", "signoff/v1"]
        assert net.bench.engine.work.ticket_in == {1: ticket}
        told = await send(net.bench.client, messages.PeersQuery())
        assert [(row["station"], row["what"]) for row in told["peers"]] == [("COUNTER", None)]
