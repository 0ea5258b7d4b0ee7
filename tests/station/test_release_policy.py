"""A release stands on the shipped checklists or on what the station allows: a shortened copy is another list."""

from __future__ import annotations

from pathlib import Path

from checklists.load import load_checklist
from station import messages as m
from station.policy import release_policy
from station.settings import load_settings, save_settings
from tests.station.station_bench import Cabinet, Phone, enrol, running, send, until, write_checklist
from tests.station.test_engine_way import run_to_the_end, seal_and_sign


async def test_runs_of_a_checklist_that_is_not_allowed_cannot_carry_a_release(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    own = write_checklist(tmp_path)
    phone = Phone(answers={"cat level": "80\n"})
    async with running(station, Cabinet(phone), policy=release_policy(station.settings)) as (_engine, client):
        await until(client, lambda b: b.cards and b.cards[0].status == "ready")
        ticket = (await send(client, m.Intake(slot=1, complaint="slow", person="tech")))["ticket"]
        for stage, person, role, meaning in (
            ("self-check", "tech", "technician", "performed"),
            ("cross-check", "inspector", "inspector", "verified"),
        ):
            ran = await run_to_the_end(client, own, ticket, stage, person)
            await seal_and_sign(station, client, ran["run"], person, role, meaning)
        prepared = await send(client, m.PrepareRelease(ticket=ticket, person="inspector"))
    assert prepared["decision"] == "refused"
    assert any("checklist" in code for code in prepared["codes"])


async def test_the_settings_may_allow_a_checklist_of_the_shop_and_keep_it(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data")
    own = load_checklist(write_checklist(tmp_path)).sha256
    save_settings(station.settings.model_copy(update={"checklists": (own,)}))
    allowed = release_policy(load_settings(station.data)).checklists
    assert allowed is not None
    assert {own, load_checklist("android-post-repair").sha256} <= allowed
