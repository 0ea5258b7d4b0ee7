"""Notices go out once and name nobody in the record; erasing leaves nothing readable, and the chain as it was."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from reports.verify import verify_ledger
from station import messages as m
from station import sending, vault
from station.errors import Trouble
from station.steps.api import Outgoing
from tests.station.delivery_bench import OWNER, TELEPHONE, USUAL, Counter, counter
from tests.station.station_bench import IMEI, running, send

MESSAGE = Outgoing("a" * 64, "T1", "ready", "zh", TELEPHONE, f"{OWNER}您好")
PHONE_ERASED = {
    "media": "internal-storage",
    "method": "clear",
    "how": "factory-reset",
    "tool": "settings",
    "tool_version": "Android 14",
    "verifier": "inspector",
    "verification": "setup-screen",
    "result": "erased",
    "before": "personal",
    "after": "none",
    "backup": "declined",
    "destination": "customer",
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter(tmp_path) as found:
        yield found


def notices(shop: Counter) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((shop.station.data / "notices").rglob("*.txt"))]


# --- notices ---------------------------------------------------------------------------------------------------------


async def test_a_notice_is_shown_first_sent_once_and_names_nobody_in_its_record(shop: Counter) -> None:
    ticket = await shop.taken_in()
    about = {"step": "notify", "ticket": ticket, "person": "tech"}
    shown = (await send(shop.client, m.PreviewStep(**about)))["says"]
    assert shown[0] == [f"to: {TELEPHONE}", f"发送至：{TELEPHONE}"]
    assert shown[1][1].startswith(f"{OWNER}您好，")
    assert notices(shop) == []
    await shop.act("notify", ticket, "tech")
    assert notices(shop) == [f"{TELEPHONE}\n{shown[1][1]}\n"]
    said = await shop.newest(ticket, "notice/v1")
    assert (said.topic, said.round, said.adapter, said.language) == ("received", 1, "folder", "zh")
    payloads = b"".join(one.envelope.payload for one in await shop.records(ticket))
    assert not [one for one in (OWNER, TELEPHONE) if one.encode() in payloads]


async def test_the_same_stage_is_not_told_twice_except_on_purpose(shop: Counter) -> None:
    ticket = await shop.taken_in()
    await shop.act("notify", ticket, "tech", stage="received")
    with pytest.raises(Trouble, match="was sent on") as twice:
        await shop.act("notify", ticket, "tech", stage="received")
    assert twice.value.code == "notice.twice"
    with pytest.raises(Trouble, match="Every notice of this stage"):
        await shop.act("notify", ticket, "tech")
    assert len(notices(shop)) == 1
    await shop.act("notify", ticket, "tech", stage="received", language="en", again="yes")
    assert len(notices(shop)) == 2
    assert (await shop.newest(ticket, "notice/v1")).round == 2


async def test_a_notice_that_is_not_true_is_not_sent(shop: Counter) -> None:
    ticket = await shop.taken_in()
    with pytest.raises(Trouble, match="The notice ready would not be true: the ticket is received"):
        await shop.act("notify", ticket, "tech", stage="ready")
    assert notices(shop) == []


async def test_what_the_shop_wrote_itself_is_sent_and_a_place_that_nobody_knows_is_refused(shop: Counter) -> None:
    ticket = await shop.taken_in()
    policy = shop.station.data / "policy" / "notices.toml"
    policy.write_text('[templates.received]\nzh = "{ticket} {secret}"\n', encoding="utf-8")
    with pytest.raises(Trouble, match="names what notices don't know: secret"):
        await shop.act("notify", ticket, "tech")
    policy.write_text('shop = "小店"\n[templates.received]\nzh = "{shop} {ticket} {price}"\n', encoding="utf-8")
    await shop.act("notify", ticket, "tech")
    assert notices(shop) == [f"{TELEPHONE}\n小店 {ticket} -\n"]


async def test_a_notice_that_was_not_taken_leaves_no_record_and_can_be_tried_again(shop: Counter) -> None:
    ticket = await shop.taken_in()
    policy = shop.station.data / "policy" / "notices.toml"
    with receiver(503) as (url, _):
        policy.write_text(f'adapter = "webhook"\nurl = "{url}"\n', encoding="utf-8")
        with pytest.raises(Trouble, match="HTTP 503"):
            await shop.act("notify", ticket, "tech")
    assert not [one for one in await shop.records(ticket) if one.kind == "notice/v1"]
    with receiver(200) as (url, heard):
        policy.write_text(f'adapter = "webhook"\nurl = "{url}"\n', encoding="utf-8")
        await shop.act("notify", ticket, "tech")
    said = await shop.newest(ticket, "notice/v1")
    assert [(one["key"], one["to"], one["header"]) for one in heard] == [(said.key, TELEPHONE, said.key)]
    assert said.adapter == "webhook"


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook of the shop that answers with a status, and what it heard."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append(body | {"header": self.headers["Idempotency-Key"]})
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_same_message_is_the_same_file_however_often_it_is_tried(tmp_path: Path) -> None:
    folder = sending.adapter(tmp_path, {})
    await folder.send(MESSAGE)
    await folder.send(MESSAGE)
    (path,) = (tmp_path / "notices").rglob("*.*")
    assert path.read_text(encoding="utf-8") == f"{TELEPHONE}\n{OWNER}您好\n"
    assert path.stat().st_mode & 0o077 == 0
    sending.forget(tmp_path, "T1")
    assert not list((tmp_path / "notices").iterdir())


@pytest.mark.parametrize("url", ["", "http://example.org/", "ftp://example.org/", "https:///x"])
def test_an_address_that_would_show_the_customer_to_others_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Trouble, match="names the adapter webhook"):
        sending.adapter(tmp_path, {"adapter": "webhook", "url": url})


async def test_a_folder_that_can_not_be_written_is_the_benchs_trouble(tmp_path: Path) -> None:
    (tmp_path / "notices").write_text("a file where a folder belongs", encoding="utf-8")
    with pytest.raises(Trouble):
        await sending.adapter(tmp_path, {}).send(MESSAGE)


# --- erasing ---------------------------------------------------------------------------------------------------------


async def test_an_erased_phone_is_verified_by_another_person_before_it_goes(shop: Counter) -> None:
    ticket = await shop.released()
    for fields, words in (
        ({"verifier": "tech"}, "can't be who verifies"),
        ({"verifier": "ghost"}, "not enrolled"),
        ({"method": "purge"}, "factory reset is not: purge"),
        ({"after": "unknown"}, "can't be called erased"),
        ({"result": "failed", "after": "unknown"}, "Why it failed"),
    ):
        with pytest.raises(Trouble, match=words):
            await shop.act("erase", ticket, "tech", **{**PHONE_ERASED, **fields})
    done = await shop.act("erase", ticket, "tech", **PHONE_ERASED)
    said = await shop.newest(ticket, "erasure/v1")
    assert (said.decision, said.phone.method, said.phone.verified_by) == ("phone-erased", "clear", "inspector")
    with pytest.raises(Trouble, match="not verified by Inspector"):
        await shop.act("deliver", ticket, "tech", **USUAL)
    await shop.sign(done["record"], "inspector", "inspector", "verified")
    await shop.act("deliver", ticket, "tech", **USUAL)


async def test_after_forgetting_no_byte_names_the_customer_and_every_link_holds(shop: Counter) -> None:
    ticket = await shop.delivered()
    await shop.act("notify", ticket, "tech")
    assert notices(shop)
    done = await shop.act("forget", ticket, "lead", request="customer", sure="yes")
    assert any("can't be undone" in line[0] for line in done["says"])
    assert await shop.state(ticket) == "closed"
    data = shop.station.settings.database
    left = every_byte(data.parent)
    assert not [one for one in (OWNER, TELEPHONE, IMEI) if one.encode() in left]
    assert not written(data.parent / f"{data.name}-wal")
    view = await send(shop.client, m.TicketQuery(ticket=ticket))
    assert (view["imei_tail"], view["complaint"]) == ("", "")
    assert verify_ledger(data).ok
    said = await shop.newest(ticket, "erasure/v1")
    assert (said.decision, said.records.kinds) == ("records-erased", ("name", "phone"))
    with pytest.raises(Trouble, match="was erased"):
        await shop.act("follow-up", ticket, "tech", channel="phone")


async def test_what_a_killed_engine_left_of_an_erased_ticket_is_cleared_by_the_next(tmp_path: Path) -> None:
    async with counter(tmp_path) as shop:
        ticket = await shop.delivered()
        await shop.act("notify", ticket, "tech")
        await shop.act("forget", ticket, "lead", request="customer", sure="yes")
        station = shop.station
        await sending.adapter(station.data, {}).send(replace(MESSAGE, ticket=ticket))  # as if it had not been cleared
        await sending.adapter(station.data, {}).send(replace(MESSAGE, ticket="T-OTHER"))
    async with running(station):
        left = every_byte(station.data / "notices" / ticket)
        others = every_byte(station.data / "notices" / "T-OTHER")
    assert (left, TELEPHONE.encode() in others) == (b"", True)


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def written(path: Path) -> bytes:
    return path.read_bytes()


async def test_nothing_is_forgotten_while_the_phone_is_here(shop: Counter) -> None:
    ticket = await shop.taken_in()
    assert "still here" in await shop.why_not(ticket, "forget")


async def test_a_grievance_holds_the_evidence_also_when_it_comes_before_the_signature(shop: Counter) -> None:
    ticket = await shop.delivered()
    about = {"act": "open", "channel": "phone", "words": "rude"}
    step = m.DoStep(step="forget", ticket=ticket, person="lead", fields={"request": "customer", "sure": "yes"})
    prepared = await send(shop.client, step)
    await shop.act("grievance", ticket, "tech", **about)
    assert "grievance is open" in await shop.why_not(ticket, "forget")
    before = len(await shop.records(ticket))
    with pytest.raises(Trouble) as held:
        await shop.commit(prepared, "lead")
    assert held.value.code == "erase.held"
    assert len(await shop.records(ticket)) == before
    assert await shop.engine.store.read(lambda db: vault.personal(db, ticket))


async def test_a_ticket_whose_phone_never_came_can_be_forgotten(shop: Counter) -> None:
    told = m.NewTicket(person="tech", complaint="slow", customer_name=OWNER, customer_phone=TELEPHONE)
    ticket = (await send(shop.client, told))["ticket"]
    await shop.act("forget", ticket, "lead", request="retention", sure="yes")
    assert await shop.state(ticket) == "closed"
    assert not await shop.engine.store.read(lambda db: vault.personal(db, ticket))
