"""Head office's HTTP surface: limits, proofs, tokens, and input from anybody on the network."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.attest import key_id, public_raw, verify_receipt
from reports.headoffice.app import create_app
from reports.headoffice.batch import MAX_BYTES, MAX_RECORDS, BatchError, Sent, read_batch, write_line
from reports.headoffice.request import sign_request
from reports.headoffice.serve import running, serving
from reports.headoffice.store import HeadOfficeError, create_head_office
from tests.headoffice.head_office_bench import HQ_KEY, Office, approve, batch_of, office
from tests.headoffice.test_ingest import ledger
from tests.reports.records_builder import Shop


def post(hq: Office, shop: Shop, body: bytes, *, station: str = "", path: str = "/v1/records") -> httpx.Response:
    key = shop.keys[shop.station]
    headers = sign_request(key, key_id(public_raw(key)), "POST", path, station or shop.station, body, int(time.time()))
    return httpx.post(f"{hq.url}/v1/records", content=body, headers=headers)


async def in_thread(*args: object, **named: object) -> httpx.Response:
    return await asyncio.to_thread(post, *args, **named)  # type: ignore[arg-type]


def lines(shop: Shop) -> bytes:
    return batch_of(ledger(*shop.events))


async def test_health_and_key_say_what_a_station_needs(tmp_path: Path) -> None:
    async with office(tmp_path) as hq, httpx.AsyncClient(base_url=hq.url) as http:
        health = (await http.get("/v1/health")).json()
        assert health["ok"]
        assert health["time_ms"] > 1_700_000_000_000
        key = (await http.get("/v1/key")).json()
        assert key["public"] == public_raw(HQ_KEY).hex()
        assert key["simulated"] is True


async def test_a_signed_batch_is_answered_with_a_receipt_of_head_office(tmp_path: Path) -> None:
    shop = Shop()
    async with office(tmp_path) as hq:
        approve(hq.database, shop.events[0])
        answer = await in_thread(hq, shop, lines(shop))
        assert answer.status_code == 200
        receipt = verify_receipt(answer.content, public_raw(HQ_KEY), station=shop.station)
        assert len(receipt.acknowledged) == 5


async def test_only_the_station_itself_can_send_for_it(tmp_path: Path) -> None:
    shop, other = Shop(), Shop(station="bench-2")
    async with office(tmp_path) as hq, httpx.AsyncClient(base_url=hq.url) as http:
        approve(hq.database, shop.events[0])
        approve(hq.database, other.events[0])
        plain = await http.post("/v1/records", content=lines(shop), headers={"assay-station": shop.station})
        as_other = await in_thread(hq, other, lines(shop), station=shop.station)
        elsewhere = await in_thread(hq, shop, lines(shop), path="/v1/elsewhere")
        for answer in (plain, as_other, elsewhere):
            assert (answer.status_code, answer.json()["code"]) == (401, "request-signature")
            assert answer.json()["zh"]
        assert hq.rows() == []


async def test_more_than_the_limits_is_413_before_it_is_read(tmp_path: Path) -> None:
    shop = Shop()
    async with office(tmp_path) as hq:
        approve(hq.database, shop.events[0])
        many = batch_of(Sent(seq, "0" * 64, b"x") for seq in range(1, MAX_RECORDS + 2))
        assert (await in_thread(hq, shop, many)).status_code == 413
        assert (await in_thread(hq, shop, b"x" * (MAX_BYTES + 1))).status_code == 413

        async def endless() -> object:
            for _ in range(40):
                yield b"x" * 50_000

        async with httpx.AsyncClient(base_url=hq.url) as http:  # chunked: no length is announced
            answer = await http.post("/v1/records", content=endless())  # type: ignore[arg-type]
            assert answer.status_code == 413


async def test_a_body_that_stops_half_way_is_408_and_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.headoffice.app.BODY_S", 0.05)
    shop = Shop()
    async with office(tmp_path) as hq:
        approve(hq.database, shop.events[0])

        async def stops() -> object:
            yield lines(shop)[:100]
            await asyncio.Event().wait()

        transport = httpx.ASGITransport(create_app(hq.database, HQ_KEY))
        async with httpx.AsyncClient(transport=transport, base_url="http://hq") as http:
            answer = await http.post("/v1/records", content=stops())  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (408, "body-cut")
        assert hq.rows() == []


async def test_what_is_no_batch_is_400(tmp_path: Path) -> None:
    shop = Shop()
    async with office(tmp_path) as hq:
        approve(hq.database, shop.events[0])
        for body in (b"", b"{}\n", b"\n", b'{"seq":0}\n', lines(shop)[:-5], b"[" * 100_000 + b"\n"):
            answer = await in_thread(hq, shop, body)
            assert (answer.status_code, answer.json()["code"]) == (400, "batch"), body[:20]


async def test_rows_are_read_only_with_the_token(tmp_path: Path) -> None:
    shop = Shop()
    async with office(tmp_path) as hq, httpx.AsyncClient(base_url=hq.url) as http:
        approve(hq.database, shop.events[0])
        await in_thread(hq, shop, lines(shop))
        for headers in ({}, {"authorization": "Bearer"}, {"authorization": "Bearer a-tokem"}):
            assert (await http.get("/v1/records", headers=headers)).status_code == 403
        token = {"authorization": "Bearer a-token"}
        rows = [json.loads(line) for line in (await http.get("/v1/records", headers=token)).text.splitlines()]
        assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5]
        assert "envelope" not in rows[0]
        rest = await http.get("/v1/records", headers=token, params={"after": f"{shop.station}:3"})
        assert len(rest.text.splitlines()) == 2
        for after in ("x", ":", "bench-1:-1", "bench-1:99999999999999999999", "\u0663:\u0663"):
            assert (await http.get("/v1/records", headers=token, params={"after": after})).status_code == 200


async def test_without_a_token_the_export_is_closed(tmp_path: Path) -> None:
    create_head_office(tmp_path / "hq.db", "hq", simulated=True)
    async with running(tmp_path / "hq.db", HQ_KEY) as url, httpx.AsyncClient() as http:
        assert (await http.get(f"{url}/v1/records", headers={"authorization": "Bearer None"})).status_code == 403


async def test_a_store_that_cannot_write_asks_to_come_again(tmp_path: Path) -> None:
    shop = Shop()
    async with office(tmp_path) as hq:
        approve(hq.database, shop.events[0])
        holder = sqlite3.connect(hq.database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.MonkeyPatch.context() as quick:
            quick.setattr("reports.headoffice.store.BUSY_S", 0.1)
            app = create_app(hq.database, HQ_KEY)
            async with serving(app) as url:
                waiting = Office(url, hq.database, hq.faults)
                answer = await in_thread(waiting, shop, lines(shop))
        holder.execute("ROLLBACK")
        holder.close()
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert (await in_thread(hq, shop, lines(shop))).status_code == 200


async def test_unknown_paths_and_methods_are_answered_in_the_same_form(tmp_path: Path) -> None:
    async with office(tmp_path) as hq, httpx.AsyncClient(base_url=hq.url) as http:
        for answer in (await http.get("/"), await http.delete("/v1/records"), await http.get("/v1/stations")):
            assert answer.status_code in (404, 405)
            assert set(answer.json()) == {"code", "en", "zh"}


async def test_a_file_that_is_no_head_office_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(HeadOfficeError):
        async with running(tmp_path / "none.db", HQ_KEY):
            pass
    assert not (tmp_path / "none.db").exists()


async def test_a_taken_port_is_an_error_at_once(tmp_path: Path) -> None:
    async with office(tmp_path) as hq:
        with pytest.raises(OSError, match="in use"):
            async with running(hq.database, HQ_KEY, port=int(hq.url.rsplit(":", 1)[1])):
                pass


# --- batches ---------------------------------------------------------------------------------------------------------

sent = st.builds(
    Sent,
    seq=st.integers(1, 2**53 - 1),
    chain=st.text("0123456789abcdef", min_size=64, max_size=64),
    envelope=st.text(st.characters(exclude_categories=["Cs"])).map(str.encode),
)


@given(records=st.lists(sent, min_size=1, max_size=8))
def test_every_byte_of_an_envelope_survives_the_wire(records: list[Sent]) -> None:
    assert read_batch(batch_of(records)) == records


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
def test_reading_a_batch_gives_records_or_says_no(body: bytes) -> None:
    try:
        records = read_batch(body)
    except BatchError as error:
        told, records = error.words.zh, []
    else:
        told = ""
    assert bool(told) != bool(records)
    assert all(record.seq > 0 for record in records)


def test_bytes_that_are_no_text_do_not_leave() -> None:
    with pytest.raises(BatchError):
        write_line(Sent(1, "0" * 64, b"\xff"))


@pytest.fixture(scope="module")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzzed")
    create_head_office(folder / "hq.db", "hq", simulated=True)
    return folder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/v1/records", "/v1/stations"]),
    body=st.binary(max_size=400),
    headers=st.dictionaries(
        st.sampled_from(["assay-station", "signature", "signature-input", "content-digest", "content-length"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
    ),
)
async def test_nothing_that_anybody_sends_breaks_it(
    app_folder: Path, path: str, body: bytes, headers: dict[str, str]
) -> None:
    transport = httpx.ASGITransport(create_app(app_folder / "hq.db", HQ_KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://hq") as http:
        answer = await http.post(path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"code", "en", "zh"}
