"""The SIM tray in a person's hand: what each place reads, and what is said when a card goes astray."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from probe_bench import Readings, ScriptedBench, result, run_on

from drivers.api import CommandResult, Shell
from probes import sim_tray
from probes.api import Answer, NotRun, Prompt
from probes.live import NOTHING_HAPPENED
from probes.sim import states_of


@dataclass
class Hand:
    """Somebody with one test SIM, and the phone that sees it: `lands` says where a card asked for really goes.

    A place of 0 is one where nothing happens; `says` answers prompts that no phone ends; `esim` is a slot that no tray
    empties, though nothing calls it an eSIM.
    """

    slots: int = 2
    lands: Mapping[str, int] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    now: str = "LOADED,ABSENT"
    esim: int = 0
    asked: list[str] = field(default_factory=list)

    async def ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt.id)
        if prompt.id in self.says:
            return Answer(prompt.id, self.says[prompt.id], "tech")
        if prompt.id.startswith("tray-out"):
            self._put(0)
        else:
            place = self.lands.get(prompt.id, int(prompt.id.split("-")[2]))
            if not place:
                return Answer(prompt.id, NOTHING_HAPPENED, "tech")
            self._put(place)
        await asyncio.Event().wait()  # the prompt goes away when the phone has seen it
        raise AssertionError

    def _put(self, place: int) -> None:
        slots = range(1, self.slots + 1)
        self.now = ",".join("LOADED" if slot in (place, self.esim) else "ABSENT" for slot in slots)

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        assert script == "getprop gsm.sim.state"
        return result(f"{self.now}\r\n")


async def tray(hand: Hand, **answers: str) -> Readings:
    given = {"getprop": f"[gsm.sim.state]: [{hand.now}]\n"} | {
        name.replace("_", "-"): text for name, text in answers.items()
    }
    scripted = {name: result(text, name=name) for name, text in given.items()}
    bench = ScriptedBench(scripted, person=hand, capabilities={Shell: hand})
    async with asyncio.timeout(20):
        return await run_on("android.sim-tray", bench)


TWO = {"tray-places": "2"}


async def test_one_card_shows_each_place_of_the_tray() -> None:
    hand = Hand(says=TWO)
    readings = await tray(hand)
    assert [readings.value(name) for name in ("tray_out_seen", "place1_read", "place2_read")] == [True, True, True]
    assert {"tray-in-1", "tray-in-2"} < set(hand.asked)


async def test_a_place_that_reads_nothing_is_found_though_the_other_works() -> None:
    readings = await tray(Hand(says=TWO, lands={"tray-in-2": 0}))
    assert (readings.value("place1_read"), readings.value("place2_read")) == (True, False)


async def test_a_card_in_the_other_place_is_asked_for_once_more_and_fails_nothing() -> None:
    hand = Hand(says=TWO, lands={"tray-in-1": 2})
    readings = await tray(hand)
    assert readings.value("place1_read") is True
    assert "tray-in-1-again" in hand.asked


async def test_a_card_that_stays_in_the_other_place_leaves_the_place_unread() -> None:
    readings = await tray(Hand(says=TWO, lands={"tray-in-1": 2, "tray-in-1-again": 2}))
    assert "another place" in readings.unread["place1_read"].reason.en
    assert readings.value("place2_read") is True


async def test_an_esim_is_no_place_of_the_tray() -> None:
    cards = "Active subscriptions:\n id=2 simSlotIndex=1 isEmbedded=1\n"
    readings = await tray(Hand(now="LOADED,LOADED"), subscriptions=cards)
    assert readings.value("tray_places") == 1
    assert "one place" in readings.unread["place2_read"].reason.en


async def test_an_esim_that_nobody_names_is_known_by_staying_when_the_tray_is_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(sim_tray, "_SETTLE_S", 0.0)
    one = await tray(Hand(now="LOADED,LOADED", esim=2, says={"tray-places": "1"}))
    assert (one.value("tray_out_seen"), one.value("place1_read")) == (True, True)
    dead = await tray(Hand(now="LOADED,LOADED", esim=2, says={"tray-places": "1"}, lands={"tray-in-1": 0}))
    assert dead.value("place1_read") is False  # the eSIM is never taken for the card


async def test_a_phone_that_notices_cards_at_its_start_only_is_judged_by_no_place() -> None:
    hand = Hand(now="LOADED,LOADED", says=TWO | {"tray-out": NOTHING_HAPPENED})
    readings = await tray(hand)
    assert readings.value("tray_out_seen") is False
    assert all("while the tray is out" in readings.unread[f"place{place}_read"].reason.en for place in (1, 2))


async def test_a_tray_that_was_empty_tells_nothing_of_its_switch() -> None:
    readings = await tray(Hand(says=TWO, now="ABSENT,ABSENT"))
    assert "no card was in" in readings.unread["tray_out_seen"].reason.en


async def test_a_phone_that_does_not_notice_its_tray_says_so() -> None:
    readings = await tray(Hand(says=TWO | {"tray-out": NOTHING_HAPPENED}))
    assert readings.value("tray_out_seen") is False


async def test_aeroplane_mode_comes_first() -> None:
    with pytest.raises(NotRun, match="aeroplane"):
        await tray(Hand(), airplane="1\n")


def test_no_more_slots_are_looked_at_than_a_phone_can_have() -> None:
    assert states_of("LOADED,ABSENT\n") == ["LOADED", "ABSENT"]
    assert states_of("LOADED," * 100_000) == ["LOADED"] * 8
