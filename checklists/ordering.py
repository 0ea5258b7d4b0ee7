"""The order of checks inside a checklist: soft before hard, automatic before asking a person, quick before slow,
harmless before writing.

The rules weigh in that order: among soft checks the automatic ones come first, among those the quick ones, and so on.
`after` outweighs them: a check counts as late as the latest check that it must follow. Pure functions of checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from checklists.schema import Check
from checklists.verdict import Layer
from drivers.text import Words

__all__ = ["OrderProblem", "order", "order_problems"]

_Rank = tuple[bool, bool, bool, bool]

#: What the parts of a rank mean, in the order of their weight: (what comes first, what comes after it).
_RULES = (
    (Words("soft checks", "软件检测"), Words("hard checks", "硬件检测")),
    (Words("automatic checks", "自动检测项"), Words("checks that ask a person", "需人工操作的检测项")),
    (Words("quick checks", "快速检测项"), Words("slow checks", "耗时检测项")),
    (Words("harmless checks", "只读检测项"), Words("checks that write to the phone", "会写入手机的检测项")),
)


class OrderProblem(NamedTuple):
    """Something wrong with the place of one check: its place in the list (from 0), and what."""

    place: int
    what: Words


def _rank(check: Check) -> _Rank:
    return (check.layer is Layer.HARD, check.person, check.cost == "slow", check.writes)


def _ranks(checks: Sequence[Check]) -> dict[str, _Rank]:
    """Each check's rank, raised to that of whatever it must follow: it can't come earlier than that."""
    by_id = {check.id: check for check in checks}
    ranks: dict[str, _Rank] = {}

    def rank(check: Check, above: frozenset[str]) -> _Rank:
        if check.id not in ranks:
            behind = [by_id[name] for name in check.after if name in by_id and name not in above]
            ranks[check.id] = max([_rank(check), *(rank(one, above | {check.id}) for one in behind)])
        return ranks[check.id]

    for check in checks:
        rank(check, frozenset((check.id,)))
    return ranks


def order(checks: Iterable[Check]) -> list[Check]:
    """The checks in the order that all rules ask for; checks that no rule tells apart keep their order.

    A circle of `after` can't be satisfied: its checks come by rank, and `order_problems` tells.
    """
    left = list(checks)
    present = {check.id for check in left}
    ranks = _ranks(left)
    done: set[str] = set()
    ordered: list[Check] = []
    while left:
        ready = [check for check in left if all(name in done or name not in present for name in check.after)]
        chosen = min(ready or left, key=lambda check: ranks[check.id])
        left.remove(chosen)
        done.add(chosen.id)
        ordered.append(chosen)
    return ordered


def order_problems(checks: Sequence[Check]) -> list[OrderProblem]:
    """Everything that is wrong with the order; each misplaced check is named once, with the rule that it breaks."""
    ranks = _ranks(checks)
    places = {check.id: index for index, check in enumerate(checks)}
    return [
        problem
        for index, check in enumerate(checks)
        for problem in (*_after_problems(index, check, places), *_rank_problems(index, checks, ranks))
    ]


def _after_problems(index: int, check: Check, places: Mapping[str, int]) -> Iterable[OrderProblem]:
    for name in check.after:
        if name not in places:
            yield OrderProblem(index, _AFTER_MISSING.fill(check=check.id, name=name))
        elif places[name] >= index:
            yield OrderProblem(index, _AFTER_LATER.fill(check=check.id, name=name))


def _rank_problems(index: int, checks: Sequence[Check], ranks: Mapping[str, _Rank]) -> Iterable[OrderProblem]:
    """A check is misplaced when one of a higher rank stands before it: the first such one is named."""
    mine = ranks[checks[index].id]
    for other in checks[:index]:
        theirs = ranks[other.id]
        if theirs > mine:
            rule = next(n for n in range(len(_RULES)) if theirs[n] != mine[n])
            first, then = _RULES[rule]
            template = Words(
                f"{{check}} must come before {{other}}: {first.en} come before {then.en}",
                f"{{check}} 应排在 {{other}} 之前：{first.zh}先于{then.zh}",
            )
            yield OrderProblem(index, template.fill(check=checks[index].id, other=other.id))
            return


_AFTER_MISSING = Words(
    "{check} must come after {name}, which this checklist does not contain",
    "{check} 必须排在 {name} 之后，但此清单中没有 {name}",
)
_AFTER_LATER = Words("{check} must come after {name}", "{check} 必须排在 {name} 之后")
