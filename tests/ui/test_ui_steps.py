"""Any step's form by keys: what is sent is what was typed, and nothing counts before it is signed."""

from __future__ import annotations

import base64
import json

from pages import STEPS
from ui_script import DIGEST, PIN, scripted

from station.messages import CommitRecord, DoStep, PrepareSignoff, PreviewStep

FORM = ("t", "enter", "n", "enter")


def engine_with_steps(done: dict[str, object]) -> object:
    engine = scripted()
    engine.answers["steps"] = lambda _c: {"steps": STEPS}
    engine.answers["do-step"] = lambda _c: done
    engine.answers["preview-step"] = lambda _c: {"says": [["249.00 in all", "合计 249.00"]], "predicate": {}}
    return engine


SEALED = {"ticket": "T2511-0001", "record": DIGEST, "role": "technician", "meaning": "performed", "says": []}


async def test_what_can_not_be_done_says_why_and_does_not_open(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press("t", "enter", "n", "down")
        assert "there is no self-check run" in screen.text
        await screen.press("enter")
        assert "What to do next" in screen.header


async def test_the_form_sends_what_was_typed_chosen_and_ticked_and_what_was_given(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "enter", "right", "tab", "tab", *"glue; 5", "tab", "tab", "space", "f9")
    [told] = engine.commands(DoStep)
    assert (told.step, told.person) == ("plan", "wang")
    assert told.fields["cause"] == "worn"
    assert told.fields["way"] == "factory"
    assert told.fields["parts"] == ["battery; 199", "glue; 5"]
    assert told.fields["risks_told"] is True
    assert "photos" not in told.fields


async def test_a_table_grows_when_its_last_line_is_filled(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, "tab", "tab", "tab", *"a; 1", "tab", *"b; 2", "f9")
    [told] = engine.commands(DoStep)
    assert told.fields["parts"] == ["battery; 199", "a; 1", "b; 2"]


async def test_enter_writes_nothing(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", *["enter"] * 12)
    assert engine.commands(DoStep) == []


async def test_a_preview_shows_what_the_customer_is_told_and_goes_stale_with_the_next_key(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "f8")
        assert "249.00 in all" in screen.text
        await screen.press("x")
        assert "249.00 in all" not in screen.text
    assert engine.commands(PreviewStep)[0].fields["cause"] == "worn"


async def test_a_sealed_record_is_signed_off_at_once(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "f9")
        assert "Sign" in screen.header
    assert engine.commands(PrepareSignoff)[0].target == DIGEST


async def test_a_record_of_the_person_is_stored_only_once_it_is_signed(drive) -> None:
    statement = {"predicateType": "https://x/waiver/v1", "predicate": {"person": "wang", "ticket": "T2511-0001"}}
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    engine = engine_with_steps({**SEALED, "payload": payload, "record": ""} | {"record": None})
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "f9")
        assert engine.commands(CommitRecord) == []
        await screen.press(*PIN, "f9")
        await screen.settle()
    assert engine.commands(CommitRecord)[0].payload == payload


async def test_a_refusal_is_shown_and_the_form_keeps_what_was_typed(drive) -> None:
    engine = engine_with_steps(SEALED)
    engine.refuse("do-step")
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "f9")
        assert "that cannot be" in screen.text
        assert "worn" in screen.text
