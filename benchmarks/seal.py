"""What it costs to keep a run: fsyncs and time of intake, run, seal, signature and release, one phone at a time.

    python benchmarks/seal.py [--rounds 5] [--delay-ms 0 5]

The engine is the real one in a process of its own, loaded with a library that counts its fsync and fdatasync and makes
each slower by the given time (Linux with a C compiler). The station works alone, so that no receipt of head office
falls into a step. A run is `android-intake` with every question answered at once by scripted hands; sealing is
`CloseRun`, signing is the preparing, the person's signature with an open key, and the commit.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engine_process import attached, engine
from benchmarks.fsync import compiled
from benchmarks.table import row, spread
from drivers.sim.phone import SimulatedPhone
from reports.attest import Ed25519PrivateKey, sign
from station import messages as m
from station.client import Client
from station.demo.hands import Hands
from station.demo.scenario import load_scenarios
from station.demo.stage import PIN, Stage, staged
from station.people import PersonKeys
from station.settings import save_settings

WIDTHS = (30, 34, 12, 12)
RUN_S = 300.0
SETTLE_S = 0.3


@dataclass
class Costs:
    """For each step its seconds, its fsyncs and its commits, once a round."""

    log: Path
    client: Client
    steps: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)

    async def of(self, step: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do the work as a step of that name."""
        fsyncs, commits = self._fsyncs(), await self._commits()
        began = time.perf_counter()
        done = await work()
        seconds = time.perf_counter() - began
        await asyncio.sleep(SETTLE_S)  # a commit that nobody waits for belongs to the step too
        cost = (seconds, self._fsyncs() - fsyncs, await self._commits() - commits)
        self.steps.setdefault(step, []).append(cost)
        return done

    def _fsyncs(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    async def _commits(self) -> int:
        return int((await self.client.send(m.StatusQuery())).data["commits"])

    def print(self, title: str) -> None:
        """The table."""
        row(title, "min / median / max", "fsyncs", "commits", widths=WIDTHS)
        row("---", "---", "---", "---", widths=WIDTHS)
        for step, costs in self.steps.items():
            seconds, fsyncs, commits = ([cost[at] for cost in costs] for at in range(3))
            row(step, spread(seconds), _median(fsyncs), _median(commits), widths=WIDTHS)


def _median(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{statistics.median(counts):g}" + (f" ({low}-{high})" if low != high else "")


class Ticket:
    """The steps of one ticket on one phone."""

    def __init__(self, phone: SimulatedPhone, slot: int, client: Client, keys: Mapping[str, Ed25519PrivateKey]) -> None:
        self._phone, self._slot, self._client, self._keys = phone, slot, client, keys
        self._hands = Hands(phone)
        self.ticket = ""

    async def intake(self) -> str:
        """Take the phone in; gives the record."""
        identity = self._phone.state.identity
        told = {"imei": identity.imeis[0], "serial": identity.serial, "complaint": "耗电快", "person": "technician"}
        opened = await self._client.send(
            m.Intake(slot=self._slot, data_notice_confirmed=True, test_consent=True, **told)
        )
        self.ticket = opened.data["ticket"]
        return str(opened.data["record"])

    async def run(self, checklist: str, stage: str, person: str) -> str:
        """One run to its end; gives its name."""
        start = {"slot": self._slot, "ticket": self.ticket, "checklist": checklist, "stage": stage, "person": person}
        run = str((await self._client.send(m.StartRun(**start))).data["run"])
        acted: set[tuple[str, str]] = set()
        async with asyncio.timeout(RUN_S):
            async for view in self._client.session():
                if view.run is None or view.run.run != run:
                    continue
                if view.run.state != "running":
                    return run
                prompt = view.prompt
                if prompt is not None and (prompt.attempt, prompt.id) not in acted:
                    acted.add((prompt.attempt, prompt.id))
                    await self._answer(prompt, person)
        raise AssertionError("the views ended without a trouble")

    async def _answer(self, prompt: m.PromptView, person: str) -> None:
        value = await self._hands.act(prompt)
        if value is not None:
            answer = {"slot": self._slot, "attempt": prompt.attempt, "prompt": prompt.id, "person": person}
            await self._client.send(m.AnswerPrompt(value=value, **answer))

    async def seal(self, run: str, person: str) -> str:
        """Close a run; gives the record."""
        return str((await self._client.send(m.CloseRun(run=run, person=person))).data["record"])

    async def sign(self, prepare: m.Command, person: str) -> None:
        """Prepare, sign with an open key, commit."""
        payload = (await self._client.send(prepare)).data["payload"]
        key_id, signature = sign(base64.b64decode(payload), self._keys[person])
        signed = base64.b64encode(signature).decode()
        await self._client.send(m.CommitRecord(payload=payload, key_id=key_id, signature=signed))

    @staticmethod
    def signoff(record: str, person: str, meaning: str) -> m.PrepareSignoff:
        """What a person says of a record."""
        return m.PrepareSignoff(target=record, person=person, role=person, meaning=meaning)


async def whole_way(ticket: Ticket, costs: Costs) -> None:
    """One ticket from intake to release, step by step."""
    record = await costs.of("intake", ticket.intake)
    await costs.of(
        "sign the intake", lambda: ticket.sign(ticket.signoff(record, "technician", "performed"), "technician")
    )
    for checklist, stage, person in (
        ("android-intake", "intake", "technician"),
        ("android-post-repair", "self-check", "technician"),
        ("android-cross-check", "cross-check", "inspector"),
    ):
        meaning = "verified" if stage == "cross-check" else "performed"
        run = await costs.of(f"run {checklist}", lambda: ticket.run(checklist, stage, person))  # noqa: B023
        record = await costs.of(f"seal {checklist}", lambda: ticket.seal(run, person))  # noqa: B023
        prepare = ticket.signoff(record, person, meaning)
        await costs.of("sign the run", lambda: ticket.sign(prepare, person))  # noqa: B023
    release = m.PrepareRelease(ticket=ticket.ticket, person="inspector")
    await costs.of("decide and sign the release", lambda: ticket.sign(release, "inspector"))


async def measure(library: Path, delay_ms: float, rounds: int) -> None:
    """The table with that delay in each fsync."""
    healthy = [one for one in load_scenarios() if one.persona == "healthy"] * rounds  # a phone is in one open ticket
    with tempfile.TemporaryDirectory(prefix="assay-bench-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "fsyncs"
        async with staged(Path(folder) / "data", healthy, seed=1) as stage:
            save_settings(stage.settings.model_copy(update={"head_office": "", "head_office_key": ""}))
            unlocks, keys = await _unlocked(stage, rounds)
            extra = {"LD_PRELOAD": str(library), "ASSAY_FSYNC_LOG": str(log)}
            extra["ASSAY_FSYNC_DELAY_US"] = str(int(1000 * delay_ms))
            async with engine(stage, extra):
                await stage.plug_in()
                async with attached(stage) as (client, bench):
                    slots = {card.device: card.slot for card in bench.cards}
                    costs = Costs(log, client)
                    for phone in stage.phones:
                        slot = slots[f"adb:{phone.address}"]
                        await client.send(m.Watch(slot=slot))
                        await whole_way(Ticket(phone, slot, client, keys), costs)
    costs.print(f"each fsync + {delay_ms:g} ms")
    row("unlock a key (Argon2id)", spread(unlocks), "–", "–", widths=WIDTHS)
    print()


async def _unlocked(stage: Stage, rounds: int) -> tuple[list[float], dict[str, Ed25519PrivateKey]]:
    """The seconds of one unlocking, and the open keys."""
    keys, times = PersonKeys(stage.settings.data), []
    for _turn in range(rounds):
        began = time.perf_counter()
        await asyncio.to_thread(keys.unlock, "technician", PIN)
        times.append(time.perf_counter() - began)
    return times, {who: await asyncio.to_thread(keys.unlock, who, PIN) for who in ("technician", "inspector")}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--delay-ms", type=float, nargs="+", default=[0.0, 5.0])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        library = compiled(Path(folder))
        for delay_ms in given.delay_ms:
            asyncio.run(measure(library, delay_ms, given.rounds))


if __name__ == "__main__":
    main()
