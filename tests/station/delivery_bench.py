"""A counter behind the real engine that brings a ticket as far as a test wants: taken in, released, handed over."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import ledger
from reports.attest import Record, open_record, sign
from station import messages as m
from station.client import Client
from station.engine import Engine
from tests.station.station_bench import (
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

OWNER, TELEPHONE = "王小芳", "13912345678"

#: A hand-back as it is when nothing is out of the ordinary.
USUAL = {
    "collector": "owner",
    "name": OWNER,
    "way": "paper",
    "reference": "SLIP-7",
    "shown": "yes",
    "accessories": "yes",
    "old_parts": "none",
    "paid": "0",
    "pay_way": "none",
}


@dataclass
class Counter:
    """The station, its engine and a client, with one phone in slot 1."""

    station: Station
    engine: Engine
    client: Client
    cabinet: Cabinet
    phone: Phone
    checklist: Path

    async def act(self, step: str, ticket: str, person: str, *, sign_off: bool = True, **fields: Any) -> dict[str, Any]:
        """Do a step and sign what it made: before it is stored, or after it was sealed."""
        done = await send(self.client, m.DoStep(step=step, ticket=ticket, person=person, fields=fields))
        if "payload" in done:
            return await self.commit(done, person) | {"says": done["says"]}
        if sign_off:
            await self.sign(done["record"], person, done["role"], done["meaning"])
        return done

    async def commit(self, prepared: dict[str, Any], person: str) -> dict[str, Any]:
        """Sign what was prepared, and have it stored."""
        key_id, signature = sign(base64.b64decode(prepared["payload"]), self.station.keys[person])
        encoded = base64.b64encode(signature).decode()
        return await send(self.client, m.CommitRecord(payload=prepared["payload"], key_id=key_id, signature=encoded))

    async def sign(self, record: str, person: str, role: str, meaning: str = "performed") -> None:
        prepare = m.PrepareSignoff(target=record, person=person, role=role, meaning=meaning)
        await signed(self.station, self.client, person, prepare)

    async def taken_in(self, **more: Any) -> str:
        told = {"customer_name": OWNER, "customer_phone": TELEPHONE, "complaint": "slow", "accessories": "charger"}
        slot = (await send(self.client, m.FindDevice(device="mem:SER0001", wait_s=10)))["slot"]
        intake = m.Intake(slot=slot, person="tech", data_notice_confirmed=True, test_consent=True, **{**told, **more})
        done = await send(self.client, intake)
        await self.sign(done["record"], "tech", "technician")
        return str(done["ticket"])

    async def run(self, ticket: str, stage: str, person: str, role: str, meaning: str) -> str:
        await send(self.client, m.Watch(slot=1))
        start = m.StartRun(slot=1, ticket=ticket, checklist=str(self.checklist), stage=stage, person=person)
        run = (await send(self.client, start))["run"]
        view = await until_session(
            self.client, lambda v: v.run and v.run.run == run and (v.prompt or v.run.state == "finished")
        )
        if view.prompt:
            where = {"slot": 1, "attempt": view.prompt.attempt, "prompt": view.prompt.id}
            await send(self.client, m.AnswerPrompt(**where, value="good", person=person))
            await until_session(self.client, lambda v: v.run and v.run.run == run and v.run.state == "finished")
        record = str((await send(self.client, m.CloseRun(run=run, person=person)))["record"])
        await self.sign(record, person, role, meaning)
        return record

    async def checked(self, ticket: str, *, cross: bool = True) -> None:
        await self.run(ticket, "self-check", "tech", "technician", "performed")
        if cross:
            await self.run(ticket, "cross-check", "inspector", "inspector", "verified")

    async def let_go(self, ticket: str, person: str = "inspector") -> None:
        prepare = m.PrepareRelease(ticket=ticket, person=person)
        prepared = await send(self.client, prepare)
        assert prepared["reasons"] == []
        await signed(self.station, self.client, person, prepare)

    async def released(self, **more: Any) -> str:
        ticket = await self.taken_in(**more)
        await self.checked(ticket)
        await self.let_go(ticket)
        return ticket

    async def delivered(self) -> str:
        ticket = await self.released()
        await self.act("deliver", ticket, "tech", **USUAL)
        return ticket

    async def state(self, ticket: str) -> str:
        return str((await send(self.client, m.TicketQuery(ticket=ticket)))["state"])

    async def records(self, ticket: str) -> list[Record]:
        envelopes = await self.engine.store.read(lambda db: ledger.envelopes_of(db, ticket))
        return [open_record(one) for one in envelopes]

    async def newest(self, ticket: str, kind: str) -> Any:
        found = [one for one in await self.records(ticket) if one.kind == kind]
        return found[-1].statement.predicate

    async def why_not(self, ticket: str, step: str, person: str = "lead") -> str:
        told = await send(self.client, m.StepsQuery(ticket=ticket, person=person))
        words = next(one for one in told["steps"] if one["id"] == step)["why_not"]
        return words[0] if words else ""


@contextlib.asynccontextmanager
async def counter(folder: Path) -> AsyncIterator[Counter]:
    """A counter of its own in `folder`, where the shop does not ask for the customer's confirmation before a test."""
    station = await enrol(folder / "data")
    policy = folder / "data" / "policy"
    policy.mkdir()
    (policy / "counter.toml").write_text('confirmation = "off"\n', encoding="utf-8")
    phone = Phone(answers={"cat level": "80\n"})
    cabinet = Cabinet(phone)
    async with running(station, cabinet) as (engine, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        yield Counter(station, engine, client, cabinet, phone, write_checklist(folder))
