"""A lead goes on in spite of something, or corrects a record: each with a reason, each signed, the original stays."""

from __future__ import annotations

from drivers.text import Words
from reports.predicates import AmendV1, RunV1, WaiverV1
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, wrong

__all__ = ["STEPS"]

_KINDS = (
    Choice("concession", Words("concession: a check failed", "让步放行：有检测项不合格")),
    Choice("not-run", Words("check not run", "特批免检：有检测项未检")),
    Choice("no-cross-check", Words("no cross-check", "特批免检：未互检")),
)
_NO_RUN = Words("There is no sealed self-check or cross-check run", "没有已封存的自检或互检记录")
_NAME_CHECKS = Words("Say which checks the waiver covers", "请写明特批的检测项")
_FOREIGN = Words("{check} is not a check of the runs that it would cover", "{check} 不在所涉检测中")
_LIST = Words("`assay ticket show` lists runs and checks", "用 `assay ticket show` 查看检测及检测项")
_NO_RECORD = Words("This ticket has no such record", "该工单没有此记录")
_ITSELF = Words("A record can't replace itself", "记录不能替换其自身")


def _runs(case: Case) -> dict[str, RunV1]:
    """The newest sealed self-check and cross-check runs, by digest."""
    found: dict[str, tuple[str, RunV1]] = {}
    for record in case.standing("run"):
        run = record.statement.predicate
        if isinstance(run, RunV1) and run.stage.value in ("self-check", "cross-check"):
            found[run.stage.value] = (record.digest, run)
    return dict(found.values())


def _waive(case: Case, form: Filled) -> Made:
    runs = _runs(case)
    if not runs:
        raise not_now("waiver.no-run", _NO_RUN, _LIST)
    checks = tuple(form["checks"].replace("，", ",").replace(",", " ").split())
    if form["waiver"] == "no-cross-check":
        runs = {digest: run for digest, run in runs.items() if run.stage.value == "self-check"}
        checks = ()
    elif not checks:
        raise wrong("waiver.checks", _NAME_CHECKS, _LIST)
    known = {attempt.check for run in runs.values() for attempt in run.attempts}
    known |= {str(check["id"]) for run in runs.values() for check in run.checklist.get("checks", ())}
    for check in checks:
        if check not in known:
            raise wrong("waiver.check", _FOREIGN.fill(check=check), _LIST)
    predicate = WaiverV1(
        **case.common,
        **case.signed,
        waiver=form["waiver"],
        checks=checks,
        runs=tuple(runs),
        reason=case.redact(form["reason"]),
    )
    label = next(choice.label for choice in _KINDS if choice.value == form["waiver"])
    says = Words("{label} {checks}: {reason}", "{label} {checks}：{reason}")
    return Made(predicate, says=(says.fill(label=label, checks=" ".join(checks), reason=predicate.reason),))


def _amend(case: Case, form: Filled) -> Made:
    known = {record.digest for record in case.records}
    target, replacement = form["target"], form["replacement"]
    if target not in known or (replacement and replacement not in known):
        raise wrong("amend.record", _NO_RECORD, _LIST)
    if target == replacement:
        raise wrong("amend.record", _ITSELF, _LIST)
    predicate = AmendV1(
        **case.common,
        **case.signed,
        kind="correct" if replacement else "void",
        target=target,
        replacement=replacement,
        reason=case.redact(form["reason"]),
    )
    return Made(predicate)


_REASON = Field("reason", Words("reason", "原因"), "long", required=True, most=2000)

STEPS = (
    Step(
        id="waive",
        kind="waiver/v1",
        place=650,
        title=Words("waiver", "让步放行 / 特批免检"),
        about=Words("a lead's signed reason to go on in spite of a fail or a check not run", "店长签署的放行理由"),
        roles=("lead",),
        meaning="waived",
        signs="within",
        possible=lambda case: None if _runs(case) else _NO_RUN,
        make=_waive,
        fields=(
            Field("waiver", Words("what is waived", "特批内容"), "choice", required=True, choices=_KINDS),
            Field("checks", Words("checks", "检测项"), help=Words("ids, parted by spaces", "编号，以空格分隔")),
            _REASON,
        ),
    ),
    Step(
        id="amend",
        kind="amend/v1",
        place=980,
        title=Words("amendment", "更正"),
        about=Words("takes a record out, or names the one that replaces it; the original stays", "作废或更正一条记录"),
        roles=("lead",),
        meaning="amended",
        signs="within",
        make=_amend,
        fields=(
            Field("target", Words("record", "记录"), "digest", required=True),
            Field("replacement", Words("replaced by", "替换为"), "digest"),
            _REASON,
        ),
    ),
)
