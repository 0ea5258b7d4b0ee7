"""What a person does at the bench, key by key, and what the engine is told."""

from __future__ import annotations

import base64

import pytest
from textual.widgets import Input
from ui_script import (
    CHOICES,
    DIGEST,
    LI,
    NOW,
    PIN,
    asked,
    passed_rows,
    run,
    running_rows,
    sample_bench,
    scripted,
    session,
    ticket,
)

from drivers.text import Words
from station.messages import (
    AbortRun,
    AnswerPrompt,
    CloseRun,
    CommitRecord,
    EvidenceQuery,
    FlushOutbox,
    Intake,
    PrepareRelease,
    PrepareSignoff,
    ReportUnlock,
    ResumeRun,
    Retest,
    SkipPrompt,
    StartRun,
    TicketsQuery,
    Watch,
)

SLOT_1 = ("1", "enter")


# --- the overview ---


async def test_a_digit_opens_its_slot_and_the_slot_is_watched_until_one_leaves(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press("3")
        assert "Slot 3" in screen.header
        assert engine.commands(Watch)[-1].slot == 3
        await screen.press("b")
        assert "Overview" in screen.header
        assert engine.commands(Watch)[-1].slot is None


async def test_two_digits_open_a_two_digit_slot(drive) -> None:
    async with drive(scripted()) as screen:
        await screen.press("1")
        assert "slot 1_" in screen.text
        await screen.press("0")
        assert "Slot 10" in screen.header


async def test_g_goes_to_what_has_waited_longest(drive) -> None:
    async with drive(scripted()) as screen:
        await screen.press("g")
        assert "Slot 4" in screen.header


async def test_digits_of_no_slot_open_nothing(drive) -> None:
    async with drive(scripted()) as screen:
        await screen.press("1", "7")
        assert "Overview" in screen.header


async def test_the_header_says_simulated_on_every_page_of_a_simulated_station_only(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        for keys in (("question_mark",), ("o",), ("t",)):
            await screen.press(*keys)
            assert "SIMULATED" in screen.header
            await screen.press("escape")
        engine.show(sample_bench(version=2, simulated=False))
        await screen.settle()
        assert "SIMULATED" not in screen.header


# --- prompts ---


@pytest.mark.parametrize(("key", "value"), [("+", "good"), ("-", "bad")])
async def test_a_verdict_is_one_key(drive, key: str, value: str) -> None:
    engine = scripted()
    engine.session_now = asked("verdict")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, key)
    [answer] = engine.commands(AnswerPrompt)
    assert (answer.attempt, answer.prompt, answer.value, answer.person) == ("a7", "volume-up", value, "wang")


@pytest.mark.parametrize("kind", ["verdict", "choice", "wait"])
async def test_enter_is_never_a_verdict(drive, kind: str) -> None:
    engine = scripted()
    engine.session_now = asked(kind, choices=CHOICES)
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "enter", "enter", "space", "f9", "tab", "enter")
    assert engine.commands(AnswerPrompt) == []


async def test_not_applicable_asks_for_the_reason_and_enter_does_not_give_it(drive) -> None:
    engine = scripted()
    engine.session_now = asked("verdict")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "0", "f9")
        assert engine.commands(AnswerPrompt) == []
        await screen.type("no such part")
        await screen.press("enter")
        assert engine.commands(AnswerPrompt) == []
        await screen.press("f9")
    [answer] = engine.commands(AnswerPrompt)
    assert (answer.value, answer.note) == ("not-applicable", "no such part")


async def test_a_choice_is_its_key_and_keys_of_no_choice_do_nothing(drive) -> None:
    engine = scripted()
    engine.session_now = asked("choice", choices=CHOICES)
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "7", "+", "-")
        assert engine.commands(AnswerPrompt) == []
        await screen.press("4")
    assert [one.value for one in engine.commands(AnswerPrompt)] == ["four"]


async def test_a_text_is_typed_and_enter_submits_it(drive) -> None:
    engine = scripted()
    engine.session_now = asked("text")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, *"SN-0+0-1", "enter")
    assert [one.value for one in engine.commands(AnswerPrompt)] == ["SN-0+0-1"]


async def test_when_the_time_is_up_no_key_answers_any_more(drive) -> None:
    engine = scripted()
    engine.session_now = asked("verdict", ends_ms=NOW + 5_000)
    async with drive(engine) as screen:
        await screen.press(*SLOT_1)
        assert "0:05 left" in screen.text
        screen.app.feed.clock.monotonic.seconds += 6
        screen.app.screen.on_second()
        await screen.press("+", "-")
        assert "the time is up: this is recorded as not run" in screen.text
        assert "judge" not in screen.footer
    assert engine.commands(AnswerPrompt) == []


async def test_skipping_needs_a_reason(drive) -> None:
    engine = scripted()
    engine.session_now = asked("wait")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "s", "f9")
        assert engine.commands(SkipPrompt) == []
        await screen.type("button broken off")
        await screen.press("f9")
    [skipped] = engine.commands(SkipPrompt)
    assert (skipped.reason, skipped.attempt) == ("button broken off", "a7")


async def test_undo_tries_the_check_again_that_was_answered_last(drive) -> None:
    engine = scripted()
    engine.session_now = asked("verdict")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "u")
        assert engine.commands(Retest) == []
        await screen.press("-", "u")
    [again] = engine.commands(Retest)
    assert (again.run, again.check, again.confirmed) == ("T2511-0412-r1", "battery-electrical", False)


async def test_a_retest_that_needs_a_yes_asks_for_it_and_enter_is_no_yes(drive) -> None:
    engine = scripted()
    engine.refuse("retest", "run.confirm")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "up", "r")
        assert "that cannot be" in screen.text
        engine.refusals.clear()
        await screen.press("enter")
        assert [one.confirmed for one in engine.commands(Retest)] == [False]
        await screen.press("f9")
    assert [(one.check, one.confirmed) for one in engine.commands(Retest)] == [("cameras", False), ("cameras", True)]


async def test_somebody_must_be_signed_on_before_a_verdict_counts(drive) -> None:
    engine = scripted()
    engine.session_now = asked("verdict")
    async with drive(engine, person=None) as screen:
        await screen.press(*SLOT_1, "+")
        assert "Who works here" in screen.header
        assert engine.commands(AnswerPrompt) == []
        await screen.press("down", "enter", "+")
    assert [one.person for one in engine.commands(AnswerPrompt)] == ["li"]


# --- runs ---


@pytest.mark.parametrize(
    ("sealed", "due", "checklist"),
    [
        ((), "intake", "android-intake"),
        (("intake",), "self-check", "android-post-repair"),
        (("intake", "self-check"), "cross-check", "android-cross-check"),
    ],
)
async def test_the_stage_that_the_ticket_waits_for_is_offered_first(drive, sealed, due, checklist) -> None:
    engine = scripted()
    runs = tuple(run(passed_rows(), "sealed", run=f"r-{stage}", stage=stage) for stage in sealed)
    engine.session_now = session(slot=10, run=None, ticket=ticket(runs=runs))
    async with drive(engine) as screen:
        await screen.press("1", "0", "k", "f9")
        assert "Slot 10 · OnePlus 12" in screen.header
    [started] = engine.commands(StartRun)
    assert (started.slot, started.checklist, started.stage) == (10, checklist, due)


async def test_the_tickets_page_says_why_a_run_stopped_until_it_is_sealed(drive) -> None:
    engine, why = scripted(), Words("the bench stopped in the middle", "检测中途工位中断")
    cut = run(passed_rows(), "finished", stopped=why)
    engine.answers["ticket"] = lambda _c: ticket(runs=(cut,)).model_dump(mode="json")
    async with drive(engine) as screen:
        await screen.press("t", "enter")
        assert "! the bench stopped in the middle" in screen.text
    sealed = cut.model_copy(update={"state": "sealed", "record": "ab" * 32})
    engine.answers["ticket"] = lambda _c: ticket(runs=(sealed,)).model_dump(mode="json")
    async with drive(engine) as screen:
        await screen.press("t", "enter")
        assert "not signed" in screen.text
        assert "the bench stopped" not in screen.text


async def test_any_other_stage_can_be_chosen_in_the_order_of_a_ticket(drive) -> None:
    engine = scripted()
    engine.session_now = session(slot=10, run=None, ticket=ticket(runs=()))
    async with drive(engine) as screen:
        await screen.press("1", "0", "k", "down", "f9")
    [started] = engine.commands(StartRun)
    assert started.stage == "diagnosis"


async def test_a_note_goes_with_the_answer_to_its_prompt_and_with_no_other(drive) -> None:
    engine = scripted()
    engine.session_now = asked("choice", choices=CHOICES)
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "m")
        await screen.type("chip at the lower left corner")
        await screen.press("f9")
        assert "chip at the lower left corner" in screen.text
        await screen.press("4")
        engine.show_session(asked("choice", choices=CHOICES, id="other"))
        await screen.press("4")
    assert [one.note for one in engine.commands(AnswerPrompt)] == ["chip at the lower left corner", ""]


async def test_stopping_a_run_needs_a_reason(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "x")
        await screen.type("wrong phone")
        await screen.press("f9")
    assert [(one.run, one.reason) for one in engine.commands(AbortRun)] == [("T2511-0412-r1", "wrong phone")]


async def test_what_is_left_of_an_interrupted_run_can_be_gone_on_with(drive) -> None:
    engine = scripted()
    rows = [one if one.state == "ended" else one.model_copy(update={"state": "waiting"}) for one in running_rows()]
    engine.session_now = session(run=run(rows, "finished", resumable=("keys",)))
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "escape", "c")
    assert [one.run for one in engine.commands(ResumeRun)] == ["T2511-0412-r1"]


async def test_a_refusal_says_what_whose_side_and_what_next(drive) -> None:
    engine = scripted()
    engine.refuse("retest")
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "up", "r")
        told = "\n".join(screen.text.splitlines()[-5:])
    assert "that cannot be [person]" in told
    assert "→ do it otherwise" in told


# --- verdict and signature ---


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        (passed_rows(), "✔ PASS"),
        (running_rows()[:2], "! warn"),
        (running_rows()[:7], "✘ FAIL"),
        ((*passed_rows(), *running_rows()[8:]), "– not run"),
        ((), "– not run"),
        (tuple(one.model_copy(update={"verdict": None}) for one in passed_rows()), "– not run"),
        (
            tuple(one.model_copy(update={"verdict": "none", "ending": "timed-out"}) for one in passed_rows()),
            "– not run",
        ),
    ],
)
async def test_a_finished_run_shows_its_verdict_once(drive, rows, word: str) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press(*SLOT_1)
        engine.show_session(session(version=2, run=run(rows, "finished")))
        await screen.settle()
        assert f"┌─ {word} ─" in screen.text
        await screen.press("space")
        engine.show_session(session(version=3, run=run(rows, "finished")))
        await screen.settle()
        assert f"┌─ {word} ─" not in screen.text


async def test_sealing_signing_and_what_is_signed(drive) -> None:
    engine = scripted()
    engine.session_now = session(run=run(passed_rows(), "finished", stage="self-check"))
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "f9")
        assert [one.run for one in engine.commands(CloseRun)] == ["T2511-0412-r1"]
        [prepared] = engine.commands(PrepareSignoff)
        assert (prepared.target, prepared.role, prepared.meaning) == (DIGEST, "technician", "performed")
        assert DIGEST in screen.text
        assert "performed: I did this" in screen.text
        await screen.type(PIN)
        await screen.press("enter")
        assert engine.commands(CommitRecord) == []
        await screen.press("f9")
        assert "signed, stored" in screen.text
        signer = screen.app.stand.signer
    [commit] = engine.commands(CommitRecord)
    [(person, payload)] = signer.signed
    assert person == "wang"
    assert base64.b64decode(commit.payload) == payload
    signer.keys["wang"].public_key().verify(base64.b64decode(commit.signature), payload)
    assert [one.outcome for one in engine.commands(ReportUnlock)] == ["opened"]


async def test_a_wrong_pin_signs_nothing_is_reported_and_is_not_kept(drive) -> None:
    engine = scripted()
    engine.session_now = session(run=run(passed_rows(), "finished"))
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "f9")
        await screen.type("wrong")
        assert "wrong" not in screen.text
        await screen.press("f9")
        assert "wrong PIN [person]" in screen.text
        assert screen.app.screen.query_one(Input).value == ""
    assert engine.commands(CommitRecord) == []
    assert [(one.outcome, one.failures) for one in engine.commands(ReportUnlock)] == [("wrong", 1)]


async def test_leaving_the_signature_leaves_no_result(drive) -> None:
    engine = scripted()
    engine.session_now = session(run=run(passed_rows(), "finished"))
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "f9")
        await screen.type(PIN)
        await screen.press("escape")
        assert "not signed: nothing counts yet" in screen.text
    assert engine.commands(CommitRecord) == []


async def test_a_statement_that_cannot_be_read_is_not_signed(drive) -> None:
    engine = scripted()
    engine.session_now = session(run=run(passed_rows(), "finished"))
    engine.answers["prepare-signoff"] = lambda _c: {"payload": base64.b64encode(b"[1,2]").decode()}
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "f9")
        await screen.type(PIN)
        await screen.press("f9")
        assert "cannot be read" in screen.text
    assert engine.commands(CommitRecord) == []


async def test_a_dry_run_is_never_signed(drive) -> None:
    engine = scripted()
    engine.session_now = session(run=run(passed_rows(), "finished", ticket=""))
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, "f9")
        assert "dry run" in screen.text
        assert "seal and sign" not in screen.footer
    assert engine.commands(CloseRun) == []


# --- intake, tickets, cross-check, outbox, evidence ---


async def test_an_intake_is_written_with_what_the_phone_says_and_then_signed(drive) -> None:
    engine = scripted()
    engine.session_now = session(slot=10, run=None, ticket=None)
    async with drive(engine) as screen:
        await screen.press("1", "0", "n", "f9")
        assert engine.commands(Intake) == []
        await screen.type("no sound")
        await screen.press("enter", "enter", "enter", "enter", "enter", "space", "tab", "space", "f9")
        assert "What you sign" in screen.text
    [intake] = engine.commands(Intake)
    assert (intake.slot, intake.imei, intake.complaint, intake.person) == (10, "356938035643809", "no sound", "wang")
    assert intake.data_notice_confirmed
    assert intake.test_consent


async def test_tickets_are_found_as_one_types(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press("t")
        await screen.type("mi")
        await screen.press("down", "enter")
        assert "Ticket T2511-0411" in screen.header
    assert "mi" in [one.text for one in engine.commands(TicketsQuery)]


async def test_the_self_check_stays_hidden_until_the_cross_check_is_judged(drive) -> None:
    engine = scripted()
    async with drive(engine, person=LI) as screen:
        await screen.press("q", "enter")
        hidden = [text for text in screen.text.splitlines() if "battery health" in text]
        assert "··" in hidden[0]
        assert "PASS" not in hidden[0]
        runs = (*ticket().runs, run(passed_rows(), "sealed", run="r3", stage="cross-check", record=DIGEST))
        engine.answers["ticket"] = lambda _c: ticket(runs=runs).model_dump(mode="json")
        await screen.press("*")
        shown = [text for text in screen.text.splitlines() if "battery health" in text]
        assert shown[0].count("✔ PASS") == 2


async def test_a_refused_release_shows_every_reason_and_cannot_be_signed(drive) -> None:
    engine = scripted()
    reasons = [["the inspector repaired this phone", "互检人修过此机"], ["keys: not run", "按键: 未检"]]
    engine.answers["prepare-release"] = lambda _c: {"decision": "refused", "reasons": reasons}
    async with drive(engine, person=LI) as screen:
        await screen.press("q", "enter")
        assert engine.commands(PrepareRelease) == []
        await screen.press("f9")
        assert "release refused" in screen.text
        assert "the inspector repaired this phone" in screen.text
        assert "keys: not run" in screen.text
        assert "What you sign" not in screen.text
    assert [one.person for one in engine.commands(PrepareRelease)] == ["li"]


async def test_a_release_is_signed_by_the_inspector(drive) -> None:
    engine = scripted()
    async with drive(engine, person=LI) as screen:
        await screen.press("q", "enter", "f9")
        assert "decision" in screen.text
        await screen.type(PIN)
        await screen.press("f9")
        assert "released, and waiting for head office" in screen.text
    assert len(engine.commands(CommitRecord)) == 1


async def test_the_outbox_says_why_and_can_be_tried_now(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press("o")
        assert "head office does not answer" in screen.text
        await screen.press("down", "down")
        assert "did not take it" in screen.text
        await screen.press("r")
    assert len(engine.commands(FlushOutbox)) == 1


async def test_evidence_is_asked_for_by_whoever_looks_and_shown_inert(drive) -> None:
    engine = scripted()
    async with drive(engine) as screen:
        await screen.press(*SLOT_1, *("up",) * 9, "v", "enter")
        assert "␛[2Jgone␇" in screen.text
    assert [(one.sha256, one.person) for one in engine.commands(EvidenceQuery)] == [(DIGEST, "wang")]


# --- keys and language ---


async def test_the_language_changes_at_once(drive) -> None:
    async with drive(scripted()) as screen:
        assert "FAIL" in screen.text
        await screen.press("f2")
        assert "不合格" in screen.text
        assert "FAIL" not in screen.text
        await screen.press("f2")
        assert "不合格" not in screen.text


async def test_words_from_the_engine_are_shown_in_the_language_in_use(drive) -> None:
    engine = scripted()
    engine.bench_now = sample_bench(troubles=(Words("the cable is bad", "数据线有问题"),))
    async with drive(engine) as screen:
        assert "the cable is bad" in screen.text
        await screen.press("f2")
        assert "数据线有问题" in screen.text
