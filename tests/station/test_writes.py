"""What is owed to a phone is undone when that phone is seen again: after a cable, a killed engine, by any ticket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.bugreport import BugreportTransport, put_report
from drivers.bugreport_file import read_report
from drivers.text import Words
from probes.api import Write
from station import messages as m
from station.bug_reports import report_folder
from station.client import Client
from station.errors import Trouble
from tests.station.command_line import run_assay
from tests.station.station_bench import (
    GONE,
    Cabinet,
    Station,
    enrol,
    holds,
    probes,
    running,
    send,
    until,
    until_session,
    write_checklist,
)
from tests.station.writing_bench import LIGHT, RADIO, Switches, writing, writing_check

CHECKS = (writing_check("one", "test.hangs", "deadline_s = 100\n"),)

#: A report of that phone which claims to have run an undo.
REPORT = """\
========================================================
== dumpstate: 2023-11-14 22:24:00
========================================================

------ SYSTEM PROPERTIES (getprop) ------
[ro.serialno]: [SER0001]
[ro.product.model]: [Phone 1]
------ LIGHT (light on) ------
done
"""


async def _hang(bench: Any) -> None:
    await asyncio.sleep(3600)


HANGS = probes(writing("test.hangs", RADIO, LIGHT, then=_hang))


@pytest.fixture
async def station(tmp_path: Path) -> Station:
    return await enrol(tmp_path / "data")


def ready(bench: Any) -> bool:
    return bool(bench.cards) and bench.cards[0].status in ("ready", "not-run", "lost") and bench.cards[0].device != ""


async def start(client: Client, checklist: Path, ticket: str = "", **more: Any) -> str:
    about: dict[str, Any] = {"checklist": str(checklist), "stage": "self-check", "person": "tech", "consented": True}
    command = m.StartRun(slot=1, ticket=ticket, **about | more)
    return str((await send(client, command))["run"])


async def left(client: Client) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = (await send(client, m.ChangesQuery()))["changes"]
    return changes


async def nothing_left(client: Client) -> None:
    async with asyncio.timeout(15):
        while await left(client):  # noqa: ASYNC110 - asked of the engine, which has no event for it
            await asyncio.sleep(0.02)


async def pulled_in_the_middle(client: Client, cabinet: Cabinet, phone: Switches, checklist: Path, **more: Any) -> str:
    """A run whose cable was pulled while the phone was changed; it is over."""
    await until(client, ready)
    await send(client, m.Watch(slot=1))
    run = await start(client, checklist, **more)
    await holds(lambda: phone.off == ["radio", "light"])
    cabinet.pull(phone)
    await until_session(client, lambda view: view.run and view.run.state == "finished", 15)
    return run


# --- the cable -------------------------------------------------------------------------------------------------------


async def test_a_phone_whose_cable_was_pulled_is_put_right_when_it_is_plugged_in_again(
    station: Station, tmp_path: Path
) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        run = await pulled_in_the_middle(client, cabinet, phone, checklist)
        assert [(row["what"], row["run"], row["slot"]) for row in await left(client)] == [
            (list(RADIO.what), run, None),
            (list(LIGHT.what), run, None),
        ]
        shown = await until(client, lambda bench: bench.cards[0].notice is not None)
        assert shown.cards[0].notice == Words("not undone on the phone yet: 2", "手机上尚有 2 处改动未恢复")
        assert phone.off == ["radio", "light"]
        cabinet.put(phone)
        await nothing_left(client)
        assert phone.ran[-2:] == ["light on", "radio on"]
        await until(client, lambda bench: bench.cards[0].notice is None)


async def test_it_is_undone_in_another_socket_and_whatever_ticket_the_phone_has_by_then(
    station: Station, tmp_path: Path
) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        ticket = (await send(client, m.Intake(serial=phone.serial, imei=phone.imeis[0], person="tech")))["ticket"]
        phone.port = "usb:9-9"
        cabinet.put(phone)
        await nothing_left(client)
        await until(client, lambda bench: any(card.ticket == ticket for card in bench.cards))
        assert phone.off == []


async def test_a_ticket_shows_what_its_own_runs_left_on_the_phone(station: Station, tmp_path: Path) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await until(client, ready)
        ticket = (await send(client, m.Intake(slot=1, person="tech")))["ticket"]
        await pulled_in_the_middle(client, cabinet, phone, checklist, ticket=ticket)
        assert (await send(client, m.TicketQuery(ticket=ticket)))["left"] == [list(RADIO.what), list(LIGHT.what)]
        cabinet.put(phone)
        await nothing_left(client)
        assert (await send(client, m.TicketQuery(ticket=ticket)))["left"] == []


async def test_another_phone_with_the_same_serial_is_left_alone(station: Station, tmp_path: Path) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    clone = Switches(imeis=("490154203237518",), key=50)
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        cabinet.put(clone)
        await until(client, lambda bench: bench.cards[0].device != "" and bench.cards[0].status != "identifying")
        await send(client, m.FindDevice(device=clone.imeis[0], wait_s=10))
        assert len((await send(client, m.UndoChanges()))["changes"]) == 2
        assert clone.ran == []


async def test_a_phone_of_another_model_with_a_serial_that_many_have_is_left_alone(
    station: Station, tmp_path: Path
) -> None:
    """Makers that give all of their phones one serial are those whose IMEI can't be read either."""
    checklist = write_checklist(tmp_path, CHECKS)
    phone = Switches(serial="0123456789ABCDEF", imeis=())
    other = Switches(serial="0123456789ABCDEF", imeis=(), model="Phone 2", port="usb:1-2", key=50)
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        cabinet.put(other)
        await until(client, lambda bench: any(card.model.endswith("Phone 2") for card in bench.cards))
        assert len((await send(client, m.UndoChanges()))["changes"]) == 2
        assert other.ran == []


async def test_a_bug_report_of_the_phone_undoes_nothing(station: Station, tmp_path: Path) -> None:
    """Whatever it holds: a section that is named like the undo is easily written."""
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet, folder, path = Cabinet(phone), report_folder(station.data), tmp_path / "report.txt"
    path.write_text(REPORT, encoding="utf-8")
    async with running(station, cabinet, BugreportTransport(folder), loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        slot = await send(client, m.FindDevice(device=put_report(folder, path, read_report(path)), wait_s=20))
        assert slot["slot"] == 2
        rows = (await send(client, m.UndoChanges()))["changes"]
        assert [row["failed"] for row in rows] == [None, None]


async def test_the_next_run_looks_only_when_the_phone_is_put_right(station: Station, tmp_path: Path) -> None:
    phone, seen = Switches(), list[list[str]]()

    async def look(bench: Any) -> None:
        seen.append(list(phone.off))

    loaded = probes(*HANGS.probes.values(), writing("test.looks", RADIO, then=look))
    both = (*CHECKS, writing_check("two", "test.looks"))
    checklist = write_checklist(tmp_path, both)
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=loaded) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist, only=("one",))
        phone.slow_s = {"light on": 0.3, "radio on": 0.3}
        cabinet.put(phone)
        await send(client, m.FindDevice(device=phone.serial, wait_s=10))
        await start(client, checklist, only=("two",))
        await holds(lambda: seen != [])
        assert seen == [["radio"]]
        await nothing_left(client)


# --- an undo that fails ----------------------------------------------------------------------------------------------


async def test_an_undo_that_fails_is_shown_kept_and_tried_again_by_command(station: Station, tmp_path: Path) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    phone.refuses = {"radio on": ("Error: busy\n", 0)}
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        cabinet.put(phone)
        await until(client, lambda bench: bench.cards[0].notice and "1" in bench.cards[0].notice.en)
        [row] = await left(client)
        assert "Error: busy" in row["failed"][0]
        assert (row["slot"], row["serial_tail"]) == (1, phone.imeis[0][-4:])
        phone.refuses = {}
        assert (await send(client, m.UndoChanges()))["changes"] == []
        assert phone.off == []


@pytest.mark.parametrize(
    ("said", "code"), [("Wi-Fi service is not ready\n", 0), ("cmd: Can't find service: settings\n", 20)]
)
async def test_a_phone_that_was_restarted_is_put_right_as_soon_as_its_services_are_there(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int
) -> None:
    """It is seen by its cable, and answers, long before it has started."""
    monkeypatch.setattr("station.writes.AGAIN_S", 0.05)
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        phone.refuses = {"light on": (said, code), "radio on": (said, code)}
        cabinet.put(phone)
        await holds(lambda: phone.ran.count("radio on") > 2)
        assert len(await left(client)) == 2
        phone.refuses = {}
        await nothing_left(client)
        assert phone.off == []


async def test_a_phone_that_comes_while_the_one_before_it_is_still_waited_for_is_put_right_too(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.writes.AGAIN_S", 1.0)
    first, second = Switches(), Switches(serial="SER0002", imeis=("490154203237518",), key=50)
    checklist, cabinet = write_checklist(tmp_path, CHECKS), Cabinet(second)
    async with running(station, cabinet, loaded=HANGS) as (engine, client):
        await pulled_in_the_middle(client, cabinet, second, checklist)
        cabinet.put(first)
        await send(client, m.FindDevice(device=first.imeis[0], wait_s=10))
        await start(client, checklist)
        await holds(lambda: first.off == ["radio", "light"])
        cabinet.pull(first)
        await holds(lambda: not engine.work.running)
        first.refuses = {"radio on": ("Wi-Fi service is not ready\n", 0)}
        cabinet.put(first)
        await holds(lambda: "radio on" in first.ran)
        cabinet.pull(first)
        cabinet.put(second)
        await holds(lambda: second.off == [], 15)
        assert first.off == ["radio"]


async def test_an_engine_that_ends_does_not_wait_for_a_phone_to_start(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.work.STOP_S", 0.1)
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (engine, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        owed = await left(client)
        phone.refuses = {"radio on": ("Wi-Fi service is not ready\n", 0)}
        cabinet.put(phone)
        await holds(lambda: "radio on" in phone.ran)
        async with asyncio.timeout(20):
            await engine.close()
    async with running(station, loaded=HANGS) as (_, client):
        assert [row["change"] for row in await left(client)] == [row["change"] for row in owed]


async def test_what_an_engine_that_ends_was_just_undoing_is_undone_all_the_same(
    station: Station, tmp_path: Path
) -> None:
    """SIGTERM comes while the check's change is being taken back."""
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches(slow_s={"radio on": 0.5})
    begun: list[str] = []
    phone.before = begun.append
    async with running(station, Cabinet(phone), loaded=probes(writing("test.hangs", RADIO))) as (engine, client):
        await until(client, ready)
        await start(client, checklist)
        await holds(lambda: "radio on" in begun)
        await engine.close()
        assert phone.off == []
    async with running(station, loaded=HANGS) as (_, client):
        assert await left(client) == []


async def test_what_will_never_be_undone_is_struck_by_a_person_with_a_reason_and_by_nobody_else(
    station: Station, tmp_path: Path
) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        first, second = await left(client)
        about = {"person": "tech", "reason": "the phone was scrapped"}
        await send(client, m.GiveUpChange(change=first["change"], **about))
        assert await left(client) == [second]
        with pytest.raises(Trouble, match=r"change\.unknown"):
            await send(client, m.GiveUpChange(change=first["change"], **about))
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        assert [row["change"] for row in await left(client)] == [second["change"]]


async def test_what_a_run_is_at_work_on_is_neither_undone_nor_struck_from_outside(
    station: Station, tmp_path: Path
) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    async with running(station, Cabinet(phone), loaded=HANGS) as (_, client):
        await until(client, ready)
        run = await start(client, checklist)
        await holds(lambda: phone.off == ["radio", "light"])
        first, _second = (await send(client, m.UndoChanges()))["changes"]
        with pytest.raises(Trouble, match=r"change\.unknown"):
            await send(client, m.GiveUpChange(change=first["change"], person="tech", reason="-"))
        assert phone.off == ["radio", "light"]
        await send(client, m.AbortRun(run=run, person="tech", reason="enough"))
        assert (await left(client), phone.off) == ([], [])


# --- the engine ------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def engine_process(data: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Client]]:
    """An engine with one phone as a process of its own, and a client of it."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.station.writing_bench", str(data))
    client = None
    try:
        async with asyncio.timeout(30):
            while client is None:
                with contextlib.suppress(Trouble):
                    client = await Client.connect(data)
                assert process.returncode is None
                await asyncio.sleep(0.02)
        yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if client is not None:
            await client.close()


async def test_what_a_killed_engine_left_changed_is_undone_by_the_next_one(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    checklist = write_checklist(tmp_path, CHECKS)
    async with engine_process(station.data) as (process, client):
        await until(client, ready, 20)
        await start(client, checklist)
        await holds((station.data / "changed").exists, 20)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    off = station.data / "switches-off"
    assert off.read_text(encoding="utf-8") == "radio light"
    phone = Switches(on={"radio": False, "light": False}, file=off)
    async with running(station, Cabinet(phone), loaded=HANGS) as (_, client):
        await nothing_left(client)
        assert (phone.ran, off.read_text(encoding="utf-8")) == (["light on", "radio on"], "")


async def test_what_is_owed_outlives_engines_that_never_see_the_phone(station: Station, tmp_path: Path) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)
        owed = await left(client)
    for _ in range(2):
        async with running(station, loaded=HANGS) as (_, client):
            assert await left(client) == owed


async def test_the_command_lists_what_is_left_and_lets_a_person_strike_it(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checklist, phone = write_checklist(tmp_path, CHECKS), Switches()
    cabinet = Cabinet(phone)
    async with running(station, cabinet, loaded=HANGS) as (_, client):
        await pulled_in_the_middle(client, cabinet, phone, checklist)

    def assay(*args: str) -> tuple[int, str, str]:
        return run_assay(station.data, monkeypatch, "undo", *args)

    code, out, _ = await asyncio.to_thread(assay, "--list", "--json")
    changes = json.loads(out)["changes"]
    assert (code, [row["what"] for row in changes]) == (1, [list(RADIO.what), list(LIGHT.what)])
    code, out, _ = await asyncio.to_thread(assay, "--list")
    assert (code, "the radio is switched off" in out, "not connected" in out) == (1, True, True)
    code, _, err = await asyncio.to_thread(assay, "--give-up", changes[0]["change"])
    assert (code, "--reason" in err) == (2, True)
    for row in changes:
        code, out, _ = await asyncio.to_thread(
            assay, "--give-up", row["change"], "--reason", "scrapped", "--as", "tech"
        )
    assert (code, out) == (0, "nothing is left changed\n")
    code, out, _ = await asyncio.to_thread(assay, "--list", "--json")
    assert (code, json.loads(out)) == (0, {"changes": []})


# --- consent ---------------------------------------------------------------------------------------------------------


async def test_the_customers_consent_to_tests_at_intake_is_consent_to_changes_that_are_undone(
    station: Station, tmp_path: Path
) -> None:
    phone = Switches()
    loaded = probes(writing("test.hangs", RADIO))
    checklist = write_checklist(tmp_path, CHECKS)
    async with running(station, Cabinet(phone), loaded=loaded) as (_, client):
        await until(client, ready)
        await send(client, m.Watch(slot=1))
        taken = m.Intake(slot=1, person="tech", data_notice_confirmed=True, test_consent=True)
        ticket = (await send(client, taken))["ticket"]
        await start(client, checklist, ticket=ticket, consented=False)
        done = await until_session(client, lambda view: view.run and view.run.state == "finished")
        assert [row.verdict for row in done.run.checks] == ["info"]
        assert phone.ran == ["radio off", "radio on"]


async def test_who_agreed_once_in_a_run_is_not_asked_again_when_a_check_is_tried_again(
    station: Station, tmp_path: Path
) -> None:
    phone = Switches()
    loaded = probes(writing("test.hangs", RADIO))
    checklist = write_checklist(tmp_path, CHECKS)
    async with running(station, Cabinet(phone), loaded=loaded) as (_, client):
        await until(client, ready)
        await send(client, m.Watch(slot=1))
        run = await start(client, checklist, consented=False)
        view = await until_session(client, lambda view: view.prompt is not None)
        assert (view.prompt.id, view.prompt.kind) == ("consent-to-write", "choice")
        answer = m.AnswerPrompt(slot=1, attempt=view.prompt.attempt, prompt=view.prompt.id, value="agree", person="t")
        await send(client, answer)
        await until_session(client, lambda view: view.run.state == "finished")
        await send(client, m.Retest(run=run, check="one", person="tech", confirmed=True))
        await until_session(client, lambda view: view.run.state == "finished" and view.run.checks[0].attempts == 2)
        assert phone.ran == ["radio off", "radio on"] * 2


async def test_a_phone_that_went_while_it_was_being_changed_is_owed_the_undo_all_the_same(
    station: Station, tmp_path: Path
) -> None:
    """Nobody knows whether the line was done: the undo is safe to do twice."""
    phone = Switches()
    probe = writing("test.hangs", Write("radio", RADIO.what, "radio off", "radio on"))
    checklist = write_checklist(tmp_path, CHECKS)
    cabinet = Cabinet(phone)
    phone.faults["radio off"] = GONE
    async with running(station, cabinet, loaded=probes(probe)) as (_, client):
        await until(client, ready)
        await send(client, m.Watch(slot=1))
        phone.before = lambda line: cabinet.pull(phone)
        await start(client, checklist)
        await until_session(client, lambda view: view.run and view.run.state == "finished", 15)
        assert len(await left(client)) == 1
        phone.before = lambda line: None
        cabinet.put(phone)
        await nothing_left(client)
        assert phone.ran == ["radio on"]
