"""Every rule of a release: the good way passes, and each single departure from it is refused with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from records_builder import (
    OTHER_PHONE,
    PHONE,
    SALT,
    Case,
    Shop,
    attempt,
    checklist,
    good_case,
    prompt,
)

from checklists.canonical import checklist_sha256, dump
from checklists.schema import Checklist
from checklists.verdict import Ending, Stage, Verdict
from reports.attest import assemble_envelope, generate_key, open_record, sign
from reports.predicates import (
    AttemptV1,
    Commitment,
    DeclinedV1,
    DeviceRef,
    EvidenceRef,
    IdentityV1,
    PlannedPartV1,
    RoleV1,
)
from reports.record import commit, digest_of
from reports.release import ReleaseDecision, ReleasePolicy, verify_release
from reports.roster import Roster
from reports.steps.clock import ClockV1
from reports.steps.delivery import CollectorV1, DeliveryV1, HandedOverV1, SettledV1
from reports.steps.diagnosis import DiagnosisV1
from reports.steps.notice import NoticeV1
from reports.steps.send_out import SendBackV1, SendOutV1

LOW, WARN, GOOD = Decimal(70), Decimal(82), Decimal(93)
ALL_GOOD: dict[str, Any] = {"battery": GOOD, "display": True, "charger": Decimal(4)}

Attempts = Callable[[Checklist], list[AttemptV1]]


def answered_by(person: str) -> Attempts:
    """Good attempts, with a prompt that this person answered."""

    def tried(used: Checklist) -> list[AttemptV1]:
        return [attempt(check, ALL_GOOD[check.id], prompts=(prompt(person),)) for check in used.checks]

    return tried


def display_ends(ending: Ending, prompts: tuple[Any, ...] = ()) -> Attempts:
    """Good attempts but for the display, which ends without a verdict."""

    def tried(used: Checklist) -> list[AttemptV1]:
        good = [attempt(check, ALL_GOOD[check.id]) for check in used.checks if check.id != "display"]
        return [*good, attempt(used.check("display"), None, ending=ending, prompts=prompts)]

    return tried


def started(simulated: bool = True, intake_values: dict[str, Any] | None = None) -> Case:
    case = Case(Shop(simulated=simulated))
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang", values=intake_values))
    return case


def codes(case: Case, approver: str | None = "li", **how: Any) -> list[str]:
    return case.decide(approver=approver, **how).codes


# --- the good way ----------------------------------------------------------------------------------------------------


def test_a_ticket_done_by_the_rules_is_released() -> None:
    decision = good_case().decide()
    assert (decision.decision, decision.why, decision.waivers, decision.notes) == ("released", (), (), ())
    assert decision.cross_checked
    assert decision.phone == PHONE


def test_real_records_are_released_as_well() -> None:
    assert good_case(simulated=False).decide().released


def test_before_the_release_record_the_approver_is_judged_and_the_lists_are_told() -> None:
    case = good_case()
    case.envelopes.pop()
    assert codes(case, approver=None) == ["no-release"]
    decision = case.decide(approver="li")
    assert decision.released
    lists = decision.lists
    assert lists
    assert open_record(case.envelopes[0]).digest == lists.intake
    assert (lists.consent, lists.waivers) == (None, ())


def test_another_inspector_than_the_one_who_cross_checked_may_approve() -> None:
    case = good_case()
    case.envelopes.pop()
    case.release("chen")
    assert case.decide().released


def test_every_reason_is_given_in_both_languages_and_once() -> None:
    decision = Case().decide()
    assert decision.codes == ["intake", "no-self-check", "no-cross-check", "no-release"]
    assert all(words.en and words.zh and words.en != words.zh for words in decision.reasons)


def test_all_reasons_are_told_not_only_the_first() -> None:
    case = started()
    first = case.self_check(values={"battery": LOW, "display": None})
    case.cross_check(first, person="li", confirms="0" * 64)
    found = codes(case, approver="wang")
    assert {"failed", "not-run", "confirms", "approver", "regression"} <= set(found)


# --- four eyes -------------------------------------------------------------------------------------------------------


def by_two(case: Case, technician: str = "wang", inspector: str = "li") -> Case:
    case.cross_check(case.self_check(technician), inspector)
    return case


def grant(case: Case, person: str, *roles: str) -> None:
    """Give a person further roles from now on."""
    at_ms = case.shop.now_ms + 10
    grants = tuple(RoleV1(role=role, from_ms=at_ms + 5000, to_ms=None) for role in roles)
    event = case.shop.key_event(
        "roles", person, signers=("bench-1", "zhao"), approved_by="zhao", at_ms=at_ms + 5000, roles=grants
    )
    case.shop.events.append(event)
    case.shop.tick(10_000)


def test_the_same_person_cannot_self_check_and_cross_check() -> None:
    case = started()
    grant(case, "wang", "technician", "inspector")
    by_two(case, "wang", "wang")
    assert case.shop.roster.problems == ()
    assert set(codes(case)) == {"four-eyes"}
    assert "four-eyes" in codes(case, approver="wang")


def test_an_inspector_who_repaired_cannot_cross_check_nor_release() -> None:
    case = started()
    grant(case, "li", "technician", "inspector")
    plan = case.by_technician(case.shop.plan())
    case.by_technician(case.shop.consent(plan))
    case.by_technician(case.shop.repair("li"), "li")
    by_two(case)
    assert codes(case, approver="chen") == ["four-eyes"]
    assert codes(case, approver="li") == ["four-eyes", "four-eyes"]


@pytest.mark.parametrize("fitter", ["li", "wang"])
def test_an_inspector_who_fitted_a_part_or_only_signed_for_it_is_out(fitter: str) -> None:
    case = started()
    grant(case, "li", "technician", "inspector")
    plan = case.by_technician(case.shop.plan())
    case.by_technician(case.shop.consent(plan))
    part = case.by_technician(case.shop.part_use(fitter), fitter)
    case.add(case.shop.signoff(part, "li", "technician", "performed"))
    by_two(case)
    assert codes(case, approver="chen") == ["four-eyes"]


def test_an_inspector_of_an_earlier_self_check_is_out_even_when_it_was_amended() -> None:
    case = started()
    grant(case, "li", "technician", "inspector")
    earlier = case.self_check("li")
    case.add(case.shop.amend(earlier))
    by_two(case)
    assert codes(case, approver="chen") == ["four-eyes"]


def test_an_inspector_who_answered_a_prompt_of_the_self_check_is_out() -> None:
    case = started()
    case.cross_check(case.self_check(attempts=answered_by("li")))
    assert codes(case, approver="chen") == ["four-eyes"]


def test_a_technician_who_answers_the_prompts_of_the_cross_check_spoils_it() -> None:
    case = started()
    case.cross_check(case.self_check(), attempts=answered_by("wang"))
    assert codes(case) == ["four-eyes"]


def test_one_public_key_under_two_ids_and_two_names_is_one_pair_of_eyes() -> None:
    """A roster that was tampered with: the same key listed for two people under two key ids."""
    case = by_two(started())
    roster = case.shop.roster
    wang, li = roster.current_key("wang"), roster.current_key("li")
    assert wang
    assert li
    keys = {**roster.keys, li.id: replace(li, public=wang.public)}
    twin = replace(roster, keys=MappingProxyType(keys))
    envelopes = []
    for envelope in case.envelopes:
        opened = open_record(envelope)
        forged = sign(opened.envelope.payload, case.shop.keys["wang"])[1]
        signatures = [
            (one.key_id, forged if one.key_id == li.id else one.signature) for one in opened.envelope.signatures
        ]
        envelopes.append(assemble_envelope(opened.envelope.payload, signatures))
    decision = verify_release(envelopes, twin, approver="li", at_ms=case.shop.now_ms)
    assert "four-eyes" in decision.codes


def test_two_key_ids_of_one_person_are_one_pair_of_eyes() -> None:
    case = started()
    grant(case, "wang", "technician", "inspector")
    run = case.self_check("wang")
    old, new = case.shop.keys["wang"], generate_key()
    case.shop.events.append(
        case.shop.key_event(
            "rotate",
            "wang",
            key=new,
            signers=("bench-1", new, old),
            replaces=open_record(case.shop.events[2]).statement.raw["key"]["id"],
            approved_by="wang",
        )
    )
    case.shop.keys["wang"] = new
    case.cross_check(run, "wang")
    assert case.shop.roster.problems == ()
    assert codes(case) == ["four-eyes"]


def test_the_one_who_self_checked_cannot_approve_the_release() -> None:
    case = started()
    grant(case, "wang", "technician", "inspector")
    by_two(case)
    assert codes(case, approver="wang") == ["four-eyes"]
    case.add(case.shop.release(case.decide(approver="li"), "wang"))
    assert case.decide().codes == ["four-eyes"]


@pytest.mark.parametrize("approver", ["wang", "zhao", "bench-1", "nobody"])
def test_only_an_inspector_approves_a_cross_checked_phone(approver: str) -> None:
    assert "approver" in codes(by_two(started()), approver=approver)


def test_a_role_that_has_ended_does_not_sign() -> None:
    case = started()
    grant(case, "li", "technician")  # no inspector any more
    by_two(case)
    found = codes(case, approver="chen")
    assert found == ["record", "unsigned"]


# --- sign-offs -------------------------------------------------------------------------------------------------------


def without(case: Case, place: int) -> Case:
    del case.envelopes[place]
    return case


@pytest.mark.parametrize(("place", "what"), [(1, "intake/v1"), (4, "self"), (6, "cross")])
def test_a_missing_sign_off_is_a_reason(place: int, what: str) -> None:
    case = without(by_two(started()), place)
    assert codes(case) == ["unsigned"], what


def test_the_meaning_of_a_sign_off_must_match_the_stage() -> None:
    case = started()
    run = case.add(case.shop.run(Stage.SELF_CHECK, "wang"))
    case.add(case.shop.signoff(run, "wang", "technician", "verified"))
    case.cross_check(run)
    assert codes(case) == ["unsigned"]


def test_a_sign_off_by_somebody_else_than_the_one_who_did_it_does_not_count() -> None:
    case = started()
    run = case.self_check()
    cross = case.add(case.shop.run(Stage.CROSS_CHECK, "li", confirms=digest_of(run)))
    case.add(case.shop.signoff(cross, "chen", "inspector", "verified"))
    assert codes(case) == ["unsigned"]


def test_a_sign_off_moved_to_another_ticket_phone_checklist_or_stage_does_not_count() -> None:
    """It names the digest of its target, and the target names all of these."""
    case, other = started(), started()
    other.shop = case.shop
    run = case.self_check()
    elsewhere = other.self_check()
    signed = open_record(other.envelopes[-1])
    case.add(other.envelopes[-1])
    case.cross_check(run)
    assert "target" in codes(case)
    assert signed.statement.subject == digest_of(elsewhere)


def test_a_sign_off_that_names_the_wrong_kind_is_refused() -> None:
    case = started()
    run = case.add(case.shop.run(Stage.SELF_CHECK, "wang"))
    case.add(case.shop.signoff(run, "wang", "technician", "performed", target_kind="intake/v1"))
    case.cross_check(run)
    assert "target" in codes(case)


def test_a_key_level_under_the_policy_is_refused() -> None:
    decision = by_two(started()).decide(approver="li", policy=ReleasePolicy(min_key_level=2))
    assert set(decision.codes) == {"key-level"}


# --- belonging -------------------------------------------------------------------------------------------------------


def test_records_of_another_ticket_or_phone_are_refused() -> None:
    case = started()
    run = case.self_check()
    case.cross_check(run, phone=OTHER_PHONE)
    assert codes(case) == ["phone"]
    case = started()
    run = case.self_check()
    case.shop.ticket = "T-0002"
    case.cross_check(run)
    assert codes(case) == ["ticket"]


def test_simulated_and_real_records_never_mix() -> None:
    case, real = started(), Shop(simulated=False)
    real.keys, real.now_ms = case.shop.keys, case.shop.now_ms + 60_000
    run = case.self_check()
    case.add(real.run(Stage.CROSS_CHECK, "li", confirms=digest_of(run)))
    assert codes(case) == ["record", "no-cross-check"]


def test_a_board_swap_binds_the_old_phone_and_the_new() -> None:
    case = started()
    plan = case.by_technician(case.shop.plan())
    case.by_technician(case.shop.consent(plan))
    case.by_technician(case.shop.repair(new_phone=OTHER_PHONE))
    case.cross_check(case.self_check(phone=OTHER_PHONE), phone=OTHER_PHONE)
    decision = case.decide(approver="li")
    assert decision.released, decision.why
    assert decision.phone == OTHER_PHONE


def test_two_intakes_are_refused_and_a_corrected_one_is_replaced() -> None:
    case = Case()
    first = case.intake()
    second = case.intake(complaint="other words")
    by_two(case)
    assert codes(case) == ["intake"]
    case.add(case.shop.amend(first, replacement=second))
    decision = case.decide(approver="li")
    assert decision.released, decision.why
    assert any("amended" in note.en for note in decision.notes)


def test_an_amendment_by_somebody_who_is_no_lead_is_refused() -> None:
    case = by_two(started())
    case.add(case.shop.amend(case.envelopes[0], person="li", role="inspector"))
    assert codes(case) == ["amend"]


def test_garbage_and_badly_signed_records_refuse_the_release() -> None:
    for wrong in (b"garbage", b"{}", assemble_envelope(b"{}", [sign(b"{}", generate_key())])):
        case = by_two(started())
        case.add(wrong)
        assert codes(case) == ["record"]


def test_an_unknown_version_of_a_run_never_counts_and_is_named() -> None:
    case = started()
    run = case.shop.run(Stage.SELF_CHECK, "wang")
    payload = open_record(run).envelope.payload.replace(b"urn:assay:run/v1", b"urn:assay:run/v2")
    case.add(assemble_envelope(payload, [sign(payload, case.shop.keys["bench-1"])]))
    decision = case.decide(approver="li")
    assert "no-self-check" in decision.codes
    assert any("run/v2" in note.en for note in decision.notes)


def test_a_roster_with_a_forged_event_refuses_everything() -> None:
    case = by_two(started())
    forged = case.shop.enrolment("thief", ("lead",), "wang")
    roster = Roster.fold([*case.shop.events, forged])
    decision = verify_release(case.envelopes, roster, approver="li", at_ms=case.shop.now_ms)
    assert decision.codes == ["roster"]


# --- the cross-check -------------------------------------------------------------------------------------------------


def test_the_cross_check_confirms_exactly_the_last_self_check() -> None:
    case = started()
    first = case.self_check()
    case.cross_check(first)
    case.self_check()
    assert codes(case) == ["confirms"]


def test_a_repair_after_the_self_check_needs_a_new_one() -> None:
    case = started()
    plan = case.by_technician(case.shop.plan())
    case.by_technician(case.shop.consent(plan))
    by_two(case)
    case.by_technician(case.shop.repair())
    assert "repaired-later" in codes(case)
    by_two(case)
    assert codes(case) == []


def test_without_a_cross_check_only_a_leads_waiver_lets_it_go_and_the_answer_says_so() -> None:
    case = started()
    run = case.self_check()
    assert codes(case) == ["no-cross-check"]
    case.add(case.shop.waiver("no-cross-check", [run]))
    decision = case.decide(approver="zhao")
    assert (decision.decision, decision.cross_checked) == ("released-with-waiver", False)
    assert decision.waivers[0].printed_name == "Zhao M."
    case.release("zhao", "lead")
    assert case.decide().decision == "released-with-waiver"


def test_a_waiver_for_another_self_check_does_not_cover_this_one() -> None:
    case = started()
    earlier = case.self_check()
    case.add(case.shop.waiver("no-cross-check", [earlier]))
    case.self_check(values={"battery": WARN})
    assert codes(case) == ["no-cross-check"]


def test_a_cross_check_that_was_done_and_failed_cannot_be_waived_away_as_not_done() -> None:
    case = started()
    run = case.self_check()
    case.cross_check(run, values={"battery": LOW})
    case.add(case.shop.waiver("no-cross-check", [run]))
    assert "failed" in codes(case)


# --- required checks -------------------------------------------------------------------------------------------------


def both(case: Case, **how: Any) -> tuple[bytes, bytes]:
    first = case.self_check(**how)
    return first, case.cross_check(first, **how)


def test_a_warning_and_a_failing_check_that_is_not_required_are_enough() -> None:
    case = started(intake_values={"charger": Decimal(5)})
    both(case, values={"battery": WARN, "charger": Decimal(5)})
    decision = case.decide(approver="li")
    assert decision.released, decision.why
    assert any("warns" in note.en for note in decision.notes)


@pytest.mark.parametrize(
    ("values", "code"), [({"battery": LOW}, "failed"), ({"battery": None}, "not-run"), ({"display": False}, "failed")]
)
def test_a_required_check_that_fails_or_was_not_run_refuses(values: dict[str, Any], code: str) -> None:
    case = started(intake_values=values)
    both(case, values=values)
    assert codes(case) == [code, code]


@pytest.mark.parametrize("ending", sorted(set(Ending) - {Ending.COMPLETED, Ending.NOT_APPLICABLE}))
def test_an_attempt_that_did_not_complete_is_not_run(ending: Ending) -> None:
    case = started()
    both(case, attempts=display_ends(ending))
    assert codes(case) == ["not-run", "not-run"]


def test_not_applicable_by_the_phones_own_evidence_satisfies() -> None:
    case = started()
    both(case, attempts=display_ends(Ending.NOT_APPLICABLE))
    assert codes(case) == []


def test_a_persons_not_applicable_needs_a_waiver() -> None:
    case = started()
    first = case.self_check(attempts=display_ends(Ending.NOT_APPLICABLE, (prompt("wang"),)))
    case.cross_check(first, attempts=display_ends(Ending.NOT_APPLICABLE, (prompt("li"),)))
    assert codes(case) == ["not-run", "not-run"]


def test_the_latest_attempt_counts_and_the_earlier_ones_stay() -> None:
    def again(values: tuple[Any, Any]) -> Attempts:
        def tried(used: Checklist) -> list[AttemptV1]:
            out = [attempt(check, ALL_GOOD[check.id]) for check in used.checks if check.id != "battery"]
            return out + [attempt(used.check("battery"), value, n=n) for n, value in enumerate(values, 1)]

        return tried

    case = started()
    both(case, attempts=again((LOW, GOOD)))
    assert codes(case) == []
    case = started()
    both(case, attempts=again((GOOD, LOW)))
    assert "failed" in codes(case)


def test_a_required_check_left_out_of_the_run_is_found_on_the_record_alone() -> None:
    def left_out(used: Checklist) -> list[AttemptV1]:
        return [attempt(used.check("battery"), GOOD), attempt(used.check("charger"), Decimal(4))]

    case = started()
    both(case, attempts=left_out)
    decision = case.decide(approver="li")
    assert decision.codes == ["omitted", "omitted"]
    assert "display" in decision.reasons[0].en


def test_a_required_check_left_out_of_the_checklist_is_found_by_the_allowed_digests() -> None:
    allowed = frozenset(checklist(stage).sha256 for stage in (Stage.SELF_CHECK, Stage.CROSS_CHECK))
    case = started()
    first = case.self_check(used=checklist(Stage.SELF_CHECK, drop="display"))
    case.cross_check(first)
    assert case.decide(approver="li").released
    assert codes(case, policy=ReleasePolicy(checklists=allowed)) == ["checklist"]


def test_an_unknown_checklist_key_or_a_checklist_that_is_not_its_digest_is_refused() -> None:
    honest = checklist(Stage.SELF_CHECK)
    unknown = {**dump(honest), "colour": "blue"}
    for changes in (
        {"checklist": unknown, "checklist_sha256": checklist_sha256(unknown)},
        {"checklist_sha256": "0" * 64},
        {"checklist": {}},
    ):
        case = started()
        case.cross_check(case.self_check(**changes))
        assert "checklist" in codes(case), changes


def test_a_checklist_of_another_stage_is_refused() -> None:
    case = started()
    case.cross_check(case.self_check(used=checklist(Stage.INTAKE)))
    assert codes(case) == ["checklist"]


def test_an_attempt_of_a_check_that_the_checklist_does_not_have_is_refused() -> None:
    def more(used: Checklist) -> list[AttemptV1]:
        out = [attempt(check, ALL_GOOD[check.id]) for check in used.checks]
        return [*out, out[0].model_copy(update={"check": "invented"})]

    case = started()
    case.cross_check(case.self_check(attempts=more))
    assert codes(case) == ["unknown-check"]


def improve(**changes: Any) -> Attempts:
    """A battery that failed, with the record changed afterwards."""

    def tried(used: Checklist) -> list[AttemptV1]:
        good = {"battery": LOW, "display": True, "charger": Decimal(4)}
        out = [attempt(check, good[check.id]) for check in used.checks]
        measurement = changes.get("measurement", {})
        first = out[0].measurements[0].model_copy(update=measurement)
        updated = {"measurements": (first,), **changes.get("attempt", {})}
        return [out[0].model_copy(update=updated), *out[1:]]

    return tried


PASSED = {"verdict": Verdict.PASS, "finding": None, "reason": None}


@pytest.mark.parametrize(
    ("tried", "code"),
    [
        (improve(attempt=PASSED), "verdict"),
        (improve(attempt=PASSED, measurement={"verdict": Verdict.PASS}), "verdict"),
        (improve(attempt={"verdict": Verdict.NONE}), "verdict"),
        (improve(attempt=PASSED, measurement={"verdict": Verdict.INFO, "limit": None}), "verdict"),
        (improve(attempt={**PASSED, "measurements": ()}), "verdict"),
        (improve(attempt={**PASSED, "ending": Ending.SKIPPED}), "verdict"),
        (improve(attempt={**PASSED, "n": 2}), "attempts"),
    ],
)
def test_a_verdict_that_does_not_follow_from_its_measurements_is_refused(tried: Attempts, code: str) -> None:
    case = started()
    case.cross_check(case.self_check(attempts=tried))
    assert code in codes(case)


def test_a_loosened_limit_is_refused() -> None:
    def loosened(used: Checklist) -> list[AttemptV1]:
        out = [attempt(check, ALL_GOOD[check.id]) for check in used.checks]
        measurement = out[0].measurements[0]
        limit = {**(measurement.limit or {}), "min": {"v": 10, "e": 0}}
        loose = measurement.model_copy(update={"limit": limit})
        return [out[0].model_copy(update={"measurements": (loose,)}), *out[1:]]

    case = started()
    case.cross_check(case.self_check(attempts=loosened))
    assert codes(case) == ["verdict"]


# --- waivers and declined faults -------------------------------------------------------------------------------------


def test_a_leads_concession_covers_exactly_the_failed_check_of_the_runs_that_it_names() -> None:
    case = started(intake_values={"battery": LOW})
    first, second = both(case, values={"battery": LOW})
    case.add(case.shop.waiver("concession", [first], ("battery",)))
    assert codes(case) == ["failed"], "the cross-check failed as well"
    case.add(case.shop.waiver("concession", [second], ("battery",)))
    decision = case.decide(approver="li")
    assert decision.decision == "released-with-waiver"
    assert [use.checks for use in decision.waivers] == [("battery",), ("battery",)]
    case.release()
    assert case.decide().decision == "released-with-waiver"


@pytest.mark.parametrize(
    ("kind", "checks", "values"),
    [
        ("not-run", ("battery",), {"battery": LOW}),
        ("concession", ("battery",), {"battery": None}),
        ("concession", ("display",), {"battery": LOW}),
    ],
)
def test_a_waiver_of_the_wrong_kind_or_check_covers_nothing(
    kind: str, checks: tuple[str, ...], values: dict[str, Any]
) -> None:
    case = started(intake_values=values)
    runs = both(case, values=values)
    case.add(case.shop.waiver(kind, list(runs), checks))
    assert not case.decide(approver="li").released


def test_a_check_not_run_is_let_pass_only_as_such() -> None:
    case = started()
    runs = both(case, values={"display": None})
    case.add(case.shop.waiver("not-run", list(runs), ("display",)))
    assert case.decide(approver="li").decision == "released-with-waiver"


def test_who_waives_neither_repaired_nor_self_checked() -> None:
    case = started(intake_values={"battery": LOW})
    grant(case, "zhao", "lead", "technician")
    first = case.self_check("zhao", values={"battery": LOW})
    second = case.cross_check(first, values={"battery": LOW})
    case.add(case.shop.waiver("concession", [first, second], ("battery",)))
    assert {"waiver", "failed"} <= set(codes(case))


def test_a_waiver_by_somebody_who_is_no_lead_is_refused() -> None:
    case = started(intake_values={"battery": LOW})
    runs = both(case, values={"battery": LOW})
    case.add(case.shop.waiver("concession", list(runs), ("battery",), person="chen", role="inspector"))
    assert {"waiver", "failed"} <= set(codes(case))


def declined_case(finding: str | None = "F-battery", consented: bool = True, at_intake: Any = LOW) -> Case:
    case = started(intake_values={"battery": at_intake})
    entry = DeclinedV1(check="battery", finding=finding, note="too dear")
    plan = case.by_technician(case.shop.plan(declined=(entry,)))
    if consented:
        case.by_technician(case.shop.consent(plan))
    both(case, values={"battery": LOW})
    return case


def test_a_fault_known_at_intake_and_declined_by_plan_consent_is_no_obstacle_and_is_named() -> None:
    decision = declined_case().decide(approver="li")
    assert decision.decision == "released", decision.why
    assert [(one.check, one.finding) for one in decision.declined] == [("battery", "F-battery")]


@pytest.mark.parametrize(
    "how", [{"consented": False}, {"finding": "F-other"}, {"at_intake": GOOD}, {"at_intake": None}]
)
def test_declined_counts_only_for_that_fault_seen_at_intake_and_consented(how: dict[str, Any]) -> None:
    assert "failed" in codes(declined_case(**how))


def test_consent_to_an_earlier_plan_is_not_consent_to_the_last() -> None:
    case = declined_case()
    later = case.shop.plan()
    case.by_technician(later)
    assert "failed" in codes(case)


# --- nothing worse, no part changed ----------------------------------------------------------------------------------


def test_nothing_may_be_worse_than_at_intake_even_where_it_is_not_required() -> None:
    case = started()
    runs = both(case, values={"charger": Decimal(5)})
    decision = case.decide(approver="li")
    assert decision.codes == ["regression", "regression"]
    assert "charger" in decision.reasons[0].en
    case.add(case.shop.waiver("concession", list(runs), ("charger",)))
    assert case.decide(approver="li").decision == "released-with-waiver"


def test_a_new_intake_run_after_the_work_began_does_not_hide_a_regression() -> None:
    case = started()
    plan = case.by_technician(case.shop.plan())
    case.by_technician(case.shop.consent(plan))
    case.add(case.shop.run(Stage.INTAKE, "wang", values={"charger": Decimal(5)}))
    both(case, values={"charger": Decimal(5)})
    assert codes(case) == ["regression", "regression"]


def test_without_a_run_at_intake_the_answer_says_that_nothing_could_be_compared() -> None:
    case = Case()
    case.intake()
    by_two(case)
    decision = case.decide(approver="li")
    assert decision.released
    assert any("compare" in note.en for note in decision.notes)


def with_serial(serial: str) -> Attempts:
    def tried(used: Checklist) -> list[AttemptV1]:
        serials = {"battery": serial}
        return [attempt(check, ALL_GOOD[check.id], serial=serials.get(check.id)) for check in used.checks]

    return tried


def swapped(after: str, cross: str, parts: tuple[PlannedPartV1, ...] = ()) -> list[str]:
    case = Case()
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang", attempts=with_serial("A1")))
    if parts:
        plan = case.by_technician(case.shop.plan(parts=parts))
        case.by_technician(case.shop.consent(plan))
        case.by_technician(case.shop.part_use())
    first = case.self_check(attempts=with_serial(after))
    case.cross_check(first, attempts=with_serial(cross))
    return codes(case)


def test_a_part_changes_only_by_the_consented_plan_and_never_between_the_checks() -> None:
    planned = (PlannedPartV1(part="battery", number="B-1", changes=("battery:serial",)),)
    assert swapped("A1", "A1") == []
    assert swapped("B2", "B2") == ["part-changed"]
    assert swapped("B2", "B2", planned) == []
    assert swapped("B2", "C3", planned) == ["part-changed"]


def test_whatever_was_repaired_needs_the_customers_plan_consent() -> None:
    case = started()
    case.by_technician(case.shop.repair())
    by_two(case)
    assert codes(case) == ["no-plan-consent"]


# --- the release record ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"intake": "0" * 64},
        {"self_run": "0" * 64},
        {"performed": "0" * 64},
        {"cross_run": None},
        {"verified": "0" * 64},
        {"consent": "0" * 64},
        {"waivers": ("0" * 64,)},
        {"decision": "released-with-waiver"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_release_that_lists_anything_else_is_refused(changes: dict[str, Any]) -> None:
    case = by_two(started())
    case.release(**changes)
    assert case.decide().codes == ["lists"]


def test_a_release_for_another_phone_is_refused() -> None:
    case = by_two(started())
    case.release(phone=OTHER_PHONE)
    assert set(case.decide().codes) == {"phone"}


def test_a_release_not_meant_as_approval_is_refused() -> None:
    case = by_two(started())
    case.release(meaning="performed")
    assert case.decide().codes == ["approver"]


def test_whatever_is_done_after_the_release_needs_another_release() -> None:
    case = good_case()
    run = case.self_check()
    case.cross_check(run)
    found = case.decide().codes
    assert "worked-later" in found
    case.release()
    assert case.decide().released


def test_an_amended_run_does_not_bring_an_older_one_back_to_life() -> None:
    case = started()
    by_two(case)
    worse = case.self_check(values={"battery": LOW})
    case.add(case.shop.amend(worse))
    assert "no-self-check" in codes(case)


def test_a_release_can_be_taken_back_by_an_amendment() -> None:
    case = good_case()
    case.add(case.shop.amend(case.envelopes[-1]))
    assert case.decide().codes == ["no-release"]


# --- the trap matrix -------------------------------------------------------------------------------------------------


def test_leaving_out_any_single_record_is_never_released() -> None:
    case = good_case()
    optional = {2}  # the intake run: then the answer says that nothing could be compared
    for place in range(len(case.envelopes)):
        rest = case.envelopes[:place] + case.envelopes[place + 1 :]
        decision: ReleaseDecision = verify_release(rest, case.shop.roster)
        assert decision.released is (place in optional), place


def test_the_order_of_the_two_runs_matters() -> None:
    case = good_case()
    run, cross = case.envelopes[3], case.envelopes[5]
    case.envelopes[3], case.envelopes[5] = cross, run
    assert "confirms" in case.decide().codes


def test_the_same_answer_comes_out_every_time_and_duplicates_change_nothing() -> None:
    case = good_case()
    first = case.decide()
    case.envelopes.append(case.envelopes[0])
    assert case.decide() == first


def test_a_run_made_on_a_bug_report_is_no_check_of_the_phone() -> None:
    case = started()
    report = DeviceRef(
        phone=PHONE, transport="bugreport", port="bugreport-1: 2023-11-14 22:24:00", manufacturer="Acme", model="One",
        platform="android", os_version="14", build="A",
    )  # fmt: skip
    case.self_check(device=report)
    assert "recorded" in codes(case)


# --- out to the factory and back, fitted parts, no fault found -------------------------------------------------------


def sent_out(case: Case) -> bytes:
    predicate = SendOutV1(
        **case.shop.common(),
        person="wang",
        plan="0" * 64,
        destination="factory",
        receiver="Factory",
        carrier="SF",
        waybill="SF1",
        seal="S1",
        photos=(photo(),),
        sent=("handset",),
        data_state="backed-up",
        reason="board",
        sent_ms=case.shop.now_ms,
        due_ms=case.shop.now_ms,
    )
    return case.by_technician(case.shop.sign("send-out/v1", PHONE, predicate, case.shop.station))


def came_back(case: Case, out: bytes, new_phone: Commitment | None = None) -> None:
    predicate = SendBackV1(
        **case.shop.common(),
        person="wang",
        send_out=digest_of(out),
        carrier="SF",
        waybill="SF2",
        seal="S2",
        seal_whole=True,
        photos=(photo(),),
        came=("handset",),
        missing=(),
        outcome="exchanged" if new_phone else "repaired",
        report="done",
        parts=(),
        new_phone=new_phone,
        new_identities=(),
        returned_ms=case.shop.now_ms,
        away_ms=1,
        decision="whole",
    )
    case.by_technician(case.shop.sign("send-back/v1", PHONE, predicate, case.shop.station))


def photo() -> EvidenceRef:
    return EvidenceRef(name="seal.jpg", content=PHONE, bytes=1, media_type="image/jpeg")


def test_a_phone_at_the_factory_is_not_released() -> None:
    case = by_two(started())
    sent_out(case)
    assert codes(case) == ["at-factory"]


def test_back_from_the_factory_a_phone_is_looked_at_as_at_intake_before_its_checks_count() -> None:
    case = started()
    came_back(case, sent_out(case))
    assert codes(by_two(case)) == ["no-re-intake"]
    again = started()
    came_back(again, sent_out(again))
    again.add(again.shop.run(Stage.INTAKE, "wang"))
    assert codes(by_two(again)) == []


def test_checks_from_before_the_factory_do_not_count_after_it() -> None:
    case = by_two(started())
    came_back(case, sent_out(case))
    assert "checked-before-return" in codes(case)


def test_what_the_factory_made_worse_is_held_against_the_intake_after_it_not_the_one_before() -> None:
    case = started(intake_values=ALL_GOOD)
    came_back(case, sent_out(case))
    case.add(case.shop.run(Stage.INTAKE, "wang", values={**ALL_GOOD, "charger": Decimal(6)}))
    first = case.self_check(values={**ALL_GOOD, "charger": Decimal(6)})
    case.cross_check(first, values={**ALL_GOOD, "charger": Decimal(6)})
    assert "regression" not in codes(case)


def test_another_unit_from_the_factory_is_the_ticket_s_phone_from_then_on() -> None:
    case = started()
    came_back(case, sent_out(case), new_phone=OTHER_PHONE)
    case.add(case.shop.run(Stage.INTAKE, "wang", phone=OTHER_PHONE))
    first = case.self_check(phone=OTHER_PHONE)
    case.cross_check(first, phone=OTHER_PHONE)
    decision = case.decide(approver="li")
    assert (decision.codes, decision.phone) == ([], OTHER_PHONE)


def fitted(after: str) -> list[str]:
    """A battery of serial B2 is said to be fitted where A1 was; the phone reports `after`."""
    case = Case()
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang", attempts=with_serial("A1")))
    planned = (PlannedPartV1(part="battery", number="B-1", changes=("battery:serial",)),)
    plan = case.by_technician(case.shop.plan(parts=planned))
    case.by_technician(case.shop.consent(plan))
    place = IdentityV1(kind="battery:serial", value=commit(SALT, "serial", "B2"))
    case.by_technician(case.shop.part_use(reported=(place,)))
    case.cross_check(case.self_check(attempts=with_serial(after)), attempts=with_serial(after))
    return codes(case)


def test_a_part_that_was_fitted_is_the_one_that_the_phone_reports() -> None:
    assert fitted("B2") == []
    assert fitted("A1") == ["part-not-fitted"]
    assert fitted("C3") == []  # written differently on the label: a note, no refusal


def diagnosed(case: Case, decision: str) -> None:
    predicate = DiagnosisV1(
        **case.shop.common(),
        person="wang",
        policy="0" * 64,
        runs=(),
        symptoms=(),
        outcome="none",
        findings=(),
        ranked=(),
        chosen="",
        cause="",
        why="",
        tries=(),
        until_ms=None,
        decision=decision,  # type: ignore[arg-type]
    )
    case.by_technician(case.shop.sign("diagnosis/v1", PHONE, predicate, case.shop.station))


def test_no_fault_found_is_never_a_release() -> None:
    case = started()
    diagnosed(case, "no-fault-found")
    assert codes(by_two(case)) == ["no-fault-found"]


def test_a_cause_that_was_found_later_opens_the_way_again() -> None:
    case = started()
    diagnosed(case, "no-fault-found")
    diagnosed(case, "cause-found")
    assert codes(by_two(case)) == []


def handed_back(case: Case) -> None:
    predicate = DeliveryV1(
        **case.shop.common(),
        decision="delivered",
        person="wang",
        phone=PHONE,
        seen="scanned",
        release=None,
        exchange=None,
        consent=None,
        shown=(),
        collector=CollectorV1(capacity="owner", name=None, authority=(), way="paper", reference=None, proof=()),
        handed_over=HandedOverV1(accessories="", complete=True, missing="", old_parts="none"),
        settled=SettledV1(currency="CNY", charges=(), due_fen=0, paid_fen=0, refund_fen=0, pay_way="none", invoice=""),
        marks=(),
        notes=(),
        warranty=None,
        delivered_ms=case.shop.now_ms,
    )
    case.by_technician(case.shop.sign("delivery/v1", PHONE, predicate, case.shop.station))


def test_a_phone_that_was_handed_back_stays_released_as_it_was() -> None:
    case = good_case()
    handed_back(case)
    assert case.decide().released


def test_a_phone_that_is_taken_in_again_is_judged_anew_and_what_was_before_is_closed() -> None:
    case = good_case()
    handed_back(case)
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang"))
    assert codes(case) == ["no-self-check", "no-cross-check"]
    by_two(case)
    assert codes(case) == []
    case.release()
    assert case.decide().released


def test_what_the_customer_was_told_before_the_phone_came_is_about_no_phone() -> None:
    case = Case()
    request = digest_of(b"ticket:T1")
    told: dict[str, Any] = {"person": "wang", "to": None, "text": Commitment(commitment="0" * 64)}
    told |= {"template": "0" * 64, "key": "0" * 64, "adapter": "folder", "sent_ms": case.shop.now_ms}
    notice = NoticeV1(**case.shop.common(), **told, decision="sent", topic="registered", round=1, language="zh")
    case.by_technician(case.shop.sign("notice/v1", request, notice, case.shop.station))
    stopped = {"person": "wang", "why": "customer", "reason": "comes later", "at_ms": case.shop.now_ms}
    clock = ClockV1(**case.shop.common(), **stopped, decision="paused")
    case.by_technician(case.shop.sign("clock/v1", request, clock, case.shop.station))
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang"))
    assert codes(by_two(case)) == []
