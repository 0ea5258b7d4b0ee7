"""Plays every scenario to its end: a scripted technician, inspector and customer at the real engine.

Each phone has a client of its own, as a screen would. The people type their PINs once; their keys then stay with the
script as a person's attention would. Nothing is judged here: what a ticket came to is read from the engine.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from drivers.sim.phone import SimulatedPhone
from drivers.text import Words
from reports.attest import Ed25519PrivateKey, sign
from reports.vocabulary import DECISIONS, STAGES, named
from station import messages as m
from station.client import Client
from station.demo.hands import Hands
from station.demo.scenario import Scenario
from station.demo.stage import Stage
from station.errors import Trouble
from station.i18n import words
from station.people import PersonKeys
from station.views import summary_words

__all__ = ["Ended", "play"]

#: Seconds in which a phone that was plugged in must be ready, and a run must be over, on a slow machine.
READY_S, RUN_S = 60.0, 300.0
#: Answers that come too late because the prompt went by itself are no trouble.
_LATE = frozenset({"prompt.gone", "prompt.other", "prompt.none"})


@dataclass(slots=True)
class Ended:
    """How one scenario ended.

    Attributes:
        verdicts: stage, then check id, then verdict (`none` is *not run*).
        decision: `released`, `released-with-waiver`, `refused`, or `no-phone`.
        why: the reasons of a refusal.
    """

    scenario: Scenario
    ticket: str = ""
    phone: str = ""
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)
    decision: str = "no-phone"
    why: list[Words] = field(default_factory=list)

    @property
    def as_expected(self) -> bool:
        """Whether it ended as the scenario says."""
        return self.decision == self.scenario.end


async def play(stage: Stage, say: Callable[[str], None]) -> list[Ended]:
    """Play all scenarios at once, each at its own phone.

    Args:
        say: called with one line of progress at a time.

    Raises:
        Trouble: the engine refused or is gone.
    """
    keys = PersonKeys(stage.settings.data)
    unlocked = {who: await asyncio.to_thread(keys.unlock, who, pin) for who, pin in stage.secrets.items()}
    await stage.plug_in()
    players = [
        _Player(stage, phone, scenario, unlocked, say)
        for phone, scenario in zip(stage.phones, stage.scenarios, strict=True)
    ]
    return await asyncio.gather(*(player.play() for player in players))


class _Player:
    """One phone's way through the shop."""

    def __init__(
        self,
        stage: Stage,
        phone: SimulatedPhone,
        scenario: Scenario,
        keys: dict[str, Ed25519PrivateKey],
        say: Callable[[str], None],
    ) -> None:
        self._stage, self._phone, self._scenario, self._keys = stage, phone, scenario, keys
        self._hands = Hands(phone, scenario.answers)
        self._say, self._client = say, None
        self.ended = Ended(scenario, phone=phone.address)

    async def play(self) -> Ended:
        client = await Client.connect(self._stage.settings.data)
        try:
            await self._play(client)
        finally:
            await client.close()
        decision = words(named(DECISIONS, self.ended.decision))
        self._say(f"{self._scenario.persona}: {self.ended.ticket} {decision}")
        return self.ended

    async def _play(self, client: Client) -> None:
        if self._scenario.repair == "tap-allow":
            await self._card(client, m.CardStatus.BLOCKED)
            self._phone.allow()
        card = await self._card(client, m.CardStatus.READY)
        slot = card.slot
        await client.send(m.Watch(slot=slot))
        ticket = await self._intake(client, slot)
        await self._run(client, slot, ticket, "android-intake", "intake", "technician")
        self._repair()
        await self._run(client, slot, ticket, "android-post-repair", "self-check", "technician")
        await self._run(client, slot, ticket, "android-cross-check", "cross-check", "inspector")
        await self._release(client, ticket)

    async def _card(self, client: Client, status: m.CardStatus) -> m.Card:
        async with asyncio.timeout(READY_S):
            async for bench in client.bench():
                for card in bench.cards:
                    if card.device == f"adb:{self._phone.address}" and card.status is status:
                        return card
        raise AssertionError("the snapshots ended without a trouble")

    async def _intake(self, client: Client, slot: int) -> str:
        identity = self._phone.state.identity
        opened = await client.send(
            m.Intake(
                slot=slot,
                imei=identity.imeis[0] if identity.imeis else "",
                serial=identity.serial,
                complaint=self._scenario.complaint.zh,
                customer_name="演示客户",
                data_notice_confirmed=True,
                test_consent=True,
                person="technician",
            )
        )
        self.ended.ticket = opened.data["ticket"]
        await self._sign(client, "technician", self._signoff(opened.data["record"], "technician", "performed"))
        return self.ended.ticket

    async def _run(self, client: Client, slot: int, ticket: str, checklist: str, stage: str, person: str) -> None:
        start = m.StartRun(slot=slot, ticket=ticket, checklist=checklist, stage=stage, person=person)
        run = (await client.send(start)).data["run"]
        async with asyncio.timeout(RUN_S):
            view = await self._to_the_end(client, run, person)
        self.ended.verdicts[stage] = {row.id: row.verdict or "none" for row in view.checks}
        record = (await client.send(m.CloseRun(run=run, person=person))).data["record"]
        meaning = "verified" if stage == "cross-check" else "performed"
        await self._sign(client, person, self._signoff(record, person, meaning))
        told = f"{words(named(STAGES, stage))}  {words(summary_words(view.summary))}"
        self._say(f"{self._scenario.persona}: {ticket} {told}")

    async def _to_the_end(self, client: Client, run: str, person: str) -> m.RunView:
        acted = set()
        async for view in client.session():
            if view.run is None or view.run.run != run:
                continue
            if view.run.state != "running":
                return view.run
            prompt = view.prompt
            if prompt is not None and (prompt.attempt, prompt.id) not in acted:
                acted.add((prompt.attempt, prompt.id))
                await self._answer(client, prompt, person)
        raise AssertionError("the views ended without a trouble")

    async def _answer(self, client: Client, prompt: m.PromptView, person: str) -> None:
        value = await self._hands.act(prompt)
        if value is None:
            return
        try:
            await client.send(
                m.AnswerPrompt(slot=prompt.slot, attempt=prompt.attempt, prompt=prompt.id, value=value, person=person)
            )
        except Trouble as trouble:
            if trouble.code not in _LATE:
                raise

    def _repair(self) -> None:
        match self._scenario.repair:
            case "new-battery":
                self._phone.state.fit_battery()
            case "none" | "tap-allow":
                pass

    @staticmethod
    def _signoff(target: str, person: str, meaning: str) -> m.PrepareSignoff:
        return m.PrepareSignoff(target=target, person=person, role=person, meaning=meaning)

    async def _sign(self, client: Client, person: str, prepare: m.Command) -> dict[str, Any]:
        prepared = (await client.send(prepare)).data
        key_id, signature = sign(base64.b64decode(prepared["payload"]), self._keys[person])
        signed = m.CommitRecord(
            payload=prepared["payload"], key_id=key_id, signature=base64.b64encode(signature).decode()
        )
        return (await client.send(signed)).data

    async def _release(self, client: Client, ticket: str) -> None:
        prepare = m.PrepareRelease(ticket=ticket, person="inspector")
        prepared = (await client.send(prepare)).data
        self.ended.decision = prepared["decision"]
        self.ended.why = [Words(*reason) for reason in prepared["reasons"]]
        if prepared["decision"] != "refused":
            await self._sign(client, "inspector", prepare)
