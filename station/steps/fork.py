"""Where two stations went on with a ticket apart, a lead says which branch counts; the other stays and is shown."""

from __future__ import annotations

from drivers.text import Words
from reports.steps.fork import BundleV1, ForkV1
from station.steps.api import Case, Choice, Field, Filled, Made, Step

__all__ = ["STEPS"]

_HERE = Choice("here", Words("what this station went on with", "以本工位继续的一边为准"))
_THERE = Choice("there", Words("what the other station went on with", "以对方工位继续的一边为准"))
_NO_FORK = Words("No two stations went on with this ticket apart", "没有工位各自处理过此工单")
_SAYS = Words(
    "{branch}: {stands} records count, {left} do not count any more", "{branch}：{stands} 条记录有效，{left} 条不再计入"
)


def _open(case: Case) -> BundleV1 | None:
    """The newest bundle with a fork that no decision names yet."""
    decided = [one.statement.predicate for one in case.standing("fork")]
    named = [{*one.stands, *one.left} for one in decided if isinstance(one, ForkV1)]
    for record in reversed(case.records):
        came = record.statement.predicate
        if isinstance(came, BundleV1) and came.apart and not any({*_both(case, came)} <= each for each in named):
            return came
    return None


def _both(case: Case, came: BundleV1) -> tuple[str, ...]:
    """The records of both sides that are work; what only tells of bundles and forks goes with either."""
    passing = {one.digest for one in case.records if one.kind in ("bundle/v1", "fork/v1")}
    return tuple(one for one in (*came.apart, *came.records) if one not in passing)


def _decide(case: Case, form: Filled) -> Made:
    came = _open(case)
    assert came is not None  # noqa: S101 - `possible` asked
    work = _both(case, came)
    here = tuple(one for one in work if one in came.apart)
    there = tuple(one for one in work if one not in came.apart)
    stands, left = (here, there) if form["branch"] == "here" else (there, here)
    predicate = ForkV1(
        **case.common,
        **case.signed,
        decision=form["branch"],
        stands=stands,
        left=left,
        reason=case.redact(form["reason"]),
    )
    branch = _HERE.label if form["branch"] == "here" else _THERE.label
    return Made(predicate, says=(_SAYS.fill(branch=branch, stands=len(stands), left=len(left)),))


STEPS = (
    Step(
        id="fork",
        kind="fork/v1",
        place=970,
        title=Words("decision over a fork", "分叉裁定"),
        about=Words("which of two branches counts where two stations went on apart", "两个工位各自处理后以哪一边为准"),
        roles=("lead",),
        meaning="amended",
        signs="within",
        possible=lambda case: None if _open(case) else _NO_FORK,
        make=_decide,
        fields=(
            Field("branch", Words("what counts", "以哪一边为准"), "choice", required=True, choices=(_HERE, _THERE)),
            Field("reason", Words("reason", "原因"), "long", required=True, most=2000),
        ),
    ),
)
