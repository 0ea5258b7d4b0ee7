"""The diagnosis: what the technician takes for the cause and why, beside the causes as runs and complaint rank them.

"No fault found" and "observation" are decisions of their own: both say what was tried under which conditions, and
neither is a pass. The ranking is that of `assay diagnose`, from the sealed runs of the ticket.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from drivers.text import Words
from reports.predicates import TextV1
from reports.steps.diagnosis import CauseV1, DiagnosisV1, FindingV1, GroundV1, TryV1
from station.plans import plan_policy
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, wrong

if TYPE_CHECKING:
    from checklists.schema import Check

__all__ = ["STEPS"]

#: How many causes, and how many grounds for and against each, stand in the record.
CAUSES, FOR, AGAINST = 5, 5, 3
#: The cause that is none of the policy's.
OTHER = "other"


def _possible(case: Case) -> Words | None:
    return None if case.phone else _NO_PHONE


def _likeliest(case: Case) -> str:
    document = _ranking(case)
    return str(document["causes"][0]) if document["causes"] else ""


def _causes(case: Case) -> Sequence[Choice]:
    """Every cause there is, ranked as the runs and the complaint rank them, and one in own words."""
    document = _ranking(case)
    ranked = {one["cause"]: _ranked_words(one) for one in document["ranking"]}
    rest = {id_: Words(*name) for id_, name in document["names"].items() if id_ not in ranked}
    return [*(Choice(id_, name) for id_, name in (ranked | rest).items()), Choice(OTHER, _OTHER_CAUSE)]


def _ranked_words(one: Mapping[str, Any]) -> Words:
    """A cause by name; with how likely it is, where that is a per cent or more."""
    name, permille = Words(*one["name"]), round(one["probability"] * 1000)
    return _RANKED.fill(percent=f"{permille / 10:.0f}", name=name) if permille >= 10 else name


def _diagnose(case: Case, form: Filled) -> Made:
    document = _ranking(case)
    tries = tuple(
        TryV1(conditions=case.redact(row["conditions"]), minutes=row["minutes"] or 0, shown=row["shown"])
        for row in form["tries"]
    )
    decision = form["decision"]
    chosen, cause = _cause(case, form, document) if decision == "cause-found" else ("", "")
    if decision == "no-fault-found":
        _must_be_no_fault(case, document, tries)
    if decision == "observation":
        _must_be_watchable(case, form, tries)
    predicate = DiagnosisV1(
        **case.common,
        person=case.person,
        policy=document["policy"],
        runs=tuple(document["runs"]),
        symptoms=tuple(document["symptoms"]),
        outcome=document["outcome"],
        findings=tuple(FindingV1(code=one["code"], name=_text(one["name"])) for one in document["findings"]),
        ranked=tuple(_ranked(case, one) for one in document["ranking"][:CAUSES]),
        chosen=chosen,
        cause=cause,
        why=case.redact(form["why"]),
        tries=tries,
        until_ms=_end_of(form["until"]) if decision == "observation" else None,
        decision=decision,
    )
    return Made(predicate, says=tuple(_says(predicate)))


# --- what the runs say ----------------------------------------------------------------------------------------------


def _ranking(case: Case) -> dict[str, Any]:
    """The document of `assay diagnose` for the sealed runs, with the digests of their records."""
    from checklists.diagnosis.diagnose import diagnose
    from checklists.diagnosis.load import shipped_policy
    from station.diagnosis import as_document, evidence_of, findings_of
    from station.views import run_document

    policy, checks = shipped_policy(), _checks()
    sealed = {record.digest for record in case.standing("run")}
    runs = [run for run in case.session.runs.values() if run.record and run.record.digest in sealed]
    evidence = evidence_of([run_document(case.session, run) for run in runs], checks)
    symptoms = [symptom for symptom in _symptoms(case) if symptom in {one.id for one in policy.symptoms}]
    answer = diagnose(policy, symptoms, evidence)
    failed = [said.check for said in evidence.said.values() if said.verdict.value == "fail"]
    return {
        **as_document(answer, policy, findings_of(policy, evidence), ()),
        "runs": [run.record.digest for run in runs if run.record],
        "symptoms": symptoms,
        "failed": failed,
        "names": {cause.id: list(cause.name.words) for cause in policy.causes},
    }


def _read() -> None:
    """Load what `_ranking` stands on: the policy, the shipped checks and their code take most of a second."""
    from checklists.diagnosis import diagnose  # noqa: F401
    from checklists.diagnosis.load import shipped_policy
    from station import diagnosis, views  # noqa: F401

    shipped_policy()
    _checks()


@cache
def _checks() -> Mapping[str, Check]:
    """The shipped checks, read once."""
    from checklists.load import load_checks

    return load_checks()


def _symptoms(case: Case) -> list[str]:
    """The coded complaints of every record that has some, newest words last."""
    told = (getattr(record.statement.predicate, "symptoms", ()) for record in case.records if record.kind != "run/v1")
    return list(dict.fromkeys(code for codes in told for code in codes))


def _ranked(case: Case, one: Mapping[str, Any]) -> CauseV1:
    return CauseV1(
        cause=one["cause"],
        name=_text(one["name"]),
        permille=round(one["probability"] * 1000),
        grounds=(
            *(_ground(case, "for", each) for each in one["for"][:FOR]),
            *(_ground(case, "against", each) for each in one["against"][:AGAINST]),
        ),
    )


def _ground(case: Case, speaks: Literal["for", "against"], one: Mapping[str, Any]) -> GroundV1:
    return GroundV1(speaks=speaks, check=one["check"] or "", text=_text([case.redact(text) for text in one["words"]]))


def _text(both: list[str]) -> TextV1:
    return TextV1(en=both[0], zh=both[1])


# --- the three decisions ---------------------------------------------------------------------------------------------


def _cause(case: Case, form: Filled, document: Mapping[str, Any]) -> tuple[str, str]:
    """The cause's id, and in words; another one than the likeliest needs a reason."""
    from checklists.problems import did_you_mean, join

    chosen, told = form["cause"], case.redact(form["words"])
    if not chosen:
        raise wrong("diagnosis.cause", _NO_CAUSE, _PICK)
    if chosen == OTHER:
        if not told or not form["why"]:
            raise wrong("diagnosis.words", _OWN_WORDS, _SAY_WHY)
        return chosen, told
    name = document["names"].get(chosen)
    if name is None:
        what = join(_UNKNOWN.fill(cause=chosen), did_you_mean(chosen, document["names"]))
        raise wrong("diagnosis.cause", what, _PICK)
    ranking = [one["cause"] for one in document["ranking"]]
    if chosen != (ranking[0] if ranking else "") and not form["why"]:
        first = Words(*document["ranking"][0]["name"]) if ranking else _NOTHING
        raise wrong("diagnosis.why", _NOT_FIRST.fill(cause=Words(*name), first=first), _SAY_WHY)
    return chosen, told or " / ".join(name)


def _must_be_no_fault(case: Case, document: Mapping[str, Any], tries: tuple[TryV1, ...]) -> None:
    least = plan_policy(case.policy).no_fault_tries
    if any(one.shown for one in tries):
        raise wrong("diagnosis.shown", _SHOWN, _CAUSE_OR_WATCH)
    if document["failed"]:
        raise not_now("diagnosis.failed", _FAILED.fill(checks=", ".join(document["failed"])), _CAUSE_OR_WATCH)
    if not document["runs"]:
        raise not_now("diagnosis.no-run", _NO_RUN, _RUN_FIRST)
    if len(tries) < least:
        raise wrong("diagnosis.tries", _TRIES.fill(tries=len(tries), least=least), _TRY_ON)
    if len({one.conditions for one in tries}) == 1 and not any(one.minutes for one in tries):
        raise wrong("diagnosis.tries", _SAME_TRIES, _TRY_ON)


def _must_be_watchable(case: Case, form: Filled, tries: tuple[TryV1, ...]) -> None:
    if form["until"] is None or form["until"] <= case.today:
        raise wrong("diagnosis.until", _UNTIL, _SAY_UNTIL)
    if not tries:
        raise wrong("diagnosis.tries", _TRIES.fill(tries=0, least=1), _TRY_ON)


def _end_of(day: datetime.date) -> int:
    """The last millisecond of a day at the shop."""
    after = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time()).astimezone()
    return round(after.timestamp() * 1000) - 1


def _says(made: DiagnosisV1) -> list[Words]:
    said = [_DECIDED[made.decision].fill(cause=made.cause)]
    said += [
        _RANKED.fill(percent=f"{one.permille / 10:.0f}", name=Words(one.name.en, one.name.zh))
        for one in made.ranked[:3]
    ]
    if made.decision != "cause-found":
        said += [
            _TRIED.fill(n=n, conditions=one.conditions, minutes=one.minutes, shown=_YES if one.shown else _NO)
            for n, one in enumerate(made.tries, 1)
        ]
        said.append(_NO_PASS)
    return said


_NO_PHONE = Words("The phone of this ticket was not taken in yet", "该工单的手机尚未接件")
_NO_CAUSE = Words("Name the cause", "请填写故障原因")
_PICK = Words(
    "`assay diagnose TICKET` lists the causes; `other` is for one in own words",
    "用 `assay diagnose 工单` 查看原因；自述原因填 `other`",
)
_UNKNOWN = Words("no cause is called {cause}", "没有名为 {cause} 的故障原因")
_OTHER_CAUSE = Words("another cause, in own words", "其他原因（自述）")
_OWN_WORDS = Words("A cause in own words needs its words and what it stands on", "自述原因须填写内容及依据")
_NOT_FIRST = Words("{cause} is not the likeliest cause ({first})", "{cause} 不是最可能的原因（{first}）")
_NOTHING = Words("none is", "无")
_SAY_WHY = Words("Say in `why` what it stands on", "请在 `why` 中写明依据")
_SHOWN = Words('The fault was seen: that is not "no fault found"', "试验中故障已出现，不能判为未检出故障")
_FAILED = Words('Checks failed: {checks}. That is not "no fault found"', "检测项不合格：{checks}，不能判为未检出故障")
_CAUSE_OR_WATCH = Words("Name the cause, or decide for an observation", "请填写原因，或选择观察")
_NO_RUN = Words("No run of this ticket is sealed: nothing was looked at yet", "该工单尚无已封存的检测")
_RUN_FIRST = Words("Run a checklist for the diagnosis first", "请先执行诊断检测")
_TRIES = Words("The fault was looked for {tries} times, {least} are demanded", "已试 {tries} 次，要求至少 {least} 次")
_SAME_TRIES = Words("All tries were made under the same conditions and took no time", "各次试验条件相同且未计时长")
_TRY_ON = Words(
    "Try it as the customer says it happens, and write conditions and minutes down",
    "请按客户描述的条件复现，并记录条件和时长",
)
_UNTIL = Words("An observation ends on a day to come", "观察须有截止日期（晚于今天）")
_SAY_UNTIL = Words("Say until when", "请填写截止日期")
_DECIDED = {
    "cause-found": Words("Cause found: {cause}", "已定位原因：{cause}"),
    "no-fault-found": Words("No fault found", "未检出故障"),
    "observation": Words("Kept under observation", "留机观察"),
}
_RANKED = Words("{percent} %: {name}", "{percent}%：{name}")
_TRIED = Words("try {n}: {conditions}, {minutes} min: {shown}", "第 {n} 次：{conditions}，{minutes} 分钟：{shown}")
_YES, _NO = Words("the fault showed", "故障出现"), Words("the fault did not show", "故障未出现")
_NO_PASS = Words("This says nothing of the phone being well", "此结论不表示手机合格")

STEPS = (
    Step(
        id="diagnosis",
        kind="diagnosis/v1",
        place=310,
        title=Words("diagnosis", "诊断"),
        about=Words("the cause, or what was tried without finding one", "故障原因，或未检出时的试验次数与条件"),
        roles=("technician",),
        possible=_possible,
        make=_diagnose,
        reads=_read,
        fields=(
            Field(
                "decision",
                Words("decision", "结论"),
                "choice",
                required=True,
                choices=(
                    Choice("cause-found", Words("cause found", "已定位原因")),
                    Choice("no-fault-found", Words("no fault found", "未检出故障")),
                    Choice("observation", Words("observation", "留机观察")),
                ),
            ),
            Field("cause", Words("cause", "原因"), help=_PICK, given=_likeliest, offered=_causes),
            Field("words", Words("in own words", "原因说明"), "long", most=2000),
            Field("why", Words("why this one", "依据"), "long", most=2000),
            Field(
                "tries",
                Words("tries", "试验"),
                "rows",
                most=50,
                columns=(
                    Field("conditions", Words("conditions", "条件"), required=True),
                    Field("minutes", Words("minutes", "分钟"), "count"),
                    Field("shown", Words("the fault showed", "故障出现"), "tick"),
                ),
            ),
            Field("until", Words("observed until", "观察至"), "date"),
        ),
    ),
)
