"""Remedies by software: consent first, done on a simulated phone that really restarts, then what had failed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from checklists.load import load_checklist
from drivers.sim.persona import Persona, load_persona
from drivers.sim.phone import SimulatedPhone
from drivers.text import Words
from probes.api import discover
from probes.soft_remedy import Boot, restarted
from station import messages as m
from station.client import Client
from station.commands.answers import Reply
from station.commands.remedy import _Chosen, _Flow, _Told
from station.commands.run import Attended
from station.demo.hands import Hands
from station.remedies import Before, failed_before, outcomes
from tests.drivers.adb_bench import adb_bench
from tests.station.station_bench import enrol, holds, running, send

#: What the camera service says while its provider is away: a fault that a restart may mend, or may not.
BROKEN: dict[str, Any] = {"camera_provider_up": False}
WELL: dict[str, Any] = {"camera_provider_up": True}


def phone_with(change: Mapping[str, Any] | None = None, **restart: Any) -> Persona:
    """The healthy phone with this fault, which starts again as `restart` says."""
    fields = {**dict(load_persona("healthy")), **(change or {}), "restart": restart}
    return Persona.model_validate(fields)


@dataclass
class Willing:
    """Who answers: the simulated phone's hands, with other answers where a test wants them."""

    phone: SimulatedPhone
    answers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def reply(self, check: str, prompt: m.PromptView) -> Reply:
        self.asked.append(prompt.id)
        value = await Hands(self.phone, self.answers).act(prompt)
        return Reply(wait=True) if value is None else Reply(value)


@dataclass
class Place:
    """One simulated phone on a ticket."""

    phone: SimulatedPhone
    client: Client
    ticket: str
    slot: int
    folder: Path

    async def checked(self, *only: str) -> dict[str, Any]:
        """A run of shipped checks, as it was before any remedy."""
        return await self.run("android-intake", only)

    async def run(
        self, checklist: str, only: tuple[str, ...] = (), source: Willing | None = None, ticket: str | None = None
    ) -> dict[str, Any]:
        start = m.StartRun(
            slot=self.slot,
            ticket=self.ticket if ticket is None else ticket,
            checklist=checklist,
            stage="diagnosis",
            person="tech",
            only=only,
        )
        async with asyncio.timeout(60):
            return await Attended(self.client, source or Willing(self.phone), start).to_the_end()

    async def remedy(self, remedy: str, **answers: str) -> tuple[_Told, list[str]]:
        source = Willing(self.phone, dict(answers))
        flow = _Flow(self.client, self.ticket, "tech", _Chosen(remedy, source), 20.0)
        async with asyncio.timeout(60):
            return await flow.go(), source.asked

    async def person_says(self, check: str, answer: str) -> None:
        """A check that only a person can make, answered so."""
        path = self.folder / "seen.toml"
        path.write_text(
            'format = 1\nid = "seen"\nversion = 1\ntitle = { en = "x", zh = "例" }\nplatform = "android"\n'
            f'stages = ["diagnosis"]\n[[check]]\nid = "{check}"\n',
            encoding="utf-8",
        )
        await self.run(str(path), source=Willing(self.phone, {"question": answer}))

    async def alone(self, remedy: str, ticket: str | None = None, boot_s: float = 30, **answers: str) -> dict[str, Any]:
        """The remedy's check alone: its row in the run's document."""
        path = self.folder / "remedy.toml"
        path.write_text(
            'format = 1\nid = "short-remedy"\nversion = 1\ntitle = { en = "x", zh = "例" }\nplatform = "android"\n'
            f'stages = ["diagnosis"]\n[[check]]\nid = "soft-remedy"\nsettings.remedy = "{remedy}"\n'
            f"settings.boot_s = {boot_s}\nsettings.timeout_s = 20\n",
            encoding="utf-8",
        )
        document = await self.run(str(path), source=Willing(self.phone, dict(answers)), ticket=ticket)
        row: dict[str, Any] = document["checks"][0]
        return row | {"stopped": document["stopped"]}


@asynccontextmanager
async def place(folder: Path, persona: Persona, **intake: Any) -> AsyncIterator[Place]:
    station = await enrol(folder / "data")
    async with (
        adb_bench(folder, [persona]) as bench,
        running(station, bench.transport, loaded=discover()) as (_, client),
    ):
        slot = (await send(client, m.FindDevice(device=f"adb:{bench.phone.address}", wait_s=20)))["slot"]
        about: dict[str, Any] = {"complaint": "-", "test_consent": True, "person": "tech", **intake}
        ticket = (await send(client, m.Intake(slot=slot, **about)))["ticket"]
        yield Place(bench.phone, client, ticket, slot, folder)


def measured(row: Mapping[str, Any], name: str) -> Any:
    return next((one["value"] for one in row["measurements"] if one["name"] == name), None)


def after(told: _Told) -> dict[str, str]:
    return {one.check: one.after for one in told.outcomes}


# --- restart, and the checks again ------------------------------------------------------------------------------------


async def test_a_fault_of_the_software_is_gone_after_a_restart_and_only_what_failed_is_repeated(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with(BROKEN, cures=WELL)) as at:
        before = await at.checked("storage-space", "cameras")
        assert {one["id"]: one["verdict"] for one in before["checks"]} == {"storage-space": "pass", "cameras": "fail"}
        told, _ = await at.remedy("restart")
        assert told.done
        assert after(told) == {"cameras": "gone"}
        assert told.code == 0
        assert told.again is not None
        assert [one["id"] for one in told.again["checks"]] == ["cameras"]
        assert told.run["record"]
        assert told.again["record"]
        assert measured(told.run["checks"][0], "restart_time") > 0


async def test_a_fault_of_the_hardware_is_still_there_after_a_restart(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with(BROKEN)) as at:
        await at.checked("cameras")
        told, _ = await at.remedy("restart")
        assert told.done
        assert after(told) == {"cameras": "still-there"}
        assert told.code == 1


async def test_a_check_that_can_not_be_made_any_more_is_never_called_gone(tmp_path: Path) -> None:
    silent = {"answers": {"dumpsys media.camera": "Can't find service: media.camera"}}
    async with place(tmp_path, phone_with(BROKEN, cures=silent)) as at:
        await at.checked("cameras")
        told, _ = await at.remedy("restart")
        assert after(told) == {"cameras": "not-told"}
        assert told.code == 3


async def test_the_customer_is_told_once_and_asked_for_each_remedy(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        await at.checked("storage-space")
        _, first = await at.remedy("restart")
        assert first == ["data-notice", "remedy-consent"]
        told, second = await at.remedy("restart")
        assert second == ["remedy-consent"]
        assert told.done
        assert told.before is None
        assert told.code == 0


async def test_without_consent_nothing_is_done(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        await at.checked("storage-space")
        told, _ = await at.remedy("restart", **{"remedy-consent": "refuse"})
        assert not told.done
        assert told.again is None
        assert told.code == 1
        row = told.run["checks"][0]
        assert (row["ending"], row["verdict"]) == ("skipped", "none")
        assert "reboot" not in " ".join(at.phone.commands)


async def test_a_customer_who_was_not_told_of_the_data_comes_first(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        row = await at.alone("restart", **{"data-notice": "not-told"})
        assert row["verdict"] == "none"
        assert "not told" in row["reason"][0]
        assert "reboot" not in " ".join(at.phone.commands)


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def test_a_phone_that_does_not_come_back_is_an_error_and_never_a_fail(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with(stays_away=True)) as at:
        row = await at.alone("restart", boot_s=3)
        assert (row["ending"], row["side"], row["verdict"], row["finding"]) == ("errored", "cable", "none", None)
        assert row["stopped"]


async def test_another_phone_that_comes_back_is_refused(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        going = asyncio.create_task(at.alone("restart", boot_s=9))
        await holds(lambda: "boots" in at.phone.state.scratch, 20)
        at.phone.state.identity = replace(at.phone.state.identity, serial="SOMEBODYELSE", imeis=())
        at.phone.state.change()
        row = await going
        assert at.phone.connected_hosts  # it was there, and was asked who it is
        assert (row["ending"], row["verdict"], row["finding"]) == ("errored", "none", None)
        assert measured(row, "remedy_done") is None


async def test_a_phone_that_refuses_to_restart_is_not_run_with_its_words(tmp_path: Path) -> None:
    denied = "reboot: Operation not permitted"
    async with place(tmp_path, phone_with(refuses=denied)) as at:
        row = await at.alone("restart")
        assert row["verdict"] == "none"
        assert denied in row["reason"][0]


async def test_a_phone_that_takes_the_command_and_stays_up_was_not_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.soft_remedy._LEAVE_S", 1.5)
    async with place(tmp_path, phone_with(ignores=True)) as at:
        row = await at.alone("restart")
        assert (row["ending"], row["verdict"]) == ("completed", "warn")
        assert measured(row, "remedy_done") is False


async def test_a_swollen_battery_forbids_every_remedy(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        await at.person_says("battery-shape", "lifted")
        for remedy in ("restart", "factory-reset"):
            row = await at.alone(remedy)
            assert (row["ending"], row["verdict"]) == ("skipped", "none")
            assert "safety" in row["reason"][0]
        assert "reboot" not in " ".join(at.phone.commands)


# --- safe mode, network, factory reset --------------------------------------------------------------------------------


async def test_what_an_installed_app_does_is_gone_in_safe_mode_and_back_after_a_restart(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with(BROKEN, in_safe_mode=WELL)) as at:
        await at.checked("cameras")
        told, asked = await at.remedy("safe-mode")
        assert told.done
        assert asked[-1] == "safe-mode-keys"
        assert measured(told.run["checks"][0], "safe_mode") is True
        assert after(told) == {"cameras": "gone"}
        told, _ = await at.remedy("restart")
        assert measured(told.run["checks"][0], "safe_mode") is False
        assert after(told) == {"cameras": "still-there"}


async def test_a_build_for_engineers_starts_in_safe_mode_without_keys(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with({"security": {"debuggable": True}})) as at:
        row = await at.alone("safe-mode")
        assert measured(row, "remedy_done") is True
        assert row["verdict"] == "pass"


async def test_a_network_reset_is_believed_when_the_phone_has_forgotten_its_networks(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        claimed = await at.alone("reset-network", **{"network-reset": "done"})  # said, and not done
        assert (claimed["verdict"], measured(claimed, "remedy_done")) == ("warn", False)
        done = await at.alone("reset-network")
        assert (done["verdict"], measured(done, "remedy_done")) == ("pass", True)


async def test_a_factory_reset_is_done_at_the_phone_and_never_sent(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with(BROKEN, cures=WELL)) as at:
        await at.checked("cameras")
        told, asked = await at.remedy("factory-reset")
        assert told.done
        assert asked == ["data-notice", "remedy-consent", "factory-reset"]
        assert after(told) == {"cameras": "gone"}
        sent = " ".join(at.phone.commands)
        assert "MASTER_CLEAR" not in sent
        assert "wipe" not in sent
        assert "reboot" not in sent


async def test_a_factory_reset_needs_a_ticket_that_keeps_the_consent(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        row = await at.alone("factory-reset", ticket="")
        assert row["verdict"] == "none"
        assert "ticket" in row["reason"][0]
        assert not any(line.startswith("am ") for line in at.phone.commands)


async def test_a_phone_that_was_not_erased_after_all_says_so(tmp_path: Path) -> None:
    async with place(tmp_path, phone_with()) as at:
        row = await at.alone("factory-reset", **{"factory-reset": "no-reaction"})
        assert (row["verdict"], measured(row, "remedy_done")) == ("warn", False)


# --- the rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (Boot(id="a"), Boot(id="b"), True),
        (Boot(id="a", count=1), Boot(id="a", count=2), False),  # the id has the last word
        (Boot(count=4), Boot(id="b", count=5), True),
        (Boot(count=40), Boot(count=1), True),  # an erased phone counts anew
        (Boot(count=4), Boot(count=4), False),
        (Boot(up_s=900.0), Boot(up_s=12.0), True),
        (Boot(up_s=900.0), Boot(up_s=912.0), False),
        (Boot(), Boot(id="b"), None),
        (Boot(), Boot(), None),
    ],
)
def test_a_restart_is_told_by_the_phone_and_never_assumed(before: Boot, now: Boot, expected: bool | None) -> None:
    assert restarted(before, now) is expected


def document(run: str, checklist: str = "android-intake", **verdicts: str) -> dict[str, Any]:
    checks = [{"id": name, "title": [name, name], "verdict": one, "reason": None} for name, one in verdicts.items()]
    return {"run": run, "checklist": {"id": checklist}, "checks": checks}


def test_the_newest_run_that_found_a_fail_is_the_one_to_repeat() -> None:
    runs = [
        document("r1", wifi="fail"),
        document("r2", sim="fail", wifi="warn", nfc="none"),
        document("r3", sim="pass"),
        document("r4", "android-remedy", remedy="fail"),
    ]
    assert failed_before(runs) == Before("r2", "android-intake", ("sim",))
    assert failed_before(runs[2:]) is None
    assert failed_before([]) is None


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("pass", "gone"), ("info", "gone"), ("warn", "still-there"), ("fail", "still-there"), ("none", "not-told")],
)
def test_only_a_good_verdict_means_that_a_fault_is_gone(verdict: str, expected: str) -> None:
    [one] = outcomes(("sim",), document("r2", sim=verdict))
    assert one.after == expected


def test_a_check_that_the_second_run_does_not_have_is_not_told() -> None:
    [one] = outcomes(("sim",), document("r2", wifi="pass"))
    assert (one.after, one.title) == ("not-told", Words("sim", "sim"))


def test_every_remedy_asks_and_is_not_tried_twice_by_itself() -> None:
    check = load_checklist("android-remedy", discover()).check("soft-remedy")
    probe = discover().probes["android.soft-remedy"]
    assert check.attempts == 1
    assert probe.asks
    assert not probe.repeatable
