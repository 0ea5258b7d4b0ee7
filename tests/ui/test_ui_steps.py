"""Any step's form by keys: what is sent is what was typed, and nothing counts before it is signed."""

from __future__ import annotations

import base64
import json

import pytest
from pages import PAGES, STEPS, engine_for
from ui_script import CHOICES, DIGEST, PIN, asked, scripted, session
from ui_script import checklists as checklists_of_the_bench

from drivers.api import Side
from drivers.text import Words
from station.errors import Trouble
from station.messages import CommitRecord, DoStep, Intake, PrepareSignoff, PreviewStep, ResumeRun, StartRun
from station.ui.seams import ChecklistChoice
from station.ui.widgets.form import Field, into_sight
from station.ui.widgets.table import Row

CHECKLISTS = checklists_of_the_bench()

FORM = ("t", "enter", "n", "enter")
REFUSED = Trouble("test.refused", Words("no", "否"), Side.PERSON, Words("ask", "请询问"))


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
        await screen.press(
            *FORM, *"worn", "enter", "tab", "right", "tab", "tab", *"glue", "enter", *"5", "tab", "tab", "space", "f9"
        )
    [told] = engine.commands(DoStep)
    assert (told.step, told.person) == ("plan", "wang")
    assert told.fields["cause"] == "worn"
    assert told.fields["way"] == "factory"
    assert told.fields["parts"] == [{"part": "battery", "price": "199"}, {"part": "glue", "price": "5"}]
    assert told.fields["risks_told"] is True
    assert told.fields["risks"] == ["seal"]
    assert "photos" not in told.fields


def even(text: str) -> str:
    """The text with one space between its words, however wide its columns are."""
    return " ".join(text.split())


BATTERY = {"part": "battery", "price": "199"}


async def test_a_table_has_an_empty_row_as_long_as_there_may_be_more(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *["tab"] * 4, *"a", "enter", *"1", "enter", *"b", "enter", *"2", "f9")
    [told] = engine.commands(DoStep)
    assert told.fields["parts"] == [BATTERY, {"part": "a", "price": "1"}, {"part": "b", "price": "2"}]


async def test_a_row_is_a_line_until_it_is_opened_and_folds_when_it_is_left(drive) -> None:
    async with drive(engine_with_steps(SEALED)) as screen:
        await screen.press(*FORM, *["tab"] * 3)
        assert "▸ part 1 battery · 199" in even(screen.text)
        assert "   price" not in screen.text
        await screen.press("right")
        assert "   price" in screen.text
        await screen.press("tab", "tab")
        assert "▸   price" in screen.text
        await screen.press("tab")
        assert "   price" not in screen.text
        assert "▸ part 2: part" in screen.text


async def test_a_row_whose_form_was_closed_meanwhile_is_left_alone(drive) -> None:
    """The focus goes from a row as its form is closed: what was to be done after the next drawing finds nothing."""
    async with drive(engine_with_steps(SEALED)) as screen:
        await screen.press(*FORM, *["tab"] * 3, "right", "tab")
        form = screen.app.screen
        row, field = form.query(Row).first(), form.query(Field).last()
        await screen.press("escape")
        assert screen.app.screen is not form
        row._left()
        into_sight(field)
        assert field.value == ""
        await screen.press("up")
        assert "What to do next" in screen.header


@pytest.mark.parametrize("keys", [FORM, ("t", "enter", "n"), ("t",), ("n",), ("1", "enter"), ("o",)])
async def test_what_comes_for_a_page_that_was_closed_meanwhile_does_not_end_the_screen(drive, keys) -> None:
    """An answer of the engine, or a second that passed, while the page is being taken away."""
    async with drive(engine_with_steps(SEALED)) as screen:
        await screen.press(*keys)
        page = screen.app.screen
        await screen.press("escape")
        assert screen.app.screen is not page
        page.say(Words("done", "完成"))
        page.tell(REFUSED)
        page.follow()
        page.redraw()
        await screen.press("f2")
        assert "检测工位" in screen.header


async def test_what_a_row_still_needs_is_told_on_its_line(drive) -> None:
    engine = engine_with_steps(SEALED)
    plan = json.loads(json.dumps(STEPS[1]))
    plan["fields"][3]["columns"][1]["required"] = True
    engine.answers["steps"] = lambda _c: {"steps": [plan]}
    async with drive(engine) as screen:
        await screen.press(*FORM, *["tab"] * 4, *"glue", "enter", "enter")
        assert "glue   ! needed: price" in screen.text


async def test_a_row_is_taken_out_by_one_key_and_another_begun_by_one(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *["tab"] * 3)
        assert "F5 another row" in screen.footer
        assert "F6 take the row out" in screen.footer
        await screen.press("f5", *"glue", "up", "up", "f6")
        assert "battery" not in screen.text
        assert "▸ part 1 glue" in even(screen.text)
        await screen.press("f9")
    assert engine.commands(DoStep)[0].fields["parts"] == [{"part": "glue"}]


async def test_lines_that_were_given_are_ticked_off_with_space(drive) -> None:
    engine = engine_with_steps(SEALED)
    plan = json.loads(json.dumps(STEPS[1]))
    done = {**plan["fields"][4], "name": "done", "required": False}
    plan["fields"][3].update(columns=[*plan["fields"][3]["columns"], done])
    engine.answers["steps"] = lambda _c: {"steps": [plan]}
    async with drive(engine) as screen:
        await screen.press(*FORM, *["tab"] * 3, "space")
        assert "part 1 [x] battery · 199" in even(screen.text)
        await screen.press("f9")
    assert engine.commands(DoStep)[0].fields["parts"] == [{**BATTERY, "done": True}]


async def test_a_scan_into_the_empty_row_begins_one_and_the_next_goes_on(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine, size=(100, 30)) as screen:
        await screen.press(*FORM, *["tab"] * 4)
        for text in ("PART-1", "10", "PART-2", "20"):
            await screen.type(text)
            await screen.press("enter")
        await screen.press("f9")
    rows = [{"part": "PART-1", "price": "10"}, {"part": "PART-2", "price": "20"}]
    assert engine.commands(DoStep)[0].fields["parts"] == [BATTERY, *rows]


async def test_a_text_that_is_offered_is_chosen_from_a_list_that_letters_narrow(drive) -> None:
    engine = engine_with_steps(SEALED)
    causes = [[f"cause-{n}", [f"{90 - n} %: cause number {n}", f"原因{n}"]] for n in range(30)]
    cause = {**STEPS[1]["fields"][0], "choices": causes, "given": "cause-0"}
    engine.answers["steps"] = lambda _c: {"steps": [{**STEPS[1], "fields": [cause]}]}
    async with drive(engine, size=(100, 30)) as screen:
        await screen.press(*FORM)
        assert "◂ 90 %: cause number 0 ▸  1/30" in screen.text
        await screen.press("down")
        assert "▸ 89 %: cause number 1" in screen.text
        await screen.press("2", "7", "f9")
    assert engine.commands(DoStep)[0].fields["cause"] == "cause-27"


async def test_a_picture_of_the_camera_is_asked_for_by_one_key(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *["tab"] * 6, "f4", "f9")
    assert engine.commands(DoStep)[0].fields["photos"] == ["camera:0"]


async def test_the_field_that_keys_act_on_is_always_in_sight(drive) -> None:
    engine = engine_with_steps(SEALED)
    [fields] = [one["fields"] for one in STEPS if one["id"] == "plan"]
    parts = {**fields[3], "given": [{"part": f"p{n}", "price": "1"} for n in range(12)], "most": 40}
    engine.answers["steps"] = lambda _c: {"steps": [{**STEPS[1], "fields": [*fields[:3], parts, *fields[4:]]}]}
    async with drive(engine, size=(100, 30)) as screen:
        await screen.press(*FORM, *["tab"] * 14, "right", "tab", "tab")
        for key in ("tab", "tab", "down", "up", "up", "up", "up"):
            await screen.press(key)
            assert len([row for row in screen.text.splitlines() if row.startswith(" ▸ ")]) == 1, screen.text


async def test_a_form_that_was_left_for_another_step_is_there_again_as_it_was(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        filled = (*"worn", "enter", "tab", "right", "tab", "tab", *"glue", "enter", *"5", "tab", "tab", "space")
        await screen.press(*FORM, *filled, "escape")
        assert "What to do next" in screen.header
        await screen.press("enter", "f9")
    [told] = engine.commands(DoStep)
    assert (told.fields["cause"], told.fields["way"], told.fields["risks_told"]) == ("worn", "factory", True)
    assert told.fields["parts"] == [{"part": "battery", "price": "199"}, {"part": "glue", "price": "5"}]


async def test_a_refusal_leaves_the_form_as_it_is_filled_in(drive) -> None:
    engine = engine_with_steps(SEALED)

    def refuse(_command: object) -> object:
        raise REFUSED

    engine.answers["do-step"] = refuse
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "f9")
        assert "worn" in screen.text
        engine.answers["do-step"] = lambda _c: SEALED
        await screen.press("f9")
    assert [told.fields["cause"] for told in engine.commands(DoStep)] == ["worn", "worn"]


async def test_enter_writes_nothing(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", *["enter"] * 14)
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


async def test_any_of_a_list_is_ticked_with_space_and_enter_only_goes_on(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn", "enter", "space", "down", "space", "down", "space", "enter")
        assert "data may be lost, the glass may break" in screen.text
        assert "[x] data may be lost" not in screen.text
        await screen.press("f9")
    assert engine.commands(DoStep)[0].fields["risks"] == ["data", "glass"]


def long_list() -> list[dict[str, object]]:
    many = [[f"S{n}", [f"symptom {n}", f"现象{n}"]] for n in range(40)]
    fields = [{**STEPS[1]["fields"][1], "name": "symptoms", "choices": many, "given": None}]
    return [{**STEPS[1], "fields": fields}]


async def test_a_long_list_is_narrowed_by_typing_in_either_language(drive) -> None:
    engine = engine_with_steps(SEALED)
    engine.answers["steps"] = lambda _c: {"steps": long_list()}
    async with drive(engine) as screen:
        await screen.press(*FORM, *"s37", "space", *["backspace"] * 3, "现", "象", "3", "9", "space", "f9")
    assert engine.commands(DoStep)[0].fields["symptoms"] == ["S37", "S39"]


async def test_what_fits_nothing_ticks_nothing(drive) -> None:
    engine = engine_with_steps(SEALED)
    engine.answers["steps"] = lambda _c: {"steps": long_list()}
    async with drive(engine) as screen:
        await screen.press(*FORM, *"zzz", "space")
        assert "none has that in its name" in screen.text
        await screen.press("f9")
    assert "symptoms" not in engine.commands(DoStep)[0].fields


async def test_a_folded_group_opens_with_space_and_what_is_in_it_is_sent_when_it_is_folded_again(drive) -> None:
    engine = engine_with_steps(SEALED)
    async with drive(engine) as screen:
        await screen.press(*FORM, *"worn")
        assert "who decides" not in screen.text
        assert "somebody else decides   filled in: 0 of 2" in screen.text
        await screen.press(*["tab"] * 8, "space", "tab", *"Zhang", "up", "left")
        assert "who decides" not in screen.text
        assert "filled in: 1 of 2" in screen.text
        await screen.press("f9")
    assert engine.commands(DoStep)[0].fields["by"] == "Zhang"


async def test_one_row_alone_is_marked_where_keys_act(drive) -> None:
    async with drive(engine_with_steps(SEALED)) as screen:
        await screen.press(*FORM)
        for _ in range(9):
            assert len([row for row in screen.text.splitlines() if row.startswith(" ▸ ")]) == 1
            await screen.press("tab")


async def test_a_choice_makes_the_preview_stale_too(drive) -> None:
    async with drive(engine_with_steps(SEALED)) as screen:
        await screen.press(*FORM, *"worn", "f8", "tab", "tab", "right")
        assert "249.00 in all" not in screen.text


async def test_a_record_is_chosen_from_those_of_the_ticket_by_who_made_it(drive) -> None:
    engine = engine_with_steps(SEALED)
    field = {**STEPS[1]["fields"][0], "name": "target", "label": ["record", "记录"], "kind": "digest"}
    engine.answers["steps"] = lambda _c: {"steps": [{**STEPS[1], "fields": [field]}]}
    async with drive(engine) as screen:
        await screen.press(*FORM, "right", "right")
        assert "王建国" in screen.text.splitlines()[5]
        await screen.press("f9")
    assert engine.commands(DoStep)[0].fields["target"] == DIGEST


async def test_what_the_record_came_to_stands_beside_what_is_signed(drive) -> None:
    said = [["249.00 in all", "合计 249.00"]]
    async with drive(engine_with_steps({**SEALED, "says": said})) as screen:
        await screen.press(*FORM, *"worn", "f9")
        assert "249.00 in all" in screen.text


async def test_nobody_who_will_not_say_who_they_are_is_asked_again_and_again(drive) -> None:
    async with drive(engine_with_steps(SEALED), person=None) as screen:
        await screen.press("t", "enter", "n")
        assert "Who works here" in screen.header
        await screen.press("escape")
        assert "Ticket T2511" in screen.header


async def test_a_slot_with_a_ticket_leads_to_what_is_to_be_done_next(drive) -> None:
    engine = engine_with_steps(SEALED)
    engine.session_now = session(run=None)
    async with drive(engine) as screen:
        await screen.press("1", "enter", "n")
        assert "What to do next · T2511-0412" in screen.header


async def test_the_whole_checklist_of_a_stage_is_offered_before_those_for_a_part_of_the_phone(
    drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = ChecklistChoice("android-battery", Words("Battery", "电池"), ("intake", "diagnosis"))
    monkeypatch.setattr("ui_script.checklists", lambda: [battery, *CHECKLISTS])
    engine = scripted()
    engine.session_now = session(slot=10, run=None, ticket=None)
    async with drive(engine) as screen:
        await screen.press("1", "0", "k", "f9")
    assert engine.commands(StartRun)[0].checklist == "android-intake"


async def test_what_was_taken_down_is_seen_where_it_is_signed(drive) -> None:
    engine = scripted()
    engine.session_now = session(slot=10, run=None, ticket=None)
    engine.answers["intake"] = lambda _c: {"ticket": "T2511-0001", "record": DIGEST}
    async with drive(engine) as screen:
        await screen.press("1", "0", "n", *"dead", "f9")
        assert "complaint: dead" in screen.text


async def test_the_intake_form_asks_who_it_is_before_and_f9_is_pressed_once(drive) -> None:
    engine = scripted()
    engine.session_now = session(slot=10, run=None, ticket=None)
    engine.answers["intake"] = lambda _c: {"ticket": "T2511-0001", "record": DIGEST}
    async with drive(engine, person=None) as screen:
        await screen.press("1", "0", "n")
        assert "Who works here" in screen.header
        await screen.press("enter", *"dead")
        assert engine.commands(Intake) == []
        await screen.press("f9")
    assert len(engine.commands(Intake)) == 1


async def test_a_run_that_was_cut_short_goes_on_from_its_result_and_nothing_waits_in_it(drive) -> None:
    engine = engine_for(next(page for page in PAGES if page.name == "result-stopped"))
    async with drive(engine) as screen:
        await screen.press("1", "enter")
        assert "not run Wi-Fi" in screen.text
        assert "waiting" not in screen.text
        await screen.press("c")
        assert "Slot 1 · 小米14 Ultra" in screen.header
    assert len(engine.commands(ResumeRun)) == 1


async def test_a_form_that_opens_on_a_list_shows_its_beginning(drive) -> None:
    engine = engine_with_steps(SEALED)
    [fields] = [one["fields"] for one in STEPS if one["id"] == "plan"]
    marks = {**fields[1], "name": "faces", "required": True, "group": ["what is seen", "外观"]}
    more = [{**fields[0], "name": f"more{n}"} for n in range(20)]
    engine.answers["steps"] = lambda _c: {"steps": [{**STEPS[1], "fields": [marks, *more]}]}
    async with drive(engine, size=(100, 30)) as screen:
        await screen.press(*FORM)
        assert "what is seen" in screen.text
        assert "[ ] data may be lost" in screen.text


async def test_a_dry_run_is_ended_before_its_phone_is_taken_in(drive) -> None:
    engine = scripted()
    view = asked("choice", choices=CHOICES)
    card = view.card.model_copy(update={"ticket": ""})
    engine.session_now = view.model_copy(update={"card": card, "ticket": None})
    async with drive(engine) as screen:
        await screen.press("1", "enter")
        assert "x stop" in screen.footer
        assert "intake" not in screen.footer
