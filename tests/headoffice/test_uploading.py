"""From the outbox to a verified receipt, with everything that can go wrong in between: nothing is lost or invented."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from reports.attest import generate_key, key_id, open_record, public_raw, sign_envelope
from reports.headoffice.batch import MAX_RECORDS, Sent, write_line
from reports.predicates import HeadRef, ReceiptV1
from reports.record import digest_of, make_statement
from reports.verify import verify_ledger
from station.errors import Trouble
from station.head_office import head_office_key, request_enrolment
from station.outbox import LONGEST_RETRY_AFTER_S, PATIENCE, STEP, BatchSize, Pace, Uploader
from station.settings import save_settings, write_private
from station.store import Store
from tests.headoffice.head_office_bench import (
    HQ_KEY,
    QUICK,
    Bench,
    acknowledged,
    approve,
    bench_and_office,
    envelopes_at,
    office,
    seqs,
)
from tests.reports.records_builder import Shop
from tests.station.station_bench import holds

Forgery = Callable[[bytes], bytes]


async def until_empty(uploader: Uploader, bench: Bench, seconds: float = 50) -> None:
    """Run the uploader until everything is acknowledged, or fail."""
    running = asyncio.create_task(uploader.run())
    try:
        async with asyncio.timeout(seconds):
            while not acknowledged(await bench.states()):
                await asyncio.sleep(0.01)
                uploader.flush()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def trouble_of(uploader: Uploader) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await uploader.once()
    return caught.value


async def test_a_whole_ticket_arrives_byte_for_byte_and_is_acknowledged(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_ticket()
        view = await bench.uploader().once()
        assert envelopes_at(hq) == bench.sent
        assert acknowledged(await bench.states())
        assert (view.acknowledged, view.waiting, view.rejected, view.rows, view.trouble) == (13, 0, 0, (), None)
        assert view.receipt_ms > 0
        assert hq.one("SELECT decision FROM release") == "released"


async def test_receipts_make_the_ledger_verify_against_the_pinned_key(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, _):
        await bench.add_ticket()
        await bench.uploader().once()
        report = verify_ledger(bench.settings.database, root=bytes.fromhex(bench.settings.head_office_key))
        assert report.ok, report


async def test_nothing_is_sent_twice_once_it_is_acknowledged(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.uploader().once()
        await bench.uploader().once()
        assert hq.faults.requests == 1


async def test_a_record_enqueued_while_the_uploader_runs_leaves_when_it_is_woken(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, _):
        changed = asyncio.Event()
        uploader = bench.uploader(changed=changed.set)
        running = asyncio.create_task(uploader.run())
        await bench.add_people()
        uploader.wake()
        async with asyncio.timeout(20):
            while not acknowledged(await bench.states()):
                await changed.wait()
                changed.clear()
        running.cancel()
        await asyncio.wait([running])


async def test_a_receipt_older_than_one_that_is_here_is_not_kept_and_its_records_are_sent_again(tmp_path: Path) -> None:
    """Two uploaders on one store: the answer to the first may come after the answer to the second."""
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        late, held = asyncio.Event(), asyncio.Event()
        slow = bench.uploader(store=Held(bench.store, held, late))
        sending = asyncio.create_task(slow.once())
        async with asyncio.timeout(20):
            await held.wait()  # the slow one has its receipt and has not stored it
        await asyncio.sleep(0.002)  # receipts carry whole milliseconds
        await bench.uploader().once()
        await bench.add_intakes(1)
        late.set()
        with pytest.raises(Trouble) as caught:
            await sending
        assert (caught.value.code, caught.value.side.value) == ("upload.receipt-order", "head-office")
        await bench.uploader().once()
        assert acknowledged(await bench.states())
        assert verify_ledger(bench.settings.database, root=bytes.fromhex(bench.settings.head_office_key)).ok
        assert envelopes_at(hq) == bench.sent


class Held:
    """A store that keeps the write after a receipt back until `late`; `held` when it has come to it."""

    def __init__(self, store: Store, held: asyncio.Event, late: asyncio.Event) -> None:
        self._store, self._held, self._late, self._writes = store, held, late, 0

    async def write(self, work: Callable[[Database], Any]) -> Any:
        self._writes += 1
        if self._writes == 2:  # the first one counts the try
            self._held.set()
            await self._late.wait()
        return await self._store.write(work)

    async def read(self, work: Callable[[Database], Any]) -> Any:
        return await self._store.read(work)


# --- head office away or unwell --------------------------------------------------------------------------------------


async def test_head_office_down_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    async with office(tmp_path) as hq:
        pass
    bench = await Bench.open(tmp_path / "station", hq.url)
    await bench.add_people()
    uploader = bench.uploader()
    trouble = await trouble_of(uploader)
    assert (trouble.code, trouble.side.value) == ("upload.unreachable", "head-office")
    view = await uploader.view()
    assert (view.waiting, view.acknowledged, view.trouble) == (5, 0, trouble.what)
    assert view.rows[0].tries == 1
    bench.close()


@pytest.mark.parametrize("fault", ["500", "503", "lost-ack", "cut", "garbage", "slow", "double", "429", "401", "404"])
async def test_after_a_fault_everything_arrives_exactly_once(tmp_path: Path, fault: str) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        hq.faults.coming = [fault] * 3
        await until_empty(bench.uploader(), bench)
        assert envelopes_at(hq) == bench.sent
        assert hq.faults.requests >= 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("500", "upload.status"),
        ("404", "upload.status"),
        ("302", "upload.redirect"),
        ("garbage", "upload.receipt"),
        ("flood", "upload.unreachable"),
        ("cut", "upload.unreachable"),
        ("lost-ack", "upload.status"),
    ],
)
async def test_each_fault_is_on_head_offices_side_and_acknowledges_nothing(
    tmp_path: Path, fault: str, code: str
) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        hq.faults.coming = [fault]
        trouble = await trouble_of(bench.uploader())
        assert (trouble.code, trouble.side.value) == (code, "head-office")
        assert trouble.next_step.zh
        assert seqs(await bench.states(), "acknowledged") == []
        assert await bench.receipts() == 0


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq), office(tmp_path / "elsewhere") as elsewhere:
        await bench.add_people()
        hq.faults.coming, hq.faults.headers = ["302"], [(b"location", f"{elsewhere.url}/v1/records".encode())]
        await trouble_of(bench.uploader())
        assert elsewhere.faults.requests == 0


async def test_a_head_office_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.head_office.REQUEST_S", 0.3)
    taken = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    bench = await Bench.open(tmp_path, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await bench.add_people()
    trouble = await trouble_of(bench.uploader())
    assert trouble.code == "upload.unreachable"
    assert len(taken) == 3  # five records at once, then two, then one
    for writer in taken:
        writer.close()
    server.close()
    bench.close()


# --- receipts that prove nothing -------------------------------------------------------------------------------------


def resigned(change: Callable[[ReceiptV1], ReceiptV1], key: object = HQ_KEY) -> Forgery:
    """A receipt with other content, signed by head office's own key or another."""

    def forge(answer: bytes) -> bytes:
        receipt = open_record(answer).statement.predicate
        assert isinstance(receipt, ReceiptV1)
        changed = change(receipt)
        payload = make_statement("receipt/v1", digest_of(changed.station.encode()), changed)
        return sign_envelope(payload, [key])  # type: ignore[list-item]

    return forge


def altered(**changes: object) -> Callable[[ReceiptV1], ReceiptV1]:
    return lambda receipt: receipt.model_copy(update=changes)


def other_digest(receipt: ReceiptV1) -> ReceiptV1:
    row = receipt.acknowledged[0].model_copy(update={"digest": "0" * 64})
    return receipt.model_copy(update={"acknowledged": (row, *receipt.acknowledged[1:])})


def one_more(receipt: ReceiptV1) -> ReceiptV1:
    row = receipt.acknowledged[0].model_copy(update={"seq": 99})
    return receipt.model_copy(update={"acknowledged": (*receipt.acknowledged, row)})


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (resigned(lambda receipt: receipt, generate_key()), "upload.receipt"),
        (resigned(other_digest), "upload.receipt"),
        (resigned(one_more), "upload.receipt"),
        (resigned(altered(station="bench-2")), "upload.receipt"),
        (resigned(altered(shop="shop-2")), "upload.receipt"),
        (resigned(altered(simulated=False)), "upload.receipt"),
        (lambda answer: answer[:-3] + b"==}", "upload.receipt"),
        (lambda answer: answer.replace(b"intoto", b"in-toto") + b"\n", "upload.receipt"),
        (resigned(altered(head=HeadRef(size=5, root="0" * 64))), "upload.history"),
        (resigned(altered(head=HeadRef(size=500, root="0" * 64))), "upload.history"),
    ],
    ids=["key", "digest", "unsent", "station", "shop", "simulated", "cut", "bytes", "head", "long-head"],
)
async def test_a_receipt_that_proves_nothing_acknowledges_nothing(tmp_path: Path, forge: Forgery, code: str) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        hq.faults.coming = [forge]
        uploader = bench.uploader()
        trouble = await trouble_of(uploader)
        assert (trouble.code, trouble.side.value) == (code, "head-office")
        assert set((await bench.states()).values()) == {"waiting"}
        assert await bench.receipts() == 0
        await uploader.once()
        assert acknowledged(await bench.states())


async def test_a_receipt_for_an_earlier_batch_does_not_acknowledge_a_later_one(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        kept: list[bytes] = []

        def keep(answer: bytes) -> bytes:
            kept.append(answer)
            return answer

        hq.faults.coming = [keep]
        await bench.uploader().once()
        await bench.add_intakes(2)
        hq.faults.coming = [lambda _: kept[0]]
        assert (await trouble_of(bench.uploader())).code == "upload.receipt"
        assert seqs(await bench.states(), "waiting") == [6, 7]


async def test_every_changed_byte_of_a_receipt_is_noticed(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        chance = random.Random(3)

        def flip(answer: bytes) -> bytes:
            at = chance.randrange(len(answer))
            return answer[:at] + bytes([answer[at] ^ (1 << chance.randrange(8))]) + answer[at + 1 :]

        for _ in range(40):
            hq.faults.coming = [flip]
            assert (await trouble_of(bench.uploader())).code == "upload.receipt"
        assert await bench.receipts() == 0


async def test_without_a_pinned_key_nothing_leaves(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        unpinned = bench.settings.model_copy(update={"head_office_key": ""})
        trouble = await trouble_of(bench.uploader(settings=unpinned))
        assert (trouble.code, trouble.side.value) == ("upload.none", "person")
        assert hq.faults.requests == 0


# --- size and pace ---------------------------------------------------------------------------------------------------


async def test_more_records_than_one_batch_leave_in_order(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(250)
        await bench.uploader().once()
        assert hq.faults.requests == 2
        assert envelopes_at(hq) == bench.sent


async def test_413_halves_the_batch_until_it_passes(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(11)
        hq.faults.coming = ["413", "413"]
        await bench.uploader().once()
        assert acknowledged(await bench.states())
        assert hq.faults.requests == 2 + 4  # 16 and 8 were too many; 4, 5, 6 and the last one


@pytest.mark.parametrize("fault", ["408", "504"])
async def test_what_does_not_arrive_in_time_is_sent_in_smaller_batches(tmp_path: Path, fault: str) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(11)
        told: list[str] = []
        uploader: Uploader = bench.uploader(changed=lambda: told.append(code_of(uploader)))
        hq.faults.most_bytes, hq.faults.coming = 1_000_000, [fault, fault]
        await uploader.once()
        assert acknowledged(await bench.states())
        assert hq.faults.sizes == [16, 8, 4, 5, 6, 1]
        assert told[:2] == ["upload.slow"] * 2  # said while the smaller ones are tried, and over with the first receipt
        assert uploader.trouble is None


def code_of(uploader: Uploader) -> str:
    return uploader.trouble.code if uploader.trouble else ""


async def test_a_size_for_which_head_office_asks_to_wait_is_halved_and_waited_for(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        hq.faults.coming, hq.faults.headers = ["413"], [(b"retry-after", b"120")]
        hq.faults.most_bytes = 1_000_000
        uploader = bench.uploader()
        assert (await trouble_of(uploader)).code == "upload.too-large"
        assert hq.faults.requests == 1
        await uploader.once()
        assert hq.faults.sizes == [5, 2, 3]


@given(limit=st.integers(1, MAX_RECORDS))
def test_a_limit_that_nobody_tells_is_found_and_seldom_met_again(limit: int) -> None:
    size, failed, sent = BatchSize(), [], 0
    for n in range(600):
        count = size.most
        assert 1 <= count <= MAX_RECORDS
        if count > limit:
            failed.append(n)
            size.failed(count)
        else:
            sent += count
            size.passed(count)
    assert sent >= 600 * limit * 0.6
    assert len([n for n in failed if n >= 300]) <= 300 // PATIENCE


def test_after_one_bad_moment_batches_are_soon_as_large_as_before() -> None:
    size = BatchSize()
    for count in (200, 100, 50, 25, 12, 6, 3, 1):
        size.failed(count)
    batches = 0
    while size.most < MAX_RECORDS:
        size.passed(size.most)
        batches += 1
    assert batches <= 2 * MAX_RECORDS // STEP


def test_a_batch_that_was_not_full_says_nothing_of_larger_ones() -> None:
    size = BatchSize()
    size.failed(100)
    for _ in range(100):
        size.passed(3)
    assert size.most == 50


async def test_a_record_that_is_too_large_is_named_and_holds_up_no_other_now_or_later(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(6)
        await bench.add(bench.shop.intake(complaint="x" * 1900, appearance="y" * 1900))
        await bench.add_intakes(6)
        large = 5 + 6 + 1
        lines = [len(write_line(Sent(1, "0" * 64, envelope))) for envelope in bench.sent]
        hq.faults.most_bytes = lines[large - 1] - 1
        assert sorted(lines)[-2] < hq.faults.most_bytes
        everything = {*range(1, 19)} - {large}
        uploader = bench.uploader()
        async with at_work(uploader):
            await reached(bench, everything)
            await holds(lambda: uploader.trouble is not None and f"record {large} (T-" in uploader.trouble.what.en)
        view = await uploader.view()
        assert [(row.seq, row.state) for row in view.rows] == [(large, "waiting")]
        assert view.rows[0].reason is not None
        assert "too large" in view.rows[0].reason.en
        assert view.next_step is not None
        assert "requests of 1 MB" in view.next_step.en
        patient = bench.uploader(pace=Pace(shortest_s=3600, longest_s=3600))
        async with at_work(patient):
            await holds(lambda: patient.next_ms > 0)
            await bench.add_intakes(2)
            patient.wake()
            await reached(bench, everything | {19, 20})
            hq.faults.most_bytes = 0
            patient.flush()
            await reached(bench, everything | {19, 20, large})
        assert acknowledged(await bench.states())


async def test_two_records_that_are_too_large_do_not_hide_a_third_that_was_passed_over(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        for text in ("x" * 1900, "y" * 1900):
            await bench.add(bench.shop.intake(complaint=text, appearance=text))
        await bench.add_intakes(1)
        await bench.store.write(lambda db: db.execute("UPDATE outbox SET passed_over = 1 WHERE seq >= 6"))
        hq.faults.most_bytes = len(write_line(Sent(1, "0" * 64, bench.sent[5]))) - 1
        uploader = bench.uploader()
        for _ in range(4):
            await trouble_of(uploader)
        states = await bench.states()
        assert [seq for seq, state in states.items() if state == "waiting"] == [6, 7]


async def reached(bench: Bench, seqs_: set[int], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not seqs_ <= set(seqs(await bench.states(), "acknowledged")):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def at_work(uploader: Uploader) -> AsyncIterator[None]:
    running = asyncio.create_task(uploader.run())
    yield
    running.cancel()
    await asyncio.wait([running])


async def test_a_new_key_that_head_office_could_not_be_told_is_told_at_the_next_try(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.uploader().once()
        shop, new = bench.shop, generate_key()
        old = shop.keys[shop.station]
        about = {"kind": "station", "key": new, "replaces": key_id(public_raw(old))}
        await bench.add(shop.key_event("rotate", shop.station, signers=(old, new), **about))
        uploader = bench.uploader(key=new)
        hq.faults.coming = ["", "503"]  # the batch is refused, for its key is not known; then head office is away
        assert (await trouble_of(uploader)).code == "upload.refused"
        await uploader.once()
        assert acknowledged(await bench.states())


async def test_one_record_that_is_too_large_for_the_way_lets_the_others_pass(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        uploader = bench.uploader()
        hq.faults.coming = ["413"] * 3  # 5, 2, 1
        assert (await trouble_of(uploader)).code == "upload.too-large"
        view = await uploader.view()
        assert view.rows[0].reason is not None
        assert view.waiting == 5
        await uploader.once()
        assert acknowledged(await bench.states())


@pytest.mark.parametrize(("asked", "at_least"), [("120", 120), ("Wed, 21 Oct 2099 07:28:00 GMT", 3600), ("soon", 0)])
async def test_retry_after_is_obeyed(tmp_path: Path, asked: str, at_least: float) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        hq.faults.coming, hq.faults.headers = ["503"], [(b"retry-after", asked.encode())]
        told = asyncio.Event()
        uploader = bench.uploader(changed=told.set)
        running = asyncio.create_task(uploader.run())
        async with asyncio.timeout(20):
            await told.wait()
        uploader.wake()  # a new record does not shorten the wait that head office asked for
        await asyncio.sleep(0.05)
        if at_least:
            assert hq.faults.requests == 1
            assert (await uploader.view()).next_ms > 0
            uploader.flush()  # a person does
        async with asyncio.timeout(20):
            while not acknowledged(await bench.states()):
                told.clear()
                await told.wait()
        running.cancel()
        await asyncio.wait([running])


def test_waits_are_jittered_between_one_second_and_a_ceiling_that_doubles() -> None:
    pace, chance = Pace(), random.Random(1)
    for failures, ceiling in [(1, 2), (2, 4), (5, 32), (9, 300), (10_000, 300)]:
        waits = [pace.wait_s(failures, None, chance) for _ in range(400)]
        assert 1 <= min(waits) < 1 + ceiling * 0.1
        assert ceiling * 0.9 < max(waits) <= ceiling
    assert pace.wait_s(1, 77.0, chance) == 77.0
    assert pace.wait_s(1, 1e9, chance) == LONGEST_RETRY_AFTER_S


# --- poison, damage, forks, lost history -----------------------------------------------------------------------------


async def test_a_poison_record_is_shown_with_its_reason_and_blocks_nothing(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        stranger = generate_key()
        bench.shop.keys["chen-again"] = stranger
        intake = bench.shop.intake()
        await bench.add(intake)
        bench.shop.keys["wang"], right = stranger, bench.shop.keys["wang"]
        await bench.add(bench.shop.signoff(intake, "wang", "technician", "performed"))
        bench.shop.keys["wang"] = right
        await bench.add(bench.shop.signoff(intake, "wang", "technician", "performed"))
        view = await bench.uploader().once()
        assert await bench.states() == {**dict.fromkeys(range(1, 9), "acknowledged"), 7: "rejected"}
        assert (view.rejected, view.waiting) == (1, 0)
        reason = view.rows[0].reason
        assert reason is not None
        assert "unknown key" in reason.en
        assert "未知密钥" in reason.zh
        assert [seq for seq, _ in hq.rows()] == [1, 2, 3, 4, 5, 6, 8]
        assert hq.one("SELECT size FROM station") == 8


async def test_a_record_damaged_where_it_lies_is_not_sent_and_not_lost_from_sight(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(2)

        def damage(db: Database) -> None:
            db.execute("DROP TRIGGER record_no_update")
            db.execute("UPDATE record SET envelope = CAST(replace(envelope, 'Type', 'type') AS BLOB) WHERE seq = 6")
            db.execute("UPDATE record SET envelope = x'ff' WHERE seq = 7")

        await bench.store.write(damage)
        view = await bench.uploader().once()
        assert seqs(await bench.states(), "rejected") == [6, 7]
        assert [row.seq for row in view.rows] == [6, 7]
        assert all(row.reason for row in view.rows)
        assert len(hq.rows()) == 5


async def test_two_benches_from_one_copied_folder_are_both_kept_and_the_second_is_told(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.uploader().once()
        twin = await Bench.open(tmp_path / "twin", hq.url, bench.shop)
        await twin.add_people()
        await bench.add_intakes(1)
        await bench.uploader().once()
        bench.shop.tick(60_000)
        await twin.add_intakes(2)
        assert (await trouble_of(twin.uploader())).code == "upload.history"
        assert len(hq.rows()) == 6
        assert hq.one("SELECT count(*) FROM quarantine WHERE seq = 6") == 2
        assert {seq for seq in seqs(await twin.states(), "acknowledged") if seq > 5} == set()
        twin.close()


async def test_head_office_restored_from_an_old_backup_gets_again_what_it_lost(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.uploader().once()
        backup = tmp_path / "restored"
        backup.mkdir()
        hq.db.conn.execute("VACUUM INTO ?", (str(backup / "hq.db"),))
        await bench.add_intakes(230)
        await bench.uploader().once()
    async with office(backup) as restored:
        moved = bench.settings.model_copy(update={"head_office": restored.url})
        again = await Bench.open(tmp_path / "station", restored.url, bench.shop)
        await again.add_intakes(1)
        await again.uploader(settings=moved).once()
        assert acknowledged(await again.states())
        assert len(restored.rows()) == 5 + 231
        again.close()


async def test_head_office_that_asks_for_ever_for_the_same_record_does_not_keep_the_bench_busy(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(3)
        hq.faults.coming = [resigned(altered(next_expected=2))] * 50
        await bench.uploader().once()
        assert hq.faults.requests <= 3


# --- stopping in the middle ------------------------------------------------------------------------------------------


async def test_a_cancelled_upload_loses_nothing_and_leaves_the_store_usable(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        for delay in (0.0, 0.002, 0.01, 0.03, 0.05, 0.1):
            await bench.add_intakes(3)
            hq.faults.coming = ["slow"]
            running = asyncio.create_task(bench.uploader().run())
            await asyncio.sleep(delay)
            running.cancel()
            await asyncio.wait([running])
        await until_empty(bench.uploader(), bench)
        assert envelopes_at(hq) == bench.sent


async def test_uploaders_that_run_at_once_deliver_once(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq):
        await bench.add_people()
        await bench.add_intakes(40)
        await asyncio.gather(*(bench.uploader().once() for _ in range(3)))
        assert envelopes_at(hq) == bench.sent
        assert acknowledged(await bench.states())


async def test_uploads_that_are_killed_at_any_moment_deliver_everything_once(tmp_path: Path) -> None:
    chance = random.Random(5)
    async with bench_and_office(tmp_path) as (bench, hq):
        save_settings(bench.settings)
        write_private(
            bench.settings.key_file,
            bench.shop.keys[bench.shop.station].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
        await bench.add_people()
        await bench.add_intakes(220)
        hq.faults.chance = lambda: chance.choice(["", "lost-ack", "slow"])

        async def upload() -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "station.cli", "--data", str(bench.data), "upload",
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip

        for _ in range(3):
            hq.faults.arrived.clear()
            process = await upload()
            async with asyncio.timeout(60):
                await hq.faults.arrived.wait()
            await asyncio.sleep(chance.uniform(0, 0.4))
            if process.returncode is None:
                process.kill()
            await process.wait()
        hq.faults.chance = lambda: ""
        assert await (await upload()).wait() == 0
        assert acknowledged(await bench.states())
        assert envelopes_at(hq) == bench.sent
        assert verify_ledger(bench.settings.database, root=bytes.fromhex(bench.settings.head_office_key)).ok


# --- chaos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
async def test_through_lost_acks_errors_and_restarts_what_is_stored_equals_what_was_sent(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    faults = ["", "", "503", "500", "lost-ack", "cut", "double", "garbage", "429", "413"]
    bench: Bench | None = None
    for life in range(4):  # head office is stopped and started again in between
        async with office(tmp_path) as hq:
            if bench is None:
                bench = await Bench.open(tmp_path / "station", hq.url)
                approve(hq.database, bench.enrolment)
                await bench.add_people()
            hq.faults.chance = lambda: chance.choice(faults)
            settings = bench.settings.model_copy(update={"head_office": hq.url})
            uploader = bench.uploader(settings=settings, pace=QUICK, chance=chance)
            running = asyncio.create_task(uploader.run())
            for _ in range(5):
                await bench.add_intakes(chance.randrange(1, 40))
                uploader.wake()
                await asyncio.sleep(chance.uniform(0, 0.05))
            if life == 3:
                async with asyncio.timeout(60):
                    while not acknowledged(await bench.states()):
                        uploader.flush()
                        await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.wait([running])
    assert bench is not None
    assert envelopes_at(hq) == bench.sent
    assert len(bench.sent) > 200
    assert hq.one("SELECT count(*) FROM quarantine") == 0
    assert verify_ledger(bench.settings.database, root=bytes.fromhex(bench.settings.head_office_key)).ok
    bench.close()


# --- enrolment over the wire -----------------------------------------------------------------------------------------


async def test_a_station_asks_waits_is_approved_and_sends(tmp_path: Path) -> None:
    async with office(tmp_path) as hq:
        bench = await Bench.open(tmp_path / "station", hq.url)
        await bench.add_people()
        assert (await head_office_key(hq.url)).public == bench.settings.head_office_key
        assert (await trouble_of(bench.uploader())).code == "upload.station-unknown"
        assert await request_enrolment(hq.url, bench.enrolment) == "pending"
        assert await request_enrolment(hq.url, bench.enrolment) == "pending"
        waiting = await trouble_of(bench.uploader())
        assert (waiting.code, waiting.side.value) == ("upload.station-pending", "head-office")
        approve(hq.database, bench.enrolment)
        assert await request_enrolment(hq.url, bench.enrolment) == "approved"
        await bench.uploader().once()
        assert acknowledged(await bench.states())
        bench.close()


@pytest.mark.parametrize("simulated", [True, False])
async def test_demo_and_real_never_meet(tmp_path: Path, simulated: bool) -> None:
    async with office(tmp_path, simulated=simulated) as hq:
        with pytest.raises(Trouble) as caught:
            await request_enrolment(hq.url, Shop(simulated=not simulated).events[0])
        assert caught.value.code == "upload.refused"
        assert hq.one("SELECT count(*) FROM station") == 0


async def test_what_is_no_head_office_is_said_so(tmp_path: Path) -> None:
    async with office(tmp_path) as hq:
        hq.faults.coming = ["garbage", "garbage"]
        with pytest.raises(Trouble) as caught:
            await head_office_key(hq.url)
        assert caught.value.code == "upload.no-head-office"
        with pytest.raises(Trouble):
            await request_enrolment(hq.url, Shop().events[0])


async def test_a_client_of_ones_own_is_used(tmp_path: Path) -> None:
    async with bench_and_office(tmp_path) as (bench, hq), httpx.AsyncClient() as http:
        await bench.add_people()
        await bench.uploader(http=http).once()
        assert len(hq.rows()) == 5
        assert not http.is_closed
