"""Enrolling a station and its people: what is written, who must sign, and what a crash or a wrong PIN leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.attest import key_id, open_record
from reports.roster import Roster
from reports.verify import verify_ledger
from station.errors import Trouble
from station.people import PersonKeys
from station.settings import Settings, load_settings
from station.setup import look, set_up_station
from tests.station.command_line import run_assay

LEAD, TECH, NEW = "a lead's secret", "a technician's secret", "another secret"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def assay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line over an empty data folder."""
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "data"))

    def run(*args: str, pin: str = "", lead_pin: str = "") -> tuple[int, str, str]:
        return run_assay(tmp_path / "data", monkeypatch, *args, pin=pin, lead_pin=lead_pin)

    return run


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a simulated station with a lead and a technician."""
    folder = tmp_path_factory.mktemp("station") / "data"
    with pytest.MonkeyPatch.context() as patch:
        for args, pin, lead_pin in (
            (("station", "enrol", "--id", "b-03", "--shop", "s-1", "--name", "B-03", "--simulated"), "", ""),
            (("person", "add", "zhao", "--name", "Zhao M.", "--role", "lead"), LEAD, ""),
            (("person", "add", "wang", "--name", "王建国", "--role", "technician", "--lead", "zhao"), TECH, LEAD),
        ):
            code, out, err = run_assay(folder, patch, *args, pin=pin, lead_pin=lead_pin)
            assert code == 0, (out, err)
    return folder


@pytest.fixture
def shop(assay: Run, made_once: Path, tmp_path: Path) -> Run:
    """The command line over a copy of it."""
    shutil.copytree(made_once, tmp_path / "data")
    return assay


def data() -> Path:
    return Path(os.environ["ASSAY_DATA"])


def roster() -> Roster:
    return look(load_settings(data()))[1]


def rows(sql: str) -> list[Any]:
    connection = sqlite3.connect(data() / "assay.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


# --- the station -----------------------------------------------------------------------------------------------------


def settings_of(folder: Path, **changes: Any) -> Settings:
    values = {"data": folder, "station": "b-03", "name": "B-03", "shop": "s-1", "simulated": True, **changes}
    return Settings.model_validate(values)


async def test_a_station_begins_with_its_enrolment_in_ledger_and_outbox(tmp_path: Path) -> None:
    enrolment = await set_up_station(settings_of(tmp_path))
    made, people = look(load_settings(tmp_path))
    assert (people.station, people.shop, people.simulated) == ("b-03", "s-1", True)
    assert people.genesis == open_record(enrolment).digest
    assert made.simulated
    assert verify_ledger(tmp_path / "assay.db").ok
    database = sqlite3.connect(tmp_path / "assay.db")
    assert database.execute("SELECT seq, state FROM outbox").fetchall() == [(1, "waiting")]
    database.close()


async def test_enrolling_goes_on_where_a_crash_stopped_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("station.setup.Store", "station.setup.enrol_station", "station.setup.save_settings"):
        with monkeypatch.context() as patch:
            patch.setattr(step, power_cut)
            with pytest.raises(KeyboardInterrupt):
                await set_up_station(settings_of(tmp_path))
    first = await set_up_station(settings_of(tmp_path))
    assert await set_up_station(settings_of(tmp_path, name="Bench 3")) == first
    assert load_settings(tmp_path).name == "Bench 3"


@pytest.mark.parametrize("other", [{"station": "b-04"}, {"shop": "s-2"}, {"simulated": False}])
async def test_a_folder_never_becomes_another_station(tmp_path: Path, other: dict[str, Any]) -> None:
    await set_up_station(settings_of(tmp_path))
    (tmp_path / "station.toml").unlink()  # even when somebody takes the settings away
    with pytest.raises(Trouble) as caught:
        await set_up_station(settings_of(tmp_path, **other))
    assert caught.value.code == "station.fixed"
    assert not (tmp_path / "station.toml").exists()


async def test_a_ledger_without_its_key_is_not_given_a_new_one(tmp_path: Path) -> None:
    await set_up_station(settings_of(tmp_path))
    (tmp_path / "station.key").unlink()
    with pytest.raises(Trouble) as caught:
        await set_up_station(settings_of(tmp_path))
    assert caught.value.code == "station.not-enrolled"
    assert not (tmp_path / "station.key").exists()


def test_a_new_station_must_be_told_its_id_and_shop(assay: Run) -> None:
    code, _, err = assay("station", "enrol", "--simulated")
    assert code == 2
    assert "--id, --shop" in err
    assert not data().exists() or list(data().iterdir()) == []


def test_station_show_tells_what_it_is(shop: Run) -> None:
    code, out, _ = shop("station", "show", "--json")
    shown = json.loads(out)
    assert code == 0
    assert (shown["station"], shown["simulated"], shown["people"]) == ("b-03", True, 2)
    assert shown["fingerprint"].replace(" ", "") == shown["key_id"][:32]


# --- people ----------------------------------------------------------------------------------------------------------


def test_people_are_enrolled_with_name_roles_and_key(shop: Run) -> None:
    people = roster().persons
    assert {person.printed_name for person in people.values()} == {"Zhao M.", "王建国"}
    listed = json.loads(shop("person", "list", "--json")[1])["people"]
    assert [(row["person"], row["roles"], row["keys"][0]["here"]) for row in listed] == [
        ("zhao", ["lead"], True),
        ("wang", ["technician"], True),
    ]
    assert len(open_record(rows("SELECT envelope FROM record WHERE seq = 2")[0][0]).envelope.signatures) == 2
    assert len(open_record(rows("SELECT envelope FROM record WHERE seq = 3")[0][0]).envelope.signatures) == 3
    assert verify_ledger(data() / "assay.db").ok


def test_after_the_first_lead_nobody_comes_in_without_one(shop: Run) -> None:
    code, _, err = shop("person", "add", "mallory", "--name", "M.", "--role", "lead", pin=NEW)
    assert code == 1
    assert "must sign" in err
    by_wang = ("person", "add", "mallory", "--name", "M.", "--role", "inspector", "--lead", "wang")
    code, _, err = shop(*by_wang, pin=NEW, lead_pin=TECH)
    assert code == 1
    assert "mallory" not in roster().persons
    assert {key.person for key in PersonKeys(data()).stored()} == {"zhao", "wang"}


def test_a_wrong_pin_of_the_lead_enrols_nobody_and_is_journalled(shop: Run) -> None:
    args = ("person", "add", "li", "--name", "Li", "--role", "inspector", "--lead", "zhao")
    code, _, err = shop(*args, pin=NEW, lead_pin="not the secret")
    assert code == 1
    assert "4 tries are left" in err
    assert "li" not in roster().persons
    outcomes = [json.loads(body)["outcome"] for (body,) in rows("SELECT body FROM journal WHERE kind = 'pin-tried'")]
    assert outcomes == ["opened", "wrong"]


@pytest.mark.parametrize("name", ["", "  ", "Wang\u202e", "Wang\x1b[2J", "W\u200bang"])
def test_a_name_that_cannot_be_printed_is_refused(shop: Run, name: str) -> None:
    args = ("person", "add", "li", "--name", name, "--role", "inspector", "--lead", "zhao")
    code, _, err = shop(*args, pin=NEW, lead_pin=LEAD)
    assert code == 2
    assert "name" in err


def test_an_id_is_given_once(shop: Run) -> None:
    args = ("person", "add", "wang", "--name", "Other", "--role", "inspector", "--lead", "zhao")
    code, _, err = shop(*args, pin=NEW, lead_pin=LEAD)
    assert code == 1
    assert "already" in err
    assert PersonKeys(data()).unlock("wang", TECH)


def test_a_person_replaces_their_own_key_with_the_old_one(shop: Run) -> None:
    before = roster().current_key("wang")
    code, _, err = shop("person", "rotate", "wang", lead_pin=TECH, pin=NEW)
    assert code == 0, err
    after = roster().current_key("wang")
    assert before is not None
    assert after is not None
    assert after.id != before.id
    ended = roster().keys[before.id].end
    assert ended is not None
    assert ended.how == "rotated"
    assert [key.key_id for key in PersonKeys(data()).stored() if key.person == "wang"] == [after.id]
    assert key_id(PersonKeys(data()).unlock("wang", NEW).public_key().public_bytes_raw()) == after.id


def test_a_lead_gives_a_new_key_where_the_pin_is_forgotten(shop: Run) -> None:
    for _ in range(5):
        with pytest.raises(Trouble):
            PersonKeys(data()).unlock("wang", "forgotten")
    code, _, err = shop("person", "rotate", "wang", "--lead", "zhao", pin=NEW, lead_pin=LEAD)
    assert code == 0, err
    assert PersonKeys(data()).unlock("wang", NEW)


def test_a_rotation_that_is_refused_leaves_the_old_key(shop: Run) -> None:
    code, _, _ = shop("person", "rotate", "zhao", "--lead", "wang", pin=NEW, lead_pin=TECH)
    assert code == 1
    assert PersonKeys(data()).unlock("zhao", LEAD)
    assert len(PersonKeys(data()).stored()) == 2


@pytest.mark.parametrize(
    ("command", "how"), [("revoke", "revoked"), ("compromise", "compromised"), ("retire", "retired")]
)
def test_a_key_is_ended_by_a_lead(shop: Run, command: str, how: str) -> None:
    key = roster().current_key("wang")
    assert key is not None
    code, _, err = shop("person", command, "wang", "--lead", "zhao", "--reason", "left", lead_pin=LEAD)
    assert code == 0, err
    end = roster().keys[key.id].end
    assert end is not None
    assert end.how == how
    assert roster().current_key("wang") is None
    assert [stored.person for stored in PersonKeys(data()).stored()] == ["zhao"]
    shown = json.loads(shop("person", "list", "--json")[1])["people"][1]
    assert shown["keys"][0]["ended"] == how


def test_a_compromise_is_dated_and_never_in_the_future(shop: Run) -> None:
    args = ("person", "compromise", "wang", "--lead", "zhao", "--reason", "lost stick", "--since")
    assert shop(*args, "2099-01-01", lead_pin=LEAD)[0] == 1
    assert shop(*args, "2024-05-01 10:00:00", lead_pin=LEAD)[0] == 0
    (key,) = [key for key in roster().keys.values() if key.holder == "wang"]
    assert key.end is not None
    assert key.end.at_ms == 1_714_557_600_000


def test_a_person_gets_a_new_key_after_a_revocation(shop: Run) -> None:
    assert shop("person", "revoke", "wang", "--lead", "zhao", lead_pin=LEAD)[0] == 0
    code, _, err = shop("person", "rotate", "wang", "--lead", "zhao", pin=NEW, lead_pin=LEAD)
    assert code == 0, err
    assert roster().current_key("wang") is not None


def test_roles_change_from_now_on(shop: Run) -> None:
    args = ("person", "roles", "wang", "--role", "inspector", "--lead", "zhao")
    code, _, err = shop(*args, lead_pin=LEAD)
    assert code == 0, err
    now = look(load_settings(data()))[0].clock.wall_ms
    assert roster().may("wang", "inspector", now)
    assert not roster().may("wang", "technician", now)


def test_a_lead_lets_somebody_in_who_is_locked_out_and_a_technician_does_not(shop: Run) -> None:
    locked = {"failures": 5, "from_ms": look(load_settings(data()))[0].clock.wall_ms, "wait_ms": 900_000}
    tries = data() / "people" / "zhao.tries"
    tries.write_text(json.dumps(locked))
    tries.chmod(0o600)
    code, _, err = shop("person", "let-in", "zhao", "--lead", "wang", lead_pin=TECH)
    assert code == 1
    assert "only a lead" in err
    tries.rename(tries.with_name("wang.tries"))
    assert shop("person", "let-in", "wang", "--lead", "zhao", lead_pin=LEAD)[0] == 0
    assert PersonKeys(data()).unlock("wang", TECH)
    outcomes = [json.loads(body)["outcome"] for (body,) in rows("SELECT body FROM journal WHERE kind = 'pin-tried'")]
    assert outcomes[-2:] == ["opened", "lock-ended"]


def test_on_a_real_station_a_secret_is_typed_by_its_person(assay: Run) -> None:
    assert assay("station", "enrol", "--id", "b-03", "--shop", "s-1")[0] == 0
    code, _, err = assay("person", "add", "zhao", "--name", "Zhao", "--role", "lead", pin=LEAD)
    assert code == 2
    assert "typed by its person" in err
    assert roster().persons == {}


def test_who_asks_without_a_station_is_told_how_to_make_one(assay: Run) -> None:
    for args in (["person", "list"], ["outbox"], ["upload"], ["station", "show"]):
        code, _, err = assay(*args)
        assert code == 2
        assert "assay station enrol" in err
