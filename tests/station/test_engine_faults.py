"""The engine under faults: cables, clients, locks, disks, wrong people and changed files."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from checklists.verdict import Verdict
from station import local_socket
from station import messages as m
from station.client import Client, attach_or_host
from station.engine import Engine
from station.errors import EXIT_NO, Trouble
from station.events import DeviceLost, Event
from station.journal import event, load
from station.session import fold
from tests.station.station_bench import (
    GONE,
    IMEI,
    LEVEL_LIMIT,
    Cabinet,
    Phone,
    Station,
    check,
    enrol,
    holds,
    probes,
    running,
    send,
    signed,
    until,
    until_session,
    write_checklist,
)
from tests.station.test_engine_way import run_to_the_end, seal_and_sign


@pytest.fixture
async def station(tmp_path: Path) -> Station:
    return await enrol(tmp_path / "data")


def ready(slot: int = 1) -> Any:
    return lambda bench: any(card.slot == slot and card.status == "ready" for card in bench.cards)


async def take_in(station: Station, client: Client, slot: int = 1) -> str:
    opened = await send(client, m.Intake(slot=slot, person="tech"))
    about = {"target": opened["record"], "person": "tech", "role": "technician", "meaning": "performed"}
    await signed(station, client, "tech", m.PrepareSignoff(**about))
    return str(opened["ticket"])


def start(checklist: Path, ticket: str = "", stage: str = "self-check", person: str = "tech", slot: int = 1) -> Any:
    return m.StartRun(slot=slot, ticket=ticket, checklist=str(checklist), stage=stage, person=person)


async def asked(client: Client) -> Any:
    return (await until_session(client, lambda view: view.prompt is not None)).prompt


# --- phones ----------------------------------------------------------------------------------------------------------


async def test_a_phone_that_does_not_tell_who_it_is_is_blocked_and_its_connection_closed(station: Station) -> None:
    phone = Phone(mute=True)
    async with running(station, Cabinet(phone)) as (_, client):
        await until(client, lambda bench: bench.cards and bench.cards[0].status == "blocked")
        assert phone.closed == 1


async def test_a_cable_pulled_while_a_person_is_asked_ends_that_run_alone_and_it_can_be_resumed(
    station: Station, tmp_path: Path
) -> None:
    checklist = write_checklist(tmp_path)
    one = Phone(answers={"cat level": "80"})
    two = Phone(serial="SER0002", imeis=(), port="usb:1-2", answers={"cat level": "80"})
    cabinet = Cabinet(one, two)
    async with running(station, cabinet) as (_, client):
        await until(client, lambda bench: sum(card.status == "ready" for card in bench.cards) == 2)
        found = await until(client, lambda bench: len(bench.cards) == 2)
        slot = {card.serial_tail: card.slot for card in found.cards}
        await send(client, m.Watch(slot=slot["0001"]))
        run = (await send(client, start(checklist, slot=slot["0001"])))["run"]
        other = (await send(client, start(checklist, slot=slot["0002"])))["run"]
        await asked(client)
        cabinet.pull(one)
        ended = await until_session(client, lambda view: view.run and view.run.state == "finished", 15)
        row = ended.run.checks[-1]
        assert (row.ending, row.side, row.verdict) == ("errored", "cable", "none")
        assert [row.verdict for row in ended.run.checks[:2]] == ["pass", "pass"]
        assert (await send(client, m.RunQuery(run=other)))["view"]["state"] == "running"
        assert (await until(client, lambda bench: bench.cards[slot["0001"] - 1].status == "lost")) is not None
        cabinet.put(one)
        await until(client, lambda bench: bench.cards[slot["0001"] - 1].device != "")
        await holds_ready(client, run)
        assert await send(client, m.ResumeRun(run=run, person="tech")) == {"checks": ["look"]}
        prompt = await asked(client)
        await send(
            client,
            m.AnswerPrompt(slot=prompt.slot, attempt=prompt.attempt, prompt=prompt.id, value="good", person="tech"),
        )
        done = await until_session(client, lambda view: view.run and view.run.state == "finished")
        assert [(row.verdict, row.attempts) for row in done.run.checks] == [("pass", 1), ("pass", 1), ("pass", 2)]


async def holds_ready(client: Client, run: str) -> None:
    """Wait until the run's phone is identified again."""
    async with asyncio.timeout(10):
        while True:
            try:
                await send(client, m.FindDevice(device="SER0001", wait_s=5))
            except Trouble:
                continue
            return


async def test_a_phone_that_hangs_keeps_no_other_phone_waiting(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path, (check("battery", "test.battery", "deadline_s = 5\n" + LEVEL_LIMIT),))
    hung = Phone(faults={"cat level": 60.0})
    well = Phone(serial="SER0002", imeis=(), port="usb:1-2", answers={"cat level": "80"})
    async with running(station, Cabinet(hung, well)) as (_, client):
        bench = await until(client, lambda bench: sum(card.status == "ready" for card in bench.cards) == 2)
        slot = {card.serial_tail: card.slot for card in bench.cards}
        slow = (await send(client, start(checklist, slot=slot["0001"])))["run"]
        quick = (await send(client, start(checklist, slot=slot["0002"])))["run"]
        await until(client, lambda bench: bench.cards[slot["0002"] - 1].status == "pass", 3)
        assert (await send(client, m.RunQuery(run=slow)))["view"]["state"] == "running"
        await send(client, m.AbortRun(run=slow, person="tech", reason="hangs"))
        rows = (await send(client, m.RunQuery(run=slow)))["view"]["checks"]
        assert [row["ending"] for row in rows] == ["aborted"]
        assert (await send(client, m.RunQuery(run=quick)))["view"]["state"] == "finished"


async def test_a_phone_that_flaps_costs_one_attempt_and_the_run_goes_on(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    phone = Phone(faults={"cat level": GONE})
    cabinet = Cabinet(phone)
    async with running(station, cabinet) as (_, client):
        await until(client, ready())
        await send(client, m.Watch(slot=1))
        await send(client, start(checklist))
        await until_session(client, lambda view: view.run and view.run.checks[0].state == "ended")
        cabinet.pull(phone)
        await asyncio.sleep(0.2)
        cabinet.put(phone)
        prompt = await asked(client)
        await send(
            client, m.AnswerPrompt(slot=1, attempt=prompt.attempt, prompt=prompt.id, value="good", person="tech")
        )
        done = await until_session(client, lambda view: view.run.state == "finished")
        assert [(row.ending, row.side) for row in done.run.checks] == [
            ("errored", "cable"),
            ("errored", "cable"),
            ("completed", None),
        ]


async def test_a_slot_keeps_its_number_over_restarts(station: Station) -> None:
    one, two = Phone(), Phone(serial="SER0002", imeis=(), port="usb:1-2")
    async with running(station, Cabinet(one, two)) as (_, client):
        first = await until(client, lambda bench: sum(card.status == "ready" for card in bench.cards) == 2)
    async with running(station, Cabinet(two, one)) as (_, client):
        second = await until(client, lambda bench: sum(card.status == "ready" for card in bench.cards) == 2)
    assert {c.serial_tail: c.slot for c in first.cards} == {c.serial_tail: c.slot for c in second.cards}


# --- clients ---------------------------------------------------------------------------------------------------------


async def test_two_clients_see_the_same_and_either_may_answer(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (_, one):
        two = await Client.connect(station.data)
        await until(one, ready())
        for client in (one, two):
            await send(client, m.Watch(slot=1))
        await send(one, start(checklist))
        first, second = await asked(one), await asked(two)
        assert first == second
        answer = m.AnswerPrompt(slot=1, attempt=first.attempt, prompt=first.id, value="good", person="tech")
        await send(two, answer)
        with pytest.raises(Trouble, match=r"prompt\.gone"):
            await send(one, answer)
        for client in (one, two):
            await until_session(client, lambda view: view.run and view.run.summary["pass"] == 3)
        await two.close()


async def test_a_client_that_reads_nothing_delays_nobody(station: Station, tmp_path: Path) -> None:
    async with running(station, Cabinet(Phone())) as (engine, client):
        await until(client, ready())
        _, writer = await local_socket.dial(station.data)
        for n in range(200):  # commands whose replies are never read
            writer.write(m.Call(id=n, command=m.TicketsQuery()).model_dump_json().encode() + b"\n")
        for _ in range(50):
            engine.touch(1)
            await asyncio.wait_for(send(client, m.StatusQuery()), 2)
        writer.close()


@pytest.mark.parametrize(
    "line",
    [b"garbage\n", b"{}\n", b'{"id": 1, "command": {"command": "no-such"}}\n', b"[" * 5000 + b"\n", b"\xff\xfe\n"],
)
async def test_a_line_that_is_no_command_is_refused_and_the_engine_goes_on(station: Station, line: bytes) -> None:
    async with running(station) as (_, client):
        reader, writer = await local_socket.dial(station.data)
        writer.write(line)
        replies = [json.loads(await asyncio.wait_for(reader.readline(), 5)) for _ in range(3)]
        refusal = next(one for one in replies if one["type"] == "refusal")
        assert (refusal["code"], refusal["side"]) == ("call.form", "bench")
        writer.close()
        assert (await send(client, m.StatusQuery()))["pid"] == os.getpid()


async def test_an_endless_line_ends_that_client_alone(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_socket, "LONGEST", 64 * 1024)
    async with running(station) as (_, client):
        reader, writer = await local_socket.dial(station.data)
        writer.write(b"x" * 1_000_000)
        await asyncio.wait_for(_to_the_end(reader), 5)
        writer.close()
        await send(client, m.StatusQuery())


async def _to_the_end(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass


STARTS_AND_WAITS = """
import asyncio, sys
from pathlib import Path
from station import messages as m
from station.client import Client

async def main():
    client = await Client.connect(Path(sys.argv[1]))
    await client.send(m.Watch(slot=1))
    await client.send(m.StartRun(slot=1, ticket="", checklist=sys.argv[2], stage="self-check", person="tech"))
    async for view in client.session():
        if view.prompt:
            print("asked", flush=True)
            await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_screen_that_is_killed_changes_nothing(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (_, client):
        await until(client, ready())
        screen = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            STARTS_AND_WAITS,
            str(station.data),
            str(checklist),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert await asyncio.wait_for(screen.stdout.readline(), 20) == b"asked\n"
        screen.kill()
        await screen.wait()
        await send(client, m.Watch(slot=1))
        prompt = await asked(client)
        await send(
            client, m.AnswerPrompt(slot=1, attempt=prompt.attempt, prompt=prompt.id, value="good", person="tech")
        )
        done = await until_session(client, lambda view: view.run and view.run.state == "finished")
        assert done.run.summary["pass"] == 3


async def test_a_client_of_an_engine_that_ends_is_told_so(station: Station) -> None:
    engine = Engine(station.settings, loaded=probes(), uploads=False)
    await engine.start()
    client = await Client.connect(station.data)
    await engine.close()
    with pytest.raises(Trouble, match=r"engine\.gone"):
        await asyncio.wait_for(send(client, m.StatusQuery()), 5)
    with pytest.raises(Trouble, match=r"engine\.gone"):
        await until(client, lambda bench: False, 5)
    await client.close()


# --- locks and sockets -----------------------------------------------------------------------------------------------


async def test_a_second_engine_is_refused_and_a_command_attaches_to_the_first(station: Station) -> None:
    async with running(station, Cabinet()):
        with pytest.raises(Trouble, match=r"engine\.running"):
            await Engine(station.settings, loaded=probes()).start()
        command = await attach_or_host(station.data)
        assert (await send(command, m.StatusQuery()))["pid"] == os.getpid()
        await command.close()
        assert (await send(await Client.connect(station.data), m.StatusQuery()))["clients"] == 2


async def test_a_socket_and_a_lock_file_that_a_killed_engine_left_are_taken_over(station: Station) -> None:
    import socket

    left = socket.socket(socket.AF_UNIX)
    left.bind(str(station.data / "engine.sock"))
    left.close()
    (station.data / "engine.lock").touch()
    with pytest.raises(Trouble, match=r"engine\.not-running"):
        await Client.connect(station.data)
    async with running(station) as (_, client):
        await send(client, m.StatusQuery())


async def test_the_socket_is_its_owners_alone_and_works_in_a_deep_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60) / "data"
    station = await enrol(deep)
    async with running(station) as (_, client):
        assert (deep / "engine.sock").stat().st_mode & 0o077 == 0
        await send(client, m.StatusQuery())
    assert not (deep / "engine.sock").exists()


async def test_an_engine_with_nothing_to_do_ends_by_itself_and_one_with_a_client_does_not(station: Station) -> None:
    engine = Engine(station.settings, loaded=probes(), uploads=False, linger_s=0.2)
    await engine.start()
    client = await Client.connect(station.data)
    serving = asyncio.create_task(engine.serve())
    await asyncio.sleep(0.8)
    assert not serving.done()
    await client.close()
    await asyncio.wait_for(serving, 10)
    await engine.close()


async def test_who_needs_phones_waits_for_an_engine_that_has_none_to_end(station: Station) -> None:
    signing = await attach_or_host(station.data, transports=())
    also_signing = await attach_or_host(station.data, transports=())
    await also_signing.close()
    needs_phones = asyncio.create_task(attach_or_host(station.data, transports=[Cabinet(Phone())]))
    await asyncio.sleep(0.3)
    assert not needs_phones.done()
    await signing.close()
    client = await asyncio.wait_for(needs_phones, 20)
    assert (await send(client, m.FindDevice(device="SER0001", wait_s=10)))["slot"] == 1
    await client.close()


async def test_only_one_engine_of_a_computer_has_its_phones(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    other = await enrol(tmp_path / "other")
    real, also_real = (s.settings.model_copy(update={"simulated": False}) for s in (station, other))
    first = Engine(real, [Cabinet()], loaded=probes(), uploads=False)
    await first.start()
    with pytest.raises(Trouble, match=r"engine\.hardware-taken"):
        await Engine(also_real, [Cabinet()], loaded=probes(), uploads=False).start()
    async with running(other, Cabinet()):  # a simulated station takes nothing from anybody
        pass
    await first.close()
    second = Engine(also_real, [Cabinet()], loaded=probes(), uploads=False)
    await second.start()
    await second.close()


# --- what must be refused --------------------------------------------------------------------------------------------


async def test_an_unfinished_run_is_interrupted_at_the_next_start_and_resumes_what_is_left(
    station: Station, tmp_path: Path
) -> None:
    checklist = write_checklist(tmp_path)
    phone = Phone(answers={"cat level": "80"})
    async with running(station, Cabinet(phone)) as (_, client):
        await until(client, ready())
        ticket = await take_in(station, client)
        await send(client, m.Watch(slot=1))
        run = (await send(client, start(checklist, ticket)))["run"]
        await asked(client)
    async with running(station, Cabinet(phone)) as (_, client):
        await holds_ready(client, run)
        view = (await send(client, m.RunQuery(run=run)))["view"]
        assert [(row["ending"], row["verdict"]) for row in view["checks"]] == [
            ("completed", "pass"),
            ("completed", "pass"),
            ("interrupted", "none"),
        ]
        assert view["resumable"] == ["look"]
        await send(client, m.ResumeRun(run=run, person="tech"))
        await send(client, m.AbortRun(run=run, person="tech", reason="enough"))
        write_checklist(tmp_path, (check("battery", "test.battery", LEVEL_LIMIT.replace("50", "40")),))
        with pytest.raises(Trouble, match=r"run\.checklist-changed"):
            await send(client, m.ResumeRun(run=run, person="tech"))


async def test_a_retest_adds_an_attempt_and_asks_beyond_the_checks_own_number(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path, (check("battery", "test.battery", "attempts = 2\n" + LEVEL_LIMIT),))
    phone = Phone(answers={"cat level": "10"})
    async with running(station, Cabinet(phone)) as (_, client):
        await until(client, ready())
        await send(client, m.Watch(slot=1))
        run = (await send(client, start(checklist)))["run"]
        await until_session(client, lambda view: view.run and view.run.summary["fail"] == 1)
        await until_session(client, lambda view: view.run.state == "finished")
        phone.answers["cat level"] = "90"
        await send(client, m.Retest(run=run, check="battery", person="tech"))
        done = await until_session(client, lambda view: view.run.summary["pass"] == 1 and view.run.state == "finished")
        assert (done.run.checks[0].attempts, done.run.checks[0].failed_before) == (2, True)
        with pytest.raises(Trouble, match=r"run\.confirm"):
            await send(client, m.Retest(run=run, check="battery", person="tech"))
        await send(client, m.Retest(run=run, check="battery", person="tech", confirmed=True))
        await until_session(client, lambda view: view.run.checks[0].attempts == 3)


async def test_nobody_checks_their_own_work_and_no_other_phone_passes_for_the_tickets(
    station: Station, tmp_path: Path
) -> None:
    checklist = write_checklist(tmp_path)
    mine = Phone(answers={"cat level": "80"})
    stranger = Phone(serial="SER0002", imeis=("490154203237518",), port="usb:1-2")
    async with running(station, Cabinet(mine, stranger)) as (_, client):
        bench = await until(client, lambda bench: sum(card.status == "ready" for card in bench.cards) == 2)
        slot = {card.serial_tail: card.slot for card in bench.cards}
        ticket = await take_in(station, client, slot["0001"])
        with pytest.raises(Trouble, match=r"ticket\.other-phone") as refused:
            await send(client, start(checklist, ticket, slot=slot["0002"]))
        assert refused.value.exit_code == EXIT_NO
        with pytest.raises(Trouble, match=r"run\.no-self-check"):
            await send(client, start(checklist, ticket, "cross-check", "inspector", slot["0001"]))
        with pytest.raises(Trouble, match=r"ticket\.twice"):
            await send(client, m.Intake(imei=IMEI, person="tech"))
        with pytest.raises(Trouble, match=r"person\.unknown"):
            await send(client, start(checklist, ticket, person="stranger", slot=slot["0001"]))
        with pytest.raises(Trouble, match=r"run\.stage"):
            await send(client, start(checklist, ticket, "delivery", slot=slot["0001"]))


async def test_the_same_person_is_refused_at_the_cross_check_and_the_release_says_every_reason(
    station: Station, tmp_path: Path
) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (_, client):
        await until(client, ready())
        ticket = await take_in(station, client)
        own = await run_to_the_end(client, checklist, ticket, "self-check", "inspector")
        await seal_and_sign(station, client, own["run"], "inspector", "technician", "performed")
        with pytest.raises(Trouble, match=r"run\.same-person"):
            await send(client, start(checklist, ticket, "cross-check", "inspector"))
        refused = await send(client, m.PrepareRelease(ticket=ticket, person="inspector"))
        assert refused["decision"] == "refused"
        assert {"no-cross-check", "four-eyes"} <= set(refused["codes"])
        assert "payload" not in refused
        view = await send(client, m.TicketQuery(ticket=ticket))
        assert [tuple(reason) for reason in view["release_reasons"]] == [tuple(r) for r in refused["reasons"]]


async def test_a_checklist_of_ones_own_making_opens_no_release_until_the_shop_takes_it_up(
    station: Station, tmp_path: Path
) -> None:
    own_making = (check("battery", "test.battery", "required = false\n" + LEVEL_LIMIT),)
    checklist = write_checklist(tmp_path, own_making)
    phone = Phone(answers={"cat level": "80"})
    async with running(station, Cabinet(phone), policy=None) as (_, client):
        await until(client, ready())
        ticket = await take_in(station, client)
        own = await run_to_the_end(client, checklist, ticket, "self-check", "tech")
        await seal_and_sign(station, client, own["run"], "tech", "technician", "performed")
        cross = await run_to_the_end(client, checklist, ticket, "cross-check", "inspector")
        await seal_and_sign(station, client, cross["run"], "inspector", "inspector", "verified")
        refused = await send(client, m.PrepareRelease(ticket=ticket, person="inspector"))
        assert set(refused["codes"]) == {"checklist"}
    write_checklist(
        station.data / "checklists", (check("battery", "test.battery", "required = false\n" + LEVEL_LIMIT),)
    )
    async with running(station, policy=None) as (_, client):
        allowed = await send(client, m.PrepareRelease(ticket=ticket, person="inspector"))
        assert allowed["decision"] == "released"
    for path in (station.data / "checklists").rglob("*.toml"):
        path.unlink()  # an update, or the shop, takes another one: what is on the bench is not shut in
    async with running(station, policy=None) as (_, client):
        assert (await send(client, m.PrepareRelease(ticket=ticket, person="inspector")))["decision"] == "released"


async def test_a_signature_counts_only_for_what_was_prepared_and_by_whom_it_was_prepared_for(station: Station) -> None:
    async with running(station, Cabinet(Phone())) as (_, client):
        await until(client, ready())
        opened = await send(client, m.Intake(slot=1, person="tech"))
        prepare = m.PrepareSignoff(target=opened["record"], person="tech", role="technician", meaning="performed")
        with pytest.raises(Trouble, match=r"record\.refused"):
            await signed(station, client, "tech", prepare, by="inspector")
        with pytest.raises(Trouble, match=r"sign\.not-prepared"):
            await signed(station, client, "tech", prepare, change=b'"technician"')
        with pytest.raises(Trouble, match=r"person\.role"):
            await send(client, prepare.model_copy(update={"role": "lead"}))
        records = (await send(client, m.TicketQuery(ticket=opened["ticket"])))["records"]
        assert [record["record"] for record in records] == ["intake/v1"]


async def test_a_sealed_run_takes_nothing_more_and_is_sealed_once(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (_, client):
        await until(client, ready())
        ticket = await take_in(station, client)
        own = await run_to_the_end(client, checklist, ticket, "self-check", "tech")
        close = m.CloseRun(run=own["run"], person="tech")
        first, second = await asyncio.gather(send(client, close), send(client, close))
        assert first == second
        with pytest.raises(Trouble, match=r"run\.sealed"):
            await send(client, m.Retest(run=own["run"], check="battery", person="tech"))
        dry = await run_to_the_end(client, checklist, "", "self-check", "tech")
        with pytest.raises(Trouble, match=r"run\.dry"):
            await send(client, m.CloseRun(run=dry["run"], person="tech"))


async def test_evidence_is_shown_to_a_person_and_the_look_is_written_down(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path, (check("battery", "test.battery", LEVEL_LIMIT),))
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (engine, client):
        await until(client, ready())
        ticket = await take_in(station, client)
        own = await run_to_the_end(client, checklist, ticket, "self-check", "tech")
        sha256 = own["checks"][0]["evidence"][0]["sha256"]
        shown = await send(client, m.EvidenceQuery(sha256=sha256, person="tech"))
        assert (shown["name"], shown["base64"]) == ("level", "ODA=")
        session = fold(await engine.store.read(lambda db: load(db, ticket=ticket)))
        assert [(view.sha256, view.person) for view in session.views] == [(sha256, "tech")]
        with pytest.raises(Trouble, match=r"evidence\.unknown"):
            await send(client, m.EvidenceQuery(sha256="0" * 64, person="tech"))


# --- the disk --------------------------------------------------------------------------------------------------------


async def limit_pages(engine: Engine, pages: int) -> None:
    """Let the data file grow to so many pages, or not beyond what it has."""
    await engine.store.write(lambda db: db.execute(f"PRAGMA max_page_count={pages}").fetchone())


async def test_a_disk_that_fills_in_the_middle_stops_the_run_clearly_and_it_goes_on_when_there_is_space(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.runner.RETRY_S", 0.05)
    checklist = write_checklist(tmp_path)
    phone = Phone(answers={"cat level": "80" + " " * 300_000})
    async with running(station, Cabinet(phone)) as (engine, client):
        await until(client, ready())
        await limit_pages(engine, (await pages(engine)) + 20)
        await send(client, m.Watch(slot=1))
        run = (await send(client, start(checklist)))["run"]
        said = await until(client, lambda bench: "full" in bench.cards[0].headline.en)
        assert said.cards[0].status in ("lost", "not-run")  # its end could not be written down yet, or could
        await limit_pages(engine, 10_000_000)
        done = await until_session(client, lambda view: view.run and view.run.state == "finished")
        assert done.run.stopped is not None
        judged = [row for row in done.run.checks if row.state == "ended"]
        assert {(row.ending, row.verdict) for row in judged} == {("completed", "pass")}
        for row in judged:  # what was measured is not lost: it stands there with what it was judged by
            shown = await send(client, m.EvidenceQuery(sha256=row.evidence[0][1], person="tech"))
            assert base64.b64decode(shown["base64"]).strip() == b"80"
        assert len(judged) < len(done.run.checks)
        await send(client, m.ResumeRun(run=run, person="tech"))
        prompt = await asked(client)
        await send(client, m.AbortRun(run=run, person="tech", reason=prompt.id))


async def pages(engine: Engine) -> int:
    return await engine.store.read(lambda db: int(db.execute("PRAGMA page_count").fetchone()[0]))


async def test_on_a_full_disk_no_run_begins_and_no_ticket_is_opened(station: Station, tmp_path: Path) -> None:
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80"}))) as (engine, client):
        await until(client, ready())
        await limit_pages(engine, 1)
        await fill_up(engine)
        with pytest.raises(Trouble, match=r"store\.full.*\[bench\]"):
            await send(client, start(checklist))
        with pytest.raises(Trouble, match=r"store\.full"):
            await send(client, m.Intake(slot=1, complaint="x" * 2000, person="tech"))
        await limit_pages(engine, 10_000_000)
        assert (await send(client, m.TicketsQuery()))["tickets"] == []
        await take_in(station, client)
        await run_to_the_end(client, checklist, "", "self-check", "tech")


async def fill_up(engine: Engine) -> None:
    with pytest.raises(Trouble, match=r"store\.full"):
        await asyncio.gather(
            *(engine.journal.append([event(DeviceLost(slot=1, port="x" * 4000))]) for _ in range(200)),
        )
    with pytest.raises(Trouble, match=r"store\.full"):
        await asyncio.gather(*(engine.journal.append([event(DeviceLost(slot=1, port=""))]) for _ in range(500)))


async def test_a_thirteen_check_run_needs_few_commits(station: Station, tmp_path: Path) -> None:
    checks = [check(f"auto-{n}", "test.battery", LEVEL_LIMIT) for n in range(10)]
    from tests.station.station_bench import GOOD_LIMIT

    checks += [check(f"ask-{n}", "test.question", "person = true\n" + GOOD_LIMIT, "hard") for n in range(3)]
    checklist = write_checklist(tmp_path, checks)
    cabinet, noted = Cabinet(), asyncio.Event()

    def follow(events: Sequence[Event]) -> None:
        if any(each.body.kind == "device-identified" for each in events):
            noted.set()

    async with running(station, cabinet) as (engine, client):
        engine.journal.follow(follow)
        cabinet.put(Phone(answers={"cat level": "80"}))
        await until(client, ready())
        await send(client, m.Watch(slot=1))
        await asyncio.wait_for(noted.wait(), 10)  # the bench's own event of the phone is no commit of the run
        before = engine.store.commits
        run = (await send(client, start(checklist)))["run"]
        for _ in range(3):
            prompt = await asked(client)
            await send(
                client, m.AnswerPrompt(slot=1, attempt=prompt.attempt, prompt=prompt.id, value="good", person="tech")
            )
            await until_session(client, lambda view, prompt=prompt: view.prompt != prompt)
        await until_session(client, lambda view: view.run.state == "finished")
        # opened; ten attempts begun, read, judged; per question begun, asked, answered, measured, ended; finished
        assert engine.store.commits - before <= 1 + 3 + 3 * 5 + 1
        session, _ = await engine.work.find_run(run)
        assert set(session.runs[run].verdicts.values()) == {Verdict.PASS}


async def test_snapshots_only_grow(station: Station) -> None:
    async with running(station, Cabinet(Phone())) as (engine, client):
        versions = []

        async def follow() -> None:
            async for snapshot in client.bench():
                versions.append(snapshot.version)

        following = asyncio.create_task(follow())
        for _ in range(20):
            engine.touch(None)
            await asyncio.sleep(0.03)
        await holds(lambda: len(versions) > 3)
        following.cancel()
        assert versions == sorted(set(versions))


class Stumbling(Cabinet):
    """A transport with a bug: the first look for phones raises."""

    looks = 0

    async def watch(self) -> AsyncIterator[tuple[Any, ...]]:
        self.looks += 1
        if self.looks == 1:
            raise RuntimeError("a bug in a driver")
        async for links in super().watch():
            yield links


async def test_a_part_of_the_engine_that_breaks_begins_again(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.engine.AGAIN_S", 0.05)
    checklist = write_checklist(tmp_path)
    cabinet = Stumbling(Phone(answers={"cat level": "80\n"}))
    async with running(station, cabinet) as (_engine, client):
        await until(client, ready())
        document = await run_to_the_end(client, checklist, await take_in(station, client), "self-check", "tech")
    assert document["summary"]["pass"] == 3
    assert cabinet.looks > 1
