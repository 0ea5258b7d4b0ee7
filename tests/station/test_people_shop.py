"""People of a shop of several stations: one key each, roles, qualifications, keys that end, a station's new key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.attest import generate_key, key_id, open_record, public_raw
from reports.ledger import envelopes_of, roster_of
from reports.release import ReleasePolicy, verify_release
from reports.roster import RosterError
from reports.verify import verify_ledger
from station import messages as m
from station.enrolment import end_key, enrol_person, qualify
from station.errors import Trouble
from station.people import PersonKeys
from station.settings import create_key, load_settings, load_station_key
from station.setup import NEXT_KEY, look
from tests.station.command_line import run_assay
from tests.station.shop_bench import desk, enrolled, joined
from tests.station.station_bench import PEOPLE, Phone, Station, running, send

LEAD, OTHER_LEAD, TECH, PHRASE = "a lead's secret", "another lead's secret", "a technician's secret", "for the way"
Run = Callable[..., tuple[int, str, str]]


def _phone() -> Phone:
    return Phone(answers={"cat level": "80\n"})


@pytest.fixture
def assay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(station: str, *args: str, pin: str = "", lead_pin: str = "") -> tuple[int, str, str]:
        return run_assay(tmp_path / station, monkeypatch, *args, pin=pin, lead_pin=lead_pin)

    return run


@pytest.fixture
def shop(assay: Run, tmp_path: Path) -> Run:
    """Two stations of a shop, each with a lead; wang's key is on the first."""
    (tmp_path / "phrase").write_text(PHRASE + "\n", encoding="utf-8")
    phrase = ("--passphrase-file", str(tmp_path / "phrase"))
    steps: list[tuple[tuple[str, ...], str, str]] = []
    for station, lead, secret in (("one", "zhao", LEAD), ("two", "qian", OTHER_LEAD)):
        steps += [
            ((station, "station", "enrol", "--id", station, "--shop", "s-1", "--simulated"), "", ""),
            ((station, "person", "add", lead, "--name", lead.title(), "--role", "lead"), secret, ""),
        ]
    wang = ("one", "person", "add", "wang", "--name", "王建国", "--role", "technician", "--lead", "zhao")
    steps += [
        (wang, TECH, LEAD),
        (("one", "station", "invite", "--out", str(tmp_path / "inv"), *phrase), "", ""),
        (("two", "station", "join", str(tmp_path / "inv"), *phrase), "", ""),
        (("one", "person", "export", "wang", "--out", str(tmp_path / "wang")), "", ""),
    ]
    for args, pin, lead_pin in steps:
        code, out, err = assay(*args, pin=pin, lead_pin=lead_pin)
        assert code == 0, (args, out, err)
    return assay


def bring(shop: Run, tmp_path: Path, pin: str = TECH) -> tuple[int, str, str]:
    return shop("two", "person", "import", str(tmp_path / "wang"), "--lead", "qian", pin=pin, lead_pin=OTHER_LEAD)


def test_a_person_has_one_key_on_every_station_and_one_secret_opens_it(shop: Run, tmp_path: Path) -> None:
    code, out, err = bring(shop, tmp_path)
    assert code == 0, (out, err)
    rosters = [look(load_settings(tmp_path / station))[1] for station in ("one", "two")]
    keys = [roster.current_key("wang") for roster in rosters]
    assert keys[0] is not None
    assert keys[1] is not None
    assert keys[0].public == keys[1].public
    assert public_raw(PersonKeys(tmp_path / "two").unlock("wang", TECH)) == keys[0].public
    assert rosters[1].persons["wang"].printed_name == "王建国"
    assert verify_ledger(tmp_path / "two" / "assay.db").problems == ()


def test_who_does_not_know_the_secret_brings_nobody_and_no_key_is_left(shop: Run, tmp_path: Path) -> None:
    code, _, err = bring(shop, tmp_path, pin="not the secret")
    assert code == 1
    assert "not the PIN of wang" in err
    assert [key.person for key in PersonKeys(tmp_path / "two").stored()] == ["qian"]


def test_a_changed_file_or_one_from_outside_the_shop_is_refused(shop: Run, tmp_path: Path) -> None:
    path = tmp_path / "wang"
    whole = path.read_bytes()
    path.write_bytes(whole.replace("王建国".encode(), "王建民".encode()).replace(b'"shop":"s-1"', b'"shop":"s-2"', 1))
    assert "belongs to s-1" in bring(shop, tmp_path)[2]
    path.write_bytes(whole.replace(b'"iterations', b'"iteration_', 1))
    assert bring(shop, tmp_path)[0] != 0
    path.write_bytes(b"{}")
    assert "no person's key" in bring(shop, tmp_path)[2]
    assert [key.person for key in PersonKeys(tmp_path / "two").stored()] == ["qian"]


def test_a_station_has_a_new_key_and_both_keys_signatures_stay_good(shop: Run, tmp_path: Path) -> None:
    data = tmp_path / "one"
    old = public_raw(load_station_key(data))
    code, out, err = shop("one", "station", "rotate")
    assert code == 0, (out, err)
    new = public_raw(load_station_key(data))
    assert new != old
    assert not (data / NEXT_KEY).exists()
    add = ("one", "person", "add", "li", "--name", "Li", "--role", "inspector", "--lead", "zhao")
    assert shop(*add, pin=TECH, lead_pin=LEAD)[0] == 0
    assert verify_ledger(data / "assay.db").problems == ()
    assert look(load_settings(data))[1].current_key("one").id == key_id(new)  # type: ignore[union-attr]


def test_a_qualification_is_given_and_taken_away_by_a_lead(shop: Run, tmp_path: Path) -> None:
    give = ("one", "person", "qualify", "wang", "--checklist", "android-self", "--lead", "zhao")
    assert shop(*give, lead_pin=LEAD)[0] == 0

    def qualified(at_ms: int) -> bool:
        return look(load_settings(tmp_path / "one"))[1].qualified("wang", "android-self", at_ms)

    now_ms = time.time_ns() // 1_000_000 + 5
    assert qualified(now_ms)
    assert not qualified(now_ms + 366 * 24 * 3600 * 1000)
    assert shop(*give, "--withdraw", lead_pin=LEAD)[0] == 0
    assert not qualified(time.time_ns() // 1_000_000 + 5)
    refused = shop("one", "person", "qualify", "wang", "--checklist", "x", "--lead", "wang", lead_pin=TECH)
    assert refused[0] == 1


async def qualified_station(tmp_path: Path) -> Station:
    keys = {person: generate_key() for person in PEOPLE}
    station = await enrolled(tmp_path / "one", "ONE", keys)
    (station.data / "policy").mkdir()
    (station.data / "policy" / "people.toml").write_text('qualification = "required"\n', encoding="utf-8")
    return station


async def test_who_is_not_qualified_signs_no_run_of_that_checklist(tmp_path: Path) -> None:
    station = await qualified_station(tmp_path)
    async with desk(station, _phone()) as one:
        ticket = await one.taken_in()
        with pytest.raises(Trouble) as refused:
            await one.run(ticket, "self-check", "tech", "technician", "performed")
        assert refused.value.code == "person.unqualified"

        made, roster = look(station.settings)
        now = made.clock.wall_ms
        for person in ("tech", "inspector"):
            lead = ("lead", station.keys["lead"])
            told = qualify(made, roster, person, "bench-test", now, now + 3_600_000, lead)
            await one.client.send(told.command())
        await one.checked(ticket)
        await one.let_go(ticket)

        envelopes = await one.engine.store.read(lambda db: envelopes_of(db, ticket))
        everybody = await one.engine.store.read(roster_of)
        demanded = ReleasePolicy(qualification=True)
        assert verify_release(envelopes, everybody, policy=demanded).decision == "released"
        nobody = replace(everybody, qualifications=())
        assert "unqualified" in verify_release(envelopes, nobody, policy=demanded).codes
        assert verify_release(envelopes, nobody).decision == "released"


async def test_an_auditor_signs_nothing_and_head_office_inspects_for_a_shop_of_one(tmp_path: Path) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    station = await enrolled(tmp_path / "one", "ONE", keys)
    async with desk(station, _phone()) as one:
        made, _ = look(station.settings)
        lead = ("lead", station.keys["lead"])
        for person, role in (("audit", "auditor"), ("office", "head-office")):
            station.keys[person] = generate_key()
            told = enrol_person(made, person, person.title(), [role], station.keys[person], lead)  # type: ignore[list-item]
            await one.client.send(told.command())
        ticket = await one.taken_in()
        record = (await one.records(ticket))[0].digest
        with pytest.raises(Trouble, match="signs nothing"):
            await one.sign(record, "audit", "auditor", "verified")
        with pytest.raises(Trouble) as refused:
            await one.act("waive", ticket, "audit", waiver="no-cross-check", reason="-")
        assert refused.value.code in ("person.role", "step.not-now")
        await one.run(ticket, "self-check", "tech", "technician", "performed")
        await one.run(ticket, "cross-check", "office", "head-office", "verified")
        await one.let_go(ticket, "office")


async def test_what_a_signature_says_is_in_what_is_shown_before_it_is_made(tmp_path: Path) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    async with desk(await enrolled(tmp_path / "one", "ONE", keys), _phone()) as one:
        ticket = await one.taken_in()
        record = (await one.records(ticket))[0].digest
        about = m.PrepareSignoff(target=record, person="lead", role="lead", meaning="verified")
        shown = (await send(one.client, about))["statement"]["predicate"]
        assert (shown["meaning"], shown["printed_name"], shown["target"]) == ("verified", "Lead", record)


async def test_a_key_that_one_station_reports_counts_on_the_others_only_with_head_offices_word(tmp_path: Path) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    first, second = await enrolled(tmp_path / "a", "A", keys), await enrolled(tmp_path / "b", "B", keys)
    joined(first, second)
    async with desk(first, _phone()) as one, desk(second, None) as two:
        ticket = await one.taken_in()
        await two.take(await one.hand(ticket))
        made, roster = look(second.settings)
        key = roster.current_key("tech")
        assert key is not None
        lead = ("lead", keys["lead"])
        await two.client.send(end_key(made, roster, "compromise", key, lead, 1_700_000_000_000, "lost").command())
        known: Any = await two.engine.store.read(roster_of)
        signed = next(
            open_record(data)
            for data in await two.engine.store.read(lambda db: envelopes_of(db, ticket))
            if open_record(data).kind == "signoff/v1"
        )
        with pytest.raises(RosterError, match="compromised"):
            known.check(signed)
        with pytest.raises(RosterError):
            known.check(signed, received_ms=1_700_000_000_001)
        assert known.check(signed, received_ms=1_699_999_999_999)


async def test_a_rotation_that_was_cut_off_is_ended_at_the_next_start(tmp_path: Path) -> None:
    keys = {person: generate_key() for person in PEOPLE}
    station = await enrolled(tmp_path / "one", "ONE", keys)
    stray = station.data / NEXT_KEY
    create_key(stray)
    before = public_raw(load_station_key(station.data))
    async with running(station):
        assert not stray.exists()
    assert public_raw(load_station_key(station.data)) == before
