"""What a diagnosis says and keeps to: reasons for and against, abstaining, two faults, and not run is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists.diagnosis.diagnose import Diagnosis, Outcome, diagnose, order_by_symptom
from checklists.diagnosis.evidence import Evidence, Said, Suspect
from checklists.diagnosis.load import shipped_policy
from checklists.load import load_checks, shipped
from checklists.ordering import order_problems
from checklists.verdict import Verdict
from drivers.text import Words

POLICY = shipped_policy()
CHECKS = list(load_checks().values())


def said(check: str, verdict: Verdict = Verdict.PASS, *codes: str) -> Said:
    return Said(check, verdict, codes)


def asked(symptoms: list[str], *words: Said, suspects: tuple[Suspect, ...] = ()) -> Diagnosis:
    return diagnose(POLICY, symptoms, Evidence.of(words, suspects))


WORN = said("battery-health", Verdict.FAIL, "BATTERY-WORN")


def test_a_cause_is_named_with_what_speaks_for_it_and_what_against() -> None:
    answer = asked(["drains-fast"], WORN, said("battery-electrical"), said("apps"))
    assert (answer.outcome, answer.causes) == (Outcome.FOUND, ("battery-worn",))
    top = answer.ranking[0]
    assert [one.sign.key for one in top.speaking_for] == ["BATTERY-WORN", "drains-fast"]
    assert [one.sign.key for one in top.speaking_against] == ["battery-electrical"]
    assert top.speaking_for[0].weight > top.speaking_for[1].weight > 0 > top.speaking_against[0].weight


def test_a_check_that_was_not_run_weighs_nothing_and_is_named_with_its_reason() -> None:
    refused = Said("apps", Verdict.NONE, (), Words("permission denied", "无权限"))
    with_it, without = asked(["drains-fast"], WORN, refused), asked(["drains-fast"], WORN)
    assert [(one.cause.id, one.probability) for one in with_it.ranking] == [
        (one.cause.id, one.probability) for one in without.ranking
    ]
    assert with_it.not_run == {"apps": refused.reason}
    assert "apps" in {one.check for one in asked(["drains-fast"], refused).next_checks}


def test_a_later_run_that_said_nothing_does_not_take_back_what_an_earlier_one_said() -> None:
    evidence = Evidence.of([WORN, Said("battery-health", Verdict.NONE)])
    assert evidence.said["battery-health"].verdict is Verdict.FAIL
    again = Evidence.of([WORN, said("battery-health")])
    assert again.said["battery-health"].verdict is Verdict.PASS


def test_the_complaint_alone_names_no_cause_that_only_a_check_can_show() -> None:
    answer = asked(["flash-dead"])
    assert answer.outcome is Outcome.NOT_ENOUGH
    assert answer.causes == ()
    assert answer.next_checks[0].check == "flash"
    assert answer.separator is not None
    assert answer.separator.check == "flash"
    assert answer.separator.shown[0] > 0.9 > 0.1 > answer.separator.shown[1]


def test_a_cause_beyond_doubt_has_no_rival_to_be_told_from() -> None:
    shape = said("battery-shape", Verdict.FAIL, "BATTERY-SWOLLEN")
    answer = asked(["swollen"], shape, said("appearance", Verdict.FAIL))
    assert (answer.causes, answer.separator) == (("battery-swollen",), None)


def test_what_anybody_sees_needs_no_check() -> None:
    assert asked(["screen-cracked"]).causes == ("display-glass",)


def test_too_little_evidence_offers_only_what_opens_nothing_and_costs_no_part() -> None:
    answer = asked(["drains-fast"])
    assert answer.outcome is Outcome.NOT_ENOUGH
    assert answer.plan
    assert all(step.repair.difficulty == "easy" and step.repair.needs is None for step in answer.plan)


def test_two_faults_at_once_are_both_named() -> None:
    answer = asked(["drains-fast", "key-volume-bad"], WORN, said("keys", Verdict.FAIL, "KEY-VOLUME-UP"))
    assert set(answer.causes) == {"battery-worn", "key-volume"}


def test_a_second_cause_is_not_needed_where_one_explains_all() -> None:
    answer = asked(
        ["no-sound", "call-not-heard"],
        *(said(check, Verdict.FAIL) for check in ("speaker", "earpiece", "microphones")),
        suspects=(Suspect("audio"),),
    )
    assert answer.causes == ("audio-codec",)


def test_no_fault_is_an_answer_of_its_own_when_all_that_could_explain_it_is_well() -> None:
    looked_at = ("cameras", "camera-each", "appearance", "flash", "touch")
    answer = asked(["camera-blurred"], *(said(one) for one in looked_at))
    assert answer.outcome is Outcome.NO_FAULT
    assert answer.causes == ()
    assert answer.sound > 0.66


def test_nothing_seen_is_never_no_fault() -> None:
    for symptoms in ([], ["check-up"], ["drains-fast"]):
        assert asked(symptoms).outcome is Outcome.NOT_ENOUGH


def test_a_warning_weighs_half_a_fail() -> None:
    full = asked(["drains-fast"], WORN).ranking[0].speaking_for[0].weight
    half = asked(["drains-fast"], said("battery-health", Verdict.WARN, "BATTERY-WORN"))
    weight = next(one.weight for one in half.ranking[0].speaking_for if one.sign.key == "BATTERY-WORN")
    assert weight == pytest.approx(full / 2)


@pytest.mark.parametrize(("strength", "share"), [("hardware", 1.0), ("driver", 0.5), ("hint", 0.25)])
def test_a_suspect_weighs_by_what_it_stands_on_and_by_any_of_its_names(strength: str, share: float) -> None:
    def weight(part: str, how: str) -> float:
        answer = asked(["no-service"], said("cellular", Verdict.FAIL, "CELL-MODEM"), suspects=(Suspect(part, how),))  # type: ignore[arg-type]
        return next(one.weight for one in answer.ranking[0].reasons if one.sign.kind == "suspect")

    assert weight("baseband", strength) == pytest.approx(weight("modem", "hardware") * share)


def test_what_no_likely_cause_explains_is_said_so() -> None:
    answer = asked(["key-power-bad"], said("keys", Verdict.FAIL, "KEY-POWER"), said("leave-clean", Verdict.FAIL))
    assert answer.unexplained == ("leave-clean",)


def test_what_the_policy_does_not_know_is_named_and_changes_nothing() -> None:
    known = asked(["drains-fast"], WORN)
    strange = asked(
        ["drains-fast", "sings"], WORN, said("singing", Verdict.FAIL, "SINGS"), suspects=(Suspect("voice"),)
    )
    assert strange.unknown == ("sings", "singing", "voice")
    assert strange.causes == known.causes


def test_a_plan_is_soft_before_hard_and_easy_before_difficult_and_safe_before_all() -> None:
    rank = {"easy": 0, "moderate": 1, "difficult": 2, "board": 3}
    plan = asked(["swollen", "touch-partial"], said("battery-shape", Verdict.FAIL, "BATTERY-SWOLLEN")).plan
    assert plan[0].repair.id == "make-safe"
    rest = [(step.repair.layer == "hard", rank[step.repair.difficulty]) for step in plan[1:]]
    assert rest == sorted(rest)


# --- order -----------------------------------------------------------------------------------------------------------


def test_the_complaint_puts_its_checks_first_among_their_like() -> None:
    hard = ["wifi", "sim", "cameras", "sensors", "battery-health"]
    checks = [check for check in CHECKS if check.id in hard]
    assert order_by_symptom(POLICY, checks, ["camera-fails"])[0].id == "cameras"
    assert order_by_symptom(POLICY, checks, ["drains-fast"])[0].id == "battery-health"


def test_soft_checks_stay_before_hard_ones_whatever_they_are_worth() -> None:
    order = [check.id for check in order_by_symptom(POLICY, CHECKS, ["key-power-bad"])]
    layers = [load_checks()[one].layer.value for one in order]
    assert layers == sorted(layers, reverse=True)


def test_what_has_spoken_comes_after_its_like() -> None:
    checks = [check for check in CHECKS if check.id in ("cameras", "sensors", "wifi")]
    order = order_by_symptom(POLICY, checks, ["camera-fails"], Evidence.of([said("cameras")]))
    assert order[-1].id == "cameras"


SYMPTOMS = st.lists(st.sampled_from([one.id for one in POLICY.symptoms]), max_size=4)
SAID = st.lists(
    st.builds(
        said,
        st.sampled_from([one.id for one in POLICY.checks]),
        st.sampled_from(list(Verdict)),
        st.sampled_from([one.code for one in POLICY.findings]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(SYMPTOMS, SAID)
def test_any_evidence_gives_an_ordered_checklist_that_breaks_no_rule(symptoms: list[str], words: list[Said]) -> None:
    for checklist in shipped():
        ordered = order_by_symptom(POLICY, checklist.checks, symptoms, Evidence.of(words))
        assert sorted(one.id for one in ordered) == sorted(one.id for one in checklist.checks)
        assert order_problems(ordered) == []


@settings(deadline=None, max_examples=60)
@given(SYMPTOMS, SAID)
def test_probabilities_are_probabilities_and_the_same_evidence_gives_the_same_answer(
    symptoms: list[str], words: list[Said]
) -> None:
    answer = asked(symptoms, *words)
    assert 0 <= answer.sound <= 1
    chances = [one.probability for one in answer.ranking]
    assert all(0 <= one <= 1 + 1e-9 for one in chances)
    assert chances == sorted(chances, reverse=True)
    assert (answer.outcome is Outcome.FOUND) <= bool(answer.causes)
    assert asked(symptoms, *words) == answer


@settings(deadline=None, max_examples=60)
@given(SYMPTOMS, SAID)
def test_the_order_in_which_checks_were_run_does_not_matter(symptoms: list[str], words: list[Said]) -> None:
    once = {one.check: one for one in words}
    turned = list(once.values())[::-1]
    forward, backward = asked(symptoms, *once.values()), asked(symptoms[::-1], *turned)
    assert forward.outcome is backward.outcome
    assert set(forward.causes) == set(backward.causes)
