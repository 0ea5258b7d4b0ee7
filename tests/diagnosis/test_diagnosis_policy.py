"""The policy of diagnosis is whole: it knows every code of every shipped check, and refers to nothing unknown."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from checklists.diagnosis.load import SHIPPED, load_policy, shipped_policy
from checklists.load import load_checks
from checklists.problems import ChecklistErrors

POLICY = shipped_policy()


def emitted() -> dict[str, set[str]]:
    """Each fault code with the shipped checks that give it."""
    found: dict[str, set[str]] = {}
    for check in load_checks().values():
        for code in {check.finding, *(limit.finding for limit in check.limits)} - {None}:
            found.setdefault(str(code), set()).add(check.id)
    return found


def test_every_fault_code_of_every_shipped_check_is_known_with_the_checks_that_give_it() -> None:
    known = {finding.code: set(finding.checks) for finding in POLICY.findings if not finding.awaited}
    missing = {code: sorted(checks) for code, checks in emitted().items() if code not in known}
    assert not missing, f"add these to checklists/diagnosis/policy/findings.toml: {missing}"
    assert {code: checks for code, checks in emitted().items() if known[code] != checks} == {}


def test_a_code_that_no_shipped_check_gives_is_marked_as_awaited_and_no_other_is() -> None:
    assert {one.code for one in POLICY.findings if one.awaited} == {one.code for one in POLICY.findings} - set(
        emitted()
    )


def test_every_shipped_check_has_a_word_for_how_far_it_can_be_believed() -> None:
    assert set(load_checks()) - {check.id for check in POLICY.checks} == set()


def test_every_finding_stands_in_the_fault_table_or_says_why_it_does_not() -> None:
    for finding in POLICY.findings:
        assert (finding.row is None) != (finding.exempt is None), finding.code


def test_every_code_and_every_complaint_leads_to_some_cause_or_is_told_apart_as_leading_nowhere() -> None:
    """A symptom that no cause has would be asked for in vain; history and check-ups are no complaints."""
    led = {symptom for cause in POLICY.causes for symptom in cause.complaints}
    assert {one.id for one in POLICY.symptoms if one.group not in ("none",)} - led == set()


def test_a_cause_is_mended_softly_before_it_is_opened() -> None:
    repairs = {repair.id: repair for repair in POLICY.repairs}
    rank = {"easy": 0, "moderate": 1, "difficult": 2, "board": 3}
    for cause in POLICY.causes:
        order = [(repairs[one].layer == "hard", rank[repairs[one].difficulty]) for one in cause.repairs]
        assert order == sorted(order), cause.id


def test_opening_a_phone_names_the_water_seal_as_a_risk() -> None:
    for repair in POLICY.repairs:
        if repair.layer == "hard" and repair.difficulty != "easy":
            assert "water-seal" in repair.risks, repair.id


def test_strengths_are_probabilities_in_the_order_of_their_words() -> None:
    words = POLICY.strengths
    for table in (words.sign, words.complaint, words.prior):
        values = list(table.values())
        assert values == sorted(values, reverse=True)
        assert all(0 < value < 1 for value in values)
    assert all(0 < value < 1 for value in (*words.false_alarm.values(), *words.vagueness.values()))


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("causes.toml", 'prior = "common"', 'prior = "comon"', "comon is not known here; did you mean common?"),
        ("causes.toml", "signs.BATTERY-WORN", "signs.BATTERY-WRON", "BATTERY-WRON is not known here; did you mean"),
        ("findings.toml", 'row = "battery"', 'row = "batery"', "batery is not known here; did you mean battery?"),
        ("repairs.toml", 'id = "restart"', 'id = "replace-port"', "replace-port stands here twice"),
        ("symptoms.toml", 'vagueness = "vague"', "vagueness = 3", "must be a text in quotes, not 3"),
    ],
)
def test_what_is_wrong_in_a_policy_is_told_with_file_and_line(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    shutil.copytree(SHIPPED, tmp_path / "policy")
    path = tmp_path / "policy" / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ChecklistErrors) as caught:
        load_policy(tmp_path / "policy")
    lines = [str(problem) for problem in caught.value.problems]
    assert any(told in line and re.search(rf"{file}(:\d+)?:", line) for line in lines), lines


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "policy")
    assert load_policy(tmp_path / "policy").sha256 == POLICY.sha256
    path = tmp_path / "policy" / "strengths.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("often = 0.5", "often = 0.6"), encoding="utf-8")
    assert load_policy(tmp_path / "policy").sha256 != POLICY.sha256
