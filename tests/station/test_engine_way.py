"""The whole way over the engine's socket: plug-in, intake, runs, sign-offs, release."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from reports.attest import open_record
from reports.ledger import envelope_of, envelopes_of, roster_of
from reports.record import commit
from reports.release import verify_release
from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.vault import open_scope
from tests.station.station_bench import (
    IMEI,
    PEOPLE,
    Cabinet,
    Phone,
    Station,
    enrol,
    running,
    send,
    signed,
    until,
    until_session,
    write_checklist,
)


async def run_to_the_end(client: Client, checklist: Path, ticket: str, stage: str, person: str) -> dict[str, Any]:
    await send(client, m.Watch(slot=1))
    run = (await send(client, m.StartRun(slot=1, ticket=ticket, checklist=str(checklist), stage=stage, person=person)))[
        "run"
    ]
    view = await until_session(client, lambda v: v.run and v.run.run == run and (v.prompt or v.run.state == "finished"))
    if view.prompt:
        await send(
            client,
            m.AnswerPrompt(slot=1, attempt=view.prompt.attempt, prompt=view.prompt.id, value="good", person=person),
        )
        await until_session(client, lambda v: v.run and v.run.run == run and v.run.state == "finished")
    return (await send(client, m.RunQuery(run=run)))["document"]


async def seal_and_sign(station: Station, client: Client, run: str, person: str, role: str, meaning: str) -> str:
    record = (await send(client, m.CloseRun(run=run, person=person)))["record"]
    await signed(station, client, person, m.PrepareSignoff(target=record, person=person, role=role, meaning=meaning))
    return record


async def test_a_phone_goes_from_plug_in_to_release_with_every_record_signed(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    checklist = write_checklist(tmp_path)
    phone = Phone(answers={"cat level": "80\n"})
    async with running(station, Cabinet(phone)) as (engine, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        opened = await send(client, m.Intake(slot=1, complaint="slow", person="tech"))
        ticket = opened["ticket"]
        await signed(
            station,
            client,
            "tech",
            m.PrepareSignoff(target=opened["record"], person="tech", role="technician", meaning="performed"),
        )
        own = await run_to_the_end(client, checklist, ticket, "self-check", "tech")
        assert own["summary"] == {"pass": 3, "warn": 0, "fail": 0, "info": 0, "not_run": 0}
        await seal_and_sign(station, client, own["run"], "tech", "technician", "performed")
        cross = await run_to_the_end(client, checklist, ticket, "cross-check", "inspector")
        await seal_and_sign(station, client, cross["run"], "inspector", "inspector", "verified")
        prepared = await send(client, m.PrepareRelease(ticket=ticket, person="inspector"))
        assert prepared["reasons"] == []
        await signed(station, client, "inspector", m.PrepareRelease(ticket=ticket, person="inspector"))
        view = await send(client, m.TicketQuery(ticket=ticket))
        assert view["state"] == "ready"
        assert view["release"] == "released"
        decision = await engine.store.read(lambda db: verify_release(envelopes_of(db, ticket), roster_of(db)))
        assert decision.decision == "released"


async def test_a_record_commits_to_its_evidence_and_holds_no_digest_to_guess_an_imei_from(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    checklist = write_checklist(tmp_path)
    phone = Phone(answers={"cat level": "80\n"})
    async with running(station, Cabinet(phone)) as (engine, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        ticket = (await send(client, m.Intake(slot=1, complaint="slow", person="tech")))["ticket"]
        run = (await run_to_the_end(client, checklist, ticket, "self-check", "tech"))["run"]
        digest = (await send(client, m.CloseRun(run=run, person="tech")))["record"]
        envelope = await engine.store.read(lambda db: envelope_of(db, digest))
        evidence = open_record(envelope).statement.predicate.attempts[0].evidence
        assert [(one.name, one.bytes) for one in evidence] == [("level", 3)]
        raw = hashlib.sha256(b"80\n").hexdigest()
        assert raw.encode() not in open_record(envelope).envelope.payload
        scope = await engine.store.read(lambda db: open_scope(db, ticket))
        assert evidence[0].content == commit(scope.salt, "evidence", raw)


async def test_what_a_person_writes_at_intake_reaches_no_record_with_the_phones_identity_in_it(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    async with running(station) as (engine, client):
        told = {"imei": IMEI, "serial": "SER0001", "customer_phone": "13800138000"}
        said = f"{IMEI} will not charge, call 13800138000"
        digest = (await send(client, m.Intake(**told, complaint=said, appearance="SER0001 worn", person="tech")))[
            "record"
        ]
        record = open_record(await engine.store.read(lambda db: envelope_of(db, digest)))
        assert record.statement.predicate.complaint == f"…{IMEI[-4:]} will not charge, call …8000"
        assert record.statement.predicate.appearance == "…0001 worn"
        assert not [one for one in told.values() if one.encode() in record.envelope.payload]


async def test_a_customers_name_and_number_stay_out_of_complaint_and_sign_off_note(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    async with running(station) as (engine, client):
        told = {"imei": IMEI, "customer_name": "张华", "customer_phone": "13800138000"}
        intake = await send(client, m.Intake(**told, complaint="张华的手机充不进电", person="tech"))
        note = f"张华 (13800138000) was told; {IMEI}"
        prepare = m.PrepareSignoff(
            target=intake["record"], person="tech", role="technician", meaning="performed", note=note
        )
        await signed(station, client, "tech", prepare)
        envelopes = await engine.store.read(lambda db: envelopes_of(db, intake["ticket"]))
    payloads = b"".join(open_record(one).envelope.payload for one in envelopes)
    assert b"was told" in payloads
    assert not [one for one in told.values() if one.encode() in payloads]


async def test_an_auditor_reads_everything_and_makes_no_run_of_a_ticket(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data", people=PEOPLE | {"auditor": ("auditor",)})
    checklist = write_checklist(tmp_path)
    async with running(station, Cabinet(Phone(answers={"cat level": "80\n"}))) as (_engine, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        ticket = (await send(client, m.Intake(slot=1, complaint="slow", person="tech")))["ticket"]
        run = m.StartRun(slot=1, ticket=ticket, checklist=str(checklist), stage="self-check", person="auditor")
        with pytest.raises(Trouble, match="An auditor reads everything"):
            await client.send(run)
        assert (await send(client, m.TicketQuery(ticket=ticket)))["runs"] == []
        await run_to_the_end(client, checklist, "", "self-check", "auditor")
