"""Head office judges a release by the checklists it allows: a list with a check left out is no way around it."""

from __future__ import annotations

from pathlib import Path

from checklists.load import load_checklist, shipped
from reports.headoffice.serve import running
from reports.headoffice.shipped import allow, allow_shipped
from reports.headoffice.store import HeadOfficeStore, create_head_office
from tests.headoffice.head_office_bench import HQ_KEY, Bench


def releases(database: Path) -> list[tuple[str, str]]:
    store = HeadOfficeStore(database)
    try:
        return [tuple(row) for row in store.db.execute("SELECT decision, reasons FROM release")]
    finally:
        store.close()


async def upload_a_good_ticket(tmp_path: Path, database: Path) -> None:
    async with running(database, HQ_KEY) as url:
        bench = await Bench.open(tmp_path / "station", url)
        try:
            from station.head_office import request_enrolment

            await bench.add_ticket()
            await request_enrolment(url, bench.enrolment)
            store = HeadOfficeStore(database)
            with store.transaction():
                store.decide(bench.settings.station, "approved", "clerk", 1)
            store.close()
            await bench.uploader().once()
        finally:
            bench.close()


async def test_a_release_on_checklists_that_are_not_allowed_is_stored_and_judged_refused(tmp_path: Path) -> None:
    database = tmp_path / "hq.db"
    create_head_office(database, "HQ", simulated=True)
    allow_shipped(database)  # the ticket's own little checklist is not among them
    await upload_a_good_ticket(tmp_path, database)
    [(decision, reasons)] = releases(database)
    assert decision == "refused"
    assert "checklist" in reasons


async def test_the_same_release_stands_where_no_list_was_said(tmp_path: Path) -> None:
    database = tmp_path / "hq.db"
    create_head_office(database, "HQ", simulated=True)
    await upload_a_good_ticket(tmp_path, database)
    [(decision, _reasons)] = releases(database)
    assert decision == "released"


def test_older_lists_stay_allowed_and_allowing_again_changes_nothing(tmp_path: Path) -> None:
    database = tmp_path / "hq.db"
    create_head_office(database, "HQ", simulated=True)
    old = load_checklist("android-intake").model_copy(update={"sha256": "0" * 64, "version": 0})
    allow(database, [old], "clerk")
    allow_shipped(database)
    allow_shipped(database)
    store = HeadOfficeStore(database)
    try:
        assert store.allowed_checklists() == {"0" * 64, *(one.sha256 for one in shipped())}
    finally:
        store.close()
