"""The rules as data: complete, sourced, extended by a shop and never narrowed; exchanges; one map of findings."""

from __future__ import annotations

from typing import Any

import pytest

from checklists.diagnosis.load import shipped_policy
from reports.warranty.exchange import basis_of, conditions_for, must_go_in, stays_behind, unmet
from reports.warranty.faults import mapped, row_words
from reports.warranty.rules import PolicyError, shipped, with_policy

RULES = shipped()


def test_the_periods_are_those_of_the_rule() -> None:
    assert {item.id: item.months for item in RULES.items.values()} == {
        "handset": 12,
        "battery": 6,
        "earphone": 3,
        "charger": 12,
        "data-cable": 12,
        "terminal-card": 12,
        "data-card": 12,
    }


def test_every_source_leads_to_a_page_and_every_page_is_used() -> None:
    used = {ref for one in (*RULES.sources.values(), *RULES.promises.values()) for ref in one.refs}
    assert used == set(RULES.refs)


def test_every_row_of_the_fault_table_belongs_to_an_item_and_the_other_way_round() -> None:
    ours = {row for item in RULES.items.values() for row in item.rows}
    assert ours == {row.id for row in shipped_policy().rows}


def test_every_text_is_there_in_both_languages() -> None:
    named = [*RULES.items.values(), *RULES.exclusions.values(), *RULES.conditions, *RULES.things.values()]
    named += [*RULES.sources.values(), *RULES.promises.values()]
    assert all(one.words.en.strip() and one.words.zh.strip() for one in named)


def test_what_goes_in_is_known() -> None:
    assert all(thing in RULES.things for things in RULES.goes_in.values() for thing in things)


# --- the shop's layer


def test_no_policy_changes_nothing() -> None:
    assert with_policy(RULES, {}) is RULES


def test_a_shop_may_promise_more_and_charge_less() -> None:
    policy = {
        "refund_bp": 25,
        "call_needed": False,
        "promises": {"Acme": {"return_days": 14, "months": {"battery": 12}, "zh": "承诺", "en": "promise"}},
        "goes_in": {"Acme": ["handset", "box"]},
    }
    more = with_policy(RULES, policy)
    assert (more.terms.refund_bp, more.terms.call_needed) == (25, False)
    promise = more.promise("ACME ")
    assert promise is not None
    assert (promise.return_days, promise.exchange_days, promise.months) == (14, 0, {"battery": 12})
    assert more.list_for("acme") == ("handset", "box")
    assert more.list_for("other") == RULES.goes_in["default"]
    assert more.promise("vivo") == RULES.promise("vivo")
    assert more.sha256 != RULES.sha256


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"refund_bp": 51}, "refund_bp must be a whole number from 0 to 50"),
        ({"refund_bp": True}, "refund_bp"),
        ({"refund_bp": 12.5}, "refund_bp"),
        ({"call_needed": "no"}, "call_needed must be true or false"),
        ({"retrun_days": 7}, "retrun_days is not known"),
        ({"promises": []}, "promises must be a table"),
        ({"promises": {"acme": 30}}, "promises.acme must be a table"),
        ({"promises": {"acme": {"return_days": 6}}}, "promises.acme.return_days must be a whole number from 7"),
        ({"promises": {"acme": {"exchange_days": 14}}}, "promises.acme.exchange_days must be a whole number from 15"),
        ({"promises": {"acme": {"months": {"battery": 5}}}}, "months.battery must be a whole number from 6"),
        ({"promises": {"acme": {"months": {"lid": 5}}}}, "lid is not known"),
        ({"promises": {"acme": {"days": 5}}}, "promises.acme.days is not known"),
        ({"goes_in": {"acme": []}}, "goes_in.acme must be a list"),
        ({"goes_in": {"acme": ["hat"]}}, "hat is not known"),
        ({"goes_in": {"acme": "box"}}, "goes_in.acme must be a list"),
    ],
)
def test_a_policy_that_gives_less_or_is_not_understood_is_refused(policy: dict[str, Any], why: str) -> None:
    with pytest.raises(PolicyError, match=why) as refused:
        with_policy(RULES, policy)
    assert refused.value.words.zh


# --- exchanges


@pytest.mark.parametrize(
    ("source", "basis"),
    [
        ("return", "opening-box"),
        ("exchange", "fifteen-day"),
        ("promise", "fifteen-day"),
        ("two-repairs", "repeat"),
        ("late-parts", "repeat"),
        ("no-model", "repeat"),
    ],
)
def test_what_gives_the_remedy_says_which_conditions_there_are(source: str, basis: str) -> None:
    assert basis_of(source) == basis


def test_opening_box_damage_asks_for_film_tag_labels_shell_and_copies() -> None:
    asked = {one.id for one in conditions_for(RULES, "opening-box")}
    assert {"film", "network-tag", "back-label", "shell", "imei-label", "card-copies"} <= asked


def test_after_two_repairs_nobody_asks_for_an_unworn_film_or_shell() -> None:
    asked = {one.id for one in conditions_for(RULES, "repeat")}
    assert not {"film", "shell", "box"} & asked
    assert {"imei-label", "card-copies", "repair-records"} <= asked


def test_a_condition_that_is_not_met_is_named() -> None:
    every = {one.id for one in conditions_for(RULES, "fifteen-day")}
    assert unmet(RULES, "fifteen-day", "handset", every) == ()
    assert [one.id for one in unmet(RULES, "fifteen-day", "handset", every - {"shell"})] == ["shell"]


def test_of_a_handset_only_the_handset_goes_in() -> None:
    assert must_go_in(RULES, "", "handset")[0].id == "handset"
    given = ("handset", "charger", "battery", "invoice-copy")
    assert [one.id for one in stays_behind(RULES, "", "handset", given)] == ["charger", "battery"]


def test_of_an_accessory_the_accessory_goes_in_and_the_handset_stays() -> None:
    wanted = [one.id for one in must_go_in(RULES, "", "charger")]
    assert wanted[0] == "charger"
    assert "handset" not in wanted
    assert [one.id for one in stays_behind(RULES, "", "charger", (*wanted, "handset"))] == ["handset"]


def test_a_brand_may_want_the_box_and_the_charger_too() -> None:
    more = with_policy(RULES, {"goes_in": {"acme": ["handset", "charger", "box"]}})
    assert [one.id for one in must_go_in(more, "Acme", "handset")] == ["handset", "charger", "box"]
    assert stays_behind(more, "Acme", "handset", ("handset", "charger", "box")) == ()


# --- findings


def test_every_finding_stands_in_a_row_or_has_a_reason() -> None:
    policy = shipped_policy()
    for finding in policy.findings:
        found = mapped([finding.code])
        assert (len(found.rows), len(found.outside), found.unknown) in ((1, 0, ()), (0, 1, ())), finding.code
        assert not found.rows or found.rows == (finding.row,)


def test_rows_come_once_and_in_the_table_s_order() -> None:
    codes = [one.code for one in shipped_policy().findings]
    rows = mapped([*codes, *codes]).rows
    order = [row.id for row in shipped_policy().rows]
    assert list(rows) == sorted(set(rows), key=order.index)


def test_a_code_that_nobody_knows_is_said_to_be_unknown() -> None:
    assert mapped(["NO-SUCH-CODE"]).unknown == ("NO-SUCH-CODE",)


def test_a_row_is_printed_as_the_table_has_it() -> None:
    assert row_words("no-ring").zh == "无振铃"
    assert row_words("???").en == "???"
