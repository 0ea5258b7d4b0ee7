"""The order of checks: what comes first, and what is said of a wrong order."""

from __future__ import annotations

from itertools import pairwise

from building import check
from hypothesis import given
from hypothesis import strategies as st

from checklists.ordering import order, order_problems
from checklists.schema import Check


def ids(checks: list[Check]) -> str:
    return " ".join(one.id for one in checks)


def test_soft_then_hard_automatic_then_asking_quick_then_slow_harmless_then_writing() -> None:
    checks = [
        check("ask-hard", layer="hard", person=True),
        check("hard", layer="hard"),
        check("hard-slow", layer="hard", cost="slow"),
        check("soft-write", writes=True),
        check("soft-ask", person=True),
        check("soft"),
        check("soft-slow", cost="slow"),
    ]
    ordered = order(checks)
    assert ids(ordered) == "soft soft-write soft-slow soft-ask hard hard-slow ask-hard"
    assert order_problems(ordered) == []


def test_a_check_comes_after_what_it_must_follow_even_against_the_other_rules() -> None:
    checks = [check("quick", after=["asked"]), check("asked", person=True), check("other")]
    ordered = order(checks)
    assert ids(ordered) == "other asked quick"
    assert order_problems(ordered) == []


def test_a_misplaced_check_is_named_once_with_the_rule() -> None:
    checks = [check("h1", layer="hard"), check("h2", layer="hard"), check("late")]
    [problem] = order_problems(checks)
    assert problem.place == 2
    assert problem.what.en == "late must come before h1: soft checks come before hard checks"
    assert problem.what.zh == "late 应排在 h1 之前：软件检测先于硬件检测"


def test_a_check_to_follow_that_is_missing_or_late_is_told() -> None:
    problems = order_problems([check("a", after=["b", "c"]), check("b")])
    assert [problem.what.en for problem in problems] == [
        "a must come after b",
        "a must come after c, which this checklist does not contain",
    ]


def test_a_circle_ends_and_is_told() -> None:
    circle = [check("a", after=["b"]), check("b", after=["a"])]
    assert len(order(circle)) == 2
    assert order_problems(order(circle))


CHECKS = st.lists(
    st.builds(
        lambda layer, person, cost, writes, after: (layer, person, cost, writes, after),
        st.sampled_from(["soft", "hard"]),
        st.booleans(),
        st.sampled_from(["quick", "slow"]),
        st.booleans(),
        st.sets(st.integers(0, 9), max_size=2),
    ),
    max_size=10,
).map(
    lambda rows: [
        check(f"c{n}", layer=layer, person=person, cost=cost, writes=writes, after=[f"c{m}" for m in after if m < n])
        for n, (layer, person, cost, writes, after) in enumerate(rows)
    ]
)


@given(CHECKS, st.randoms())
def test_every_set_of_checks_without_circles_has_an_order_without_problems(checks: list[Check], shuffle) -> None:  # type: ignore[no-untyped-def]
    shuffle.shuffle(checks)
    ordered = order(checks)
    assert sorted(one.id for one in ordered) == sorted(one.id for one in checks)
    assert order_problems(ordered) == []
    assert order(ordered) == ordered


@given(CHECKS)
def test_swapping_two_neighbours_of_different_rank_is_told(checks: list[Check]) -> None:
    plain = [one.model_copy(update={"after": ()}) for one in checks]
    ordered = order(plain)
    for at, (first, then) in enumerate(pairwise(ordered)):
        if (first.layer, first.person, first.cost, first.writes) != (then.layer, then.person, then.cost, then.writes):
            swapped = [*ordered[:at], then, first, *ordered[at + 2 :]]
            assert order_problems(swapped)
