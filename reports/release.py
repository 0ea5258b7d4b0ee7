"""Whether a phone may be handed back: one pure function over the ticket's envelopes, with every rule and every reason.

The station asks it before it lets a phone go, head office at ingest, and the public verifier afterwards. It stands on
envelopes, the roster and the checklist models; it reads no clock, no store and no phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from checklists.schema import Check
from checklists.verdict import Ending, Stage, Verdict
from drivers.text import Words
from reports.agreement import unconfirmed
from reports.attest import Record, open_record
from reports.fitted import Fit, match_parts
from reports.predicates import (
    AmendV1,
    AttemptV1,
    Commitment,
    ConsentV1,
    IntakeV1,
    PartUseV1,
    PlanV1,
    ReleaseV1,
    RepairV1,
    RunV1,
    Signed,
    SignoffV1,
    WaiverV1,
)
from reports.record import RecordError
from reports.replay import contradictions, latest_attempts, resolved
from reports.roster import ROSTER_KINDS, Key, Roster
from reports.steps.delivery import DeliveryV1
from reports.steps.diagnosis import DiagnosisV1
from reports.steps.fork import BundleV1, ForkV1
from reports.steps.send_out import SendBackV1, SendOutV1
from reports.vocabulary import DEEDS, ENDINGS, ROLES, kind_words, named

__all__ = [
    "Decision",
    "Declined",
    "Reason",
    "ReleaseDecision",
    "ReleaseLists",
    "ReleasePolicy",
    "WaiverUse",
    "verify_release",
]

Decision = Literal["released", "released-with-waiver", "refused"]

#: Records that the person who did it must sign off as `performed` (records.md, "Who signs what").
PERSON_SIGNS: Final = frozenset(
    {"intake/v1", "diagnosis/v1", "plan/v1", "consent/v1", "part-use/v1", "repair/v1", "send-out/v1", "send-back/v1"}
)
SATISFIED: Final = frozenset({Verdict.PASS, Verdict.WARN, Verdict.INFO})
#: What may be stated before the phone is in hand, or is of the ticket's way alone: it is about no phone.
_NOT_OF_PHONE: Final = frozenset({"registration/v1", "bundle/v1", "notice/v1", "clock/v1", "grievance/v1"})
#: Who may sign a cross-check and approve a release.
_INSPECTORS: Final = ("inspector", "head-office")
_SIDES: Final = {Stage.SELF_CHECK: Words("self-check", "自检"), Stage.CROSS_CHECK: Words("cross-check", "互检")}


class Reason(NamedTuple):
    """One reason for a refusal: a stable short code for tests and scripts, and the words."""

    code: str
    words: Words


@dataclass(frozen=True, slots=True)
class ReleasePolicy:
    """What a shop or head office demands beyond the rules.

    Attributes:
        checklists: SHA-256 of the checklists that are allowed for self-check and cross-check; None: any that is
            consistent in itself.
        min_key_level: the least level of a key that performs, verifies, approves or waives.
        person_signs: kinds of records that need a sign-off `performed` by their person.
        qualification: whoever signs a self-check or cross-check must be qualified for its checklist at that time.
    """

    checklists: frozenset[str] | None = None
    min_key_level: int = 1
    person_signs: frozenset[str] = PERSON_SIGNS
    qualification: bool = False


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """A waiver that the decision stands on; every paper names it."""

    digest: str
    waiver: Literal["concession", "not-run", "no-cross-check"]
    checks: tuple[str, ...]
    reason: str
    person: str
    printed_name: str


@dataclass(frozen=True, slots=True)
class Declined:
    """A fault found at intake that the customer chose not to repair; every paper names it."""

    check: str
    finding: str | None
    plan: str


@dataclass(frozen=True, slots=True)
class ReleaseLists:
    """The digests that a release record lists; see `ReleaseV1`."""

    intake: str
    self_run: str
    performed: str
    cross_run: str | None
    verified: str | None
    consent: str | None
    waivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """The answer, with everything that papers must say.

    Attributes:
        decision: `released`, `released-with-waiver` or `refused`.
        why: all reasons of a refusal; empty otherwise.
        waivers, declined: what the decision stands on.
        cross_checked: False says 未互检 on every paper.
        notes: what a reader should know although nothing is refused for it.
        lists: what a release record must list; None while something that it lists is missing.
        phone: the commitment of the phone as it leaves, None without an intake.
    """

    decision: Decision
    why: tuple[Reason, ...]
    waivers: tuple[WaiverUse, ...]
    declined: tuple[Declined, ...]
    cross_checked: bool
    notes: tuple[Words, ...]
    lists: ReleaseLists | None
    phone: Commitment | None

    @property
    def reasons(self) -> list[Words]:
        """The reasons as texts."""
        return [reason.words for reason in self.why]

    @property
    def codes(self) -> list[str]:
        """The reasons as stable codes."""
        return [reason.code for reason in self.why]

    @property
    def released(self) -> bool:
        """Whether the phone may go."""
        return self.decision != "refused"


def verify_release(
    envelopes: Iterable[bytes],
    roster: Roster,
    *,
    policy: ReleasePolicy | None = None,
    at_ms: int = 0,
    received_ms: Mapping[str, int] | None = None,
    approver: str | None = None,
) -> ReleaseDecision:
    """Decide over one ticket.

    Args:
        envelopes: every stored envelope of the ticket, in ledger order; records of the station itself (key events,
            heads, receipts) are passed over.
        roster: folded from the key events of the same ledger.
        policy: what is demanded beyond the rules.
        at_ms: the time at which `approver` would sign.
        received_ms: head office's time of each record's receipt, by digest, as far as there are receipts.
        approver: before the release record is written: the person who would sign it. Then no release record is
            demanded, and `lists` says what it must list. None: the release record must be there and is checked too.
    """
    case = _open(envelopes, roster, policy or ReleasePolicy(), received_ms or {})
    _check_belonging(case)
    intake = _intake(case)
    self_run = _self_run(case)
    cross_run = _cross_run(case, self_run)
    _check_signoffs_of_records(case)
    _check_people(case)
    _check_runs(case, self_run, cross_run)
    _check_factory(case, self_run)
    _check_fitted(case, self_run)
    _check_found(case)
    consent = _check_plan(case)
    performed = _signoff(case, self_run, "performed", ("technician",))
    verified = _signoff(case, cross_run, "verified", _INSPECTORS)
    waived = tuple(use.digest for use in case.used.values())
    lists = None
    if intake and self_run and performed:
        lists = ReleaseLists(
            intake=intake.digest,
            self_run=self_run.digest,
            performed=performed.digest,
            cross_run=cross_run.digest if cross_run else None,
            verified=verified.digest if verified else None,
            consent=consent,
            waivers=waived,
        )
    if approver is None:
        _check_release(case, lists, cross_run is not None)
    else:
        _check_approver(case, approver, at_ms, cross_run is not None)
    decision: Decision = "released-with-waiver" if case.used else "released"
    return ReleaseDecision(
        decision="refused" if case.why else decision,
        why=tuple(dict.fromkeys(case.why)),
        waivers=tuple(case.used.values()),
        declined=tuple(case.declined.values()),
        cross_checked=cross_run is not None,
        notes=tuple(dict.fromkeys(case.notes)),
        lists=lists,
        phone=Commitment(commitment=case.phone) if case.phone else None,
    )


# --- the case --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Case:
    """The records of the ticket that are good in themselves, and what was found so far."""

    roster: Roster
    policy: ReleasePolicy
    records: list[Record] = field(default_factory=list)
    signers: dict[str, tuple[Key, ...]] = field(default_factory=dict)
    amended: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    phone: str = ""
    why: list[Reason] = field(default_factory=list)
    notes: list[Words] = field(default_factory=list)
    used: dict[str, WaiverUse] = field(default_factory=dict)
    declined: dict[str, Declined] = field(default_factory=dict)

    def refuse(self, code: str, en: str, zh: str, **values: object) -> None:
        self.why.append(Reason(code, Words(en, zh).fill(**values)))

    def standing(self) -> Iterator[tuple[int, Record]]:
        """The records that no amendment has taken out, with their places."""
        return ((at, record) for at, record in enumerate(self.records) if record.digest not in self.amended)

    def place(self, record: Record) -> int:
        return next(at for at, other in enumerate(self.records) if other.digest == record.digest)

    def find(self, digest: str) -> Record | None:
        return next((record for record in self.records if record.digest == digest), None)


def _open(envelopes: Iterable[bytes], roster: Roster, policy: ReleasePolicy, received: Mapping[str, int]) -> _Case:
    case = _Case(roster, policy)
    for problem in roster.problems:
        case.refuse(
            "roster", "the roster has an event that may not be: {why}", "人员名册有无效事件：{why}", why=problem.why
        )
    for number, data in enumerate(envelopes, 1):
        try:
            record = open_record(data)
            if record.kind in (*ROSTER_KINDS, "head/v1", "receipt/v1") or case.find(record.digest):
                continue
            case.signers[record.digest] = roster.check(record, received_ms=received.get(record.digest))
        except RecordError as error:
            words = Words("record {n} {en}", "第 {n} 条记录：{zh}").fill(n=number, en=error.words.en, zh=error.words.zh)
            case.why.append(Reason("record", words))
            continue
        if record.statement.predicate is None:
            case.notes.append(
                Words("a record of the unknown kind {kind} does not count", "未知类型 {kind} 的记录不计入").fill(
                    kind=record.kind
                )
            )
            continue
        case.records.append(record)
    for record in case.records:
        amend = record.statement.predicate
        if isinstance(amend, AmendV1):
            _amend(case, amend)
    _check_forks(case)
    _leave_delivered(case)
    return case


def _check_forks(case: _Case) -> None:
    """Where two stations went on apart a lead has said which records count; the others stay and count for nothing."""
    decided = []
    for record in case.records:
        fork = record.statement.predicate
        if not isinstance(fork, ForkV1) or record.digest in case.amended:
            continue
        if fork.role != "lead" or fork.meaning != "amended":
            case.refuse("fork", "the decision over a fork is not signed by a lead", "分叉裁定未由店长签署")
            continue
        decided.append({*fork.stands, *fork.left})
        case.left |= {digest for digest in fork.left if digest not in fork.stands}
        case.amended |= case.left
        words = Words("{name} decided over two branches: {reason}", "{name} 裁定了两个分支：{reason}")
        case.notes.append(words.fill(name=fork.printed_name, reason=fork.reason))
    for record in case.records:
        came = record.statement.predicate
        if isinstance(came, BundleV1) and came.apart and not _covered(case, came, decided):
            case.refuse(
                "fork",
                "{here} and {there} went on with this ticket apart, and no lead has decided which counts",
                "{here} 与 {there} 各自处理了此工单，店长尚未裁定以哪一边为准",
                here=came.station,
                there=came.sender,
            )


def _covered(case: _Case, came: BundleV1, decided: list[set[str]]) -> bool:
    """Whether one decision names every record of both sides; what only tells of bundles and forks needs no word."""
    both = {*came.apart, *came.records}
    both -= {one.digest for one in case.records if isinstance(one.statement.predicate, BundleV1 | ForkV1)}
    return any(both <= each for each in decided)


def _leave_delivered(case: _Case) -> None:
    """A phone that was handed back and taken in again is judged anew: what was before its last intake is closed."""
    intakes = [case.place(one) for _, one in case.standing() if isinstance(one.statement.predicate, IntakeV1)]
    over = [case.place(one) for _, one in case.standing() if isinstance(one.statement.predicate, DeliveryV1)]
    ended = [at for at in over if intakes and at < intakes[-1]]
    if not ended:
        return
    closed = {record.digest for record in case.records[: ended[-1] + 1]}
    case.records = [
        record
        for record in case.records[ended[-1] + 1 :]
        if getattr(record.statement.predicate, "target", None) not in closed
    ]


def _amend(case: _Case, amend: AmendV1) -> None:
    if amend.role != "lead" or amend.meaning != "amended":
        case.refuse("amend", "an amendment is not signed by a lead", "更正未由店长签署")
    elif case.find(amend.target) is None or (amend.replacement and case.find(amend.replacement) is None):
        case.refuse("amend", "an amendment speaks of a record that is not here", "更正所指的记录不在此工单中")
    else:
        case.amended.add(amend.target)
        case.notes.append(
            Words("a record was amended by {name}: {reason}", "{name} 更正了一条记录：{reason}").fill(
                name=amend.printed_name, reason=amend.reason
            )
        )


def _check_belonging(case: _Case) -> None:
    """Everything is of one ticket and of one phone; where a repair changed the identity, it binds old and new."""
    tickets = {record.ticket for record in case.records}
    if len(tickets) > 1:
        case.refuse(
            "ticket",
            "records of several tickets: {tickets}",
            "含多个工单的记录：{tickets}",
            tickets=", ".join(sorted(filter(None, tickets))),
        )
    for record in case.records:
        predicate = record.statement.predicate
        if isinstance(predicate, SignoffV1):
            target = case.find(predicate.target)
            if target is None or target.kind != predicate.target_kind:
                case.refuse("target", "a sign-off is for a record that is not here", "签字所指的记录不在此工单中")
            continue
        if record.kind in _NOT_OF_PHONE:
            continue
        case.phone = case.phone or record.statement.subject
        if record.statement.subject != case.phone:
            case.refuse(
                "phone",
                "a record is about another phone: {kind}",
                "“{kind}”记录属于另一台手机",
                kind=kind_words(record.kind),
            )
        if isinstance(predicate, RepairV1 | SendBackV1) and predicate.new_phone and record.digest not in case.amended:
            case.phone = predicate.new_phone.commitment


def _intake(case: _Case) -> Record | None:
    intakes = [record for _, record in case.standing() if isinstance(record.statement.predicate, IntakeV1)]
    if len(intakes) != 1:
        case.refuse(
            "intake", "there are {n} intake records, one is needed", "接件记录有 {n} 条，应为 1 条", n=len(intakes)
        )
    return intakes[0] if intakes else None


# --- the two runs ----------------------------------------------------------------------------------------------------


def _run_of(record: Record | None) -> RunV1 | None:
    predicate = record.statement.predicate if record else None
    return predicate if isinstance(predicate, RunV1) else None


def _last_run(case: _Case, stage: Stage) -> Record | None:
    """The last run of a stage. An amended run does not count, and does not bring an older one back to life.

    One on a branch that a lead left was never on the way of this ticket.
    """
    runs = [record for record in case.records if (run := _run_of(record)) and run.stage is stage]
    runs = [record for record in runs if record.digest not in case.left]
    return runs[-1] if runs and runs[-1].digest not in case.amended else None


def _self_run(case: _Case) -> Record | None:
    record = _last_run(case, Stage.SELF_CHECK)
    if record is None:
        case.refuse("no-self-check", "there is no self-check run", "没有自检记录")
        return None
    for at, other in case.standing():
        if isinstance(other.statement.predicate, RepairV1 | PartUseV1) and at > case.place(record):
            case.refuse("repaired-later", "something was repaired after the self-check", "自检之后又进行了维修")
    return record


def _cross_run(case: _Case, self_run: Record | None) -> Record | None:
    record = _last_run(case, Stage.CROSS_CHECK)
    run = _run_of(record)
    if record is None or run is None:
        if not (self_run and _waived(case, "no-cross-check", None, self_run)):
            case.refuse(
                "no-cross-check", "there is no cross-check run, and no waiver for it", "没有互检记录，也没有特批免检"
            )
        return None
    if self_run and (run.confirms != self_run.digest or case.place(record) < case.place(self_run)):
        case.refuse("confirms", "the cross-check does not confirm exactly this self-check", "互检未确认本次自检")
    return record


def _run_before_work(case: _Case, stage: Stage) -> RunV1 | None:
    """The last run of an early stage from before the work began: a later one would hide what the work did.

    A phone that comes back from the factory is taken in anew: what was seen of it before does not count.
    """
    found = None
    for _, record in case.standing():
        predicate = record.statement.predicate
        if isinstance(predicate, SendBackV1):
            found = None
        if _away_since(case, record):
            continue
        if isinstance(predicate, PlanV1 | RepairV1 | PartUseV1):
            break
        if isinstance(predicate, RunV1):
            if predicate.stage in _SIDES:
                break
            found = predicate if predicate.stage is stage else found
    return found


def _away_since(case: _Case, record: Record) -> bool:
    """Whether the phone went out and came back after this record."""
    place = case.place(record)
    return any(isinstance(other.statement.predicate, SendBackV1) and at > place for at, other in case.standing())


def _check_factory(case: _Case, self_run: Record | None) -> None:
    """What was sent out is back, and was looked at from the start before it was worked on or checked."""
    travels = [
        record for _, record in case.standing() if isinstance(record.statement.predicate, SendOutV1 | SendBackV1)
    ]
    if not travels:
        return
    if isinstance(travels[-1].statement.predicate, SendOutV1):
        case.refuse("at-factory", "the phone was sent out and is not back", "手机已返厂，尚未收回")
    elif self_run and case.place(self_run) < case.place(travels[-1]):
        case.refuse("checked-before-return", "the self-check is from before the factory", "自检在返厂之前")
    elif _run_before_work(case, Stage.INTAKE) is None:
        case.refuse("no-re-intake", "back from the factory, and not checked as at intake", "返厂收回后未重新做接件检测")


def _check_fitted(case: _Case, self_run: Record | None) -> None:
    """What was fitted is what the phone reports."""
    after = _run_of(self_run)
    if after is None:
        return
    uses = [use for _, record in case.standing() if isinstance(use := record.statement.predicate, PartUseV1)]
    for part in match_parts(_run_before_work(case, Stage.INTAKE), after, uses):
        where = Words("{part}: {en}", "{part}：{zh}").fill(part=part.name, en=part.fit.words.en, zh=part.fit.words.zh)
        if part.fit is Fit.UNCHANGED:
            case.why.append(Reason("part-not-fitted", where))
        elif part.fit is Fit.OTHER:  # what is printed on a part and what it reports may be written differently
            case.notes.append(where)


def _check_found(case: _Case) -> None:
    """A phone in which no fault was found, and nothing repaired since, is returned; it was not put in order."""
    found = [one for _, record in case.standing() if isinstance(one := record.statement.predicate, DiagnosisV1)]
    if found and found[-1].decision != "cause-found" and _consented(case) is None:
        case.refuse(
            "no-fault-found",
            "no fault was found and nothing repaired: it is handed back unrepaired",
            "未检出故障且未维修：应按“拒修退回”交付",
        )


def _check_runs(case: _Case, self_run: Record | None, cross_run: Record | None) -> None:
    before = _run_before_work(case, Stage.INTAKE)
    for record in (self_run, cross_run):
        if record:
            _check_run(case, record, before)
    if before is None:
        case.notes.append(Words("no run at intake to compare with", "接件时未做检测，无可对比"))
    elif self_run:
        _check_parts(case, before, self_run, planned=True)
    if cross_run and (first := _run_of(self_run)):
        _check_parts(case, first, cross_run, planned=False)


def _check_run(case: _Case, record: Record, before: RunV1 | None) -> None:
    run = _run_of(record)
    if run is None:
        return
    side = _SIDES[run.stage]
    checklist = resolved(run)
    if run.device.transport == "bugreport":
        case.refuse(
            "recorded", "{side}: made on a bug report, not on the phone", "{side}：依据错误报告，并非手机", side=side
        )
    for code, words in contradictions(run, checklist, case.policy.checklists):
        text = Words("{en_side}: {en}", "{zh_side}：{zh}").fill(
            en_side=side.en, zh_side=side.zh, en=words.en, zh=words.zh
        )
        case.why.append(Reason(code, text))
    if checklist is None:
        return
    latest = latest_attempts(run)
    for check in checklist.checks:
        attempt = latest.get(check.id)
        if check.required and not _satisfied(attempt):
            _check_unsatisfied(case, record, check, attempt, side)
    earlier = latest_attempts(before) if before else {}
    titles = {check.id: check.title.words for check in checklist.checks}
    for check_id, attempt in latest.items():
        title = titles.get(check_id, Words(check_id, check_id))
        _check_regression(case, record, attempt, earlier.get(check_id), side, title)


def _satisfied(attempt: AttemptV1 | None) -> bool:
    """`not-applicable` satisfies only when the phone's own evidence says so: nobody was asked."""
    if attempt is None:
        return False
    return attempt.verdict in SATISFIED or (attempt.ending is Ending.NOT_APPLICABLE and not attempt.prompts)


def _check_unsatisfied(case: _Case, record: Record, check: Check, attempt: AttemptV1 | None, side: Words) -> None:
    failed, title = attempt is not None and attempt.verdict is Verdict.FAIL, check.title.words
    if _waived(case, "concession" if failed else "not-run", check.id, record) or _declined(case, check.id, attempt):
        return
    if failed:
        case.refuse("failed", f"{side.en}: {{check}} failed", f"{side.zh}：{{check}} 不合格", check=title)
    elif attempt is None:
        case.refuse(
            "omitted", f"{side.en}: {{check}} was left out", f"{side.zh}：{{check}} 未包含在检测中", check=title
        )
    else:
        why = attempt.reason
        case.refuse(
            "not-run",
            f"{side.en}: {{check}} was not run ({{why_en}})",
            f"{side.zh}：{{check}} 未检（{{why_zh}}）",
            check=title,
            why_en=why.en if why else named(ENDINGS, attempt.ending.value).en,
            why_zh=why.zh if why else named(ENDINGS, attempt.ending.value).zh,
        )


def _check_regression(
    case: _Case, record: Record, now: AttemptV1, before: AttemptV1 | None, side: Words, title: Words
) -> None:
    if before is None or before.verdict not in SATISFIED:
        return
    if now.verdict is Verdict.FAIL:
        if not _waived(case, "concession", now.check, record):
            case.refuse(
                "regression",
                f"{side.en}: {{check}} fails and did not at intake",
                f"{side.zh}：{{check}} 不合格，接件时并非如此",
                check=title,
            )
    elif now.verdict is Verdict.WARN and before.verdict is not Verdict.WARN:
        case.notes.append(
            Words(f"{side.en}: {{check}} warns and did not at intake", f"{side.zh}：{{check}} 预警，接件时没有").fill(
                check=title
            )
        )


def _check_parts(case: _Case, before: RunV1, record: Record, *, planned: bool) -> None:
    """No part's identity differs from before but where the consented plan says so; none between the two checks."""
    after = _run_of(record)
    if after is None:
        return
    allowed = {change for plan in _consented_plans(case) for part in plan.parts for change in part.changes}
    was, now = _identities(before), _identities(after)
    for name in sorted(was.keys() & now.keys()):
        if was[name] != now[name] and not (planned and name in allowed):
            if planned:
                case.refuse("part-changed", "{part} changed outside the plan", "{part} 在方案之外被更换", part=name)
            else:
                case.refuse("part-changed", "{part} changed after the self-check", "{part} 在自检之后被更换", part=name)


def _identities(run: RunV1) -> dict[str, str]:
    return {
        f"{check}:{measurement.name}": measurement.value.commitment
        for check, attempt in latest_attempts(run).items()
        for measurement in attempt.measurements
        if isinstance(measurement.value, Commitment)
    }


# --- plan, waivers, declined faults ----------------------------------------------------------------------------------


def _consented(case: _Case) -> tuple[Record, Record] | None:
    """The last plan and the customer's consent to exactly it."""
    plans = [record for _, record in case.standing() if isinstance(record.statement.predicate, PlanV1)]
    found = None
    for _, record in case.standing():
        consent = record.statement.predicate
        if plans and isinstance(consent, ConsentV1) and consent.plan == plans[-1].digest:
            plan = plans[-1].statement.predicate
            agreed = isinstance(plan, PlanV1) and consent.decision == "agreed" and not unconfirmed(plan, consent)
            found = (plans[-1], record) if agreed else None  # the last word counts
    return found


def _consented_plans(case: _Case) -> list[PlanV1]:
    found = _consented(case)
    plan = found[0].statement.predicate if found else None
    return [plan] if isinstance(plan, PlanV1) else []


def _check_plan(case: _Case) -> str | None:
    """Digest of the plan consent; whatever was repaired needs one."""
    found = _consented(case)
    worked = [record for _, record in case.standing() if isinstance(record.statement.predicate, RepairV1 | PartUseV1)]
    if worked and not found:
        case.refuse("no-plan-consent", "repaired without the customer's consent to the plan", "未经客户确认方案即维修")
    return found[1].digest if found else None


def _waived(case: _Case, kind: str, check: str | None, run: Record) -> bool:
    """Whether a lead's good waiver covers that check in that run; a waiver that is used is remembered."""
    for _, record in case.standing():
        waiver = record.statement.predicate
        if not isinstance(waiver, WaiverV1) or waiver.waiver != kind or run.digest not in waiver.runs:
            continue
        if check is not None and check not in waiver.checks:
            continue
        if waiver.role != "lead" or waiver.meaning != "waived":
            case.refuse("waiver", "a waiver is not signed by a lead", "特批未由店长签署")
        elif _did_the_work(case, record, waiver.person):
            case.refuse(
                "waiver",
                "{name} waives own work",
                "{name} 对自己的维修或自检作特批",
                name=waiver.printed_name,
            )
        else:
            _check_level(case, waiver)
            case.used[record.digest] = WaiverUse(
                record.digest, waiver.waiver, waiver.checks, waiver.reason, waiver.person, waiver.printed_name
            )
            return True
    return False


def _declined(case: _Case, check: str, attempt: AttemptV1 | None) -> bool:
    """Whether it is a fault that was found at intake and that the customer, by plan consent, chose not to repair."""
    found = _consented(case)
    plan = found[0].statement.predicate if found else None
    before = _run_before_work(case, Stage.INTAKE) or _run_before_work(case, Stage.DIAGNOSIS)
    known = latest_attempts(before).get(check) if before else None
    if not found or not isinstance(plan, PlanV1) or known is None or known.verdict is not Verdict.FAIL:
        return False
    for entry in plan.declined:
        same_fault = attempt is None or attempt.verdict is not Verdict.FAIL or attempt.finding == known.finding
        if entry.check == check and entry.finding == known.finding and same_fault:
            case.declined[check] = Declined(check, entry.finding, found[0].digest)
            return True
    return False


# --- people ----------------------------------------------------------------------------------------------------------


def _workers(case: _Case) -> dict[str, set[str]]:
    """Who repaired, fitted parts or self-checked, and the public keys that signed for it, amended records included."""
    workers: dict[str, set[str]] = {}
    work: set[str] = set()
    for record in case.records:
        predicate = record.statement.predicate
        is_work = isinstance(predicate, RepairV1 | PartUseV1)
        if isinstance(predicate, RunV1) and predicate.stage is Stage.SELF_CHECK:
            is_work = True
            for name in _answerers(predicate):
                workers.setdefault(name, set())
        if is_work and isinstance(predicate, RepairV1 | PartUseV1 | RunV1):
            work.add(record.digest)
            workers.setdefault(predicate.person, set())
    for record in case.records:
        signoff = record.statement.predicate
        if isinstance(signoff, SignoffV1) and signoff.target in work:
            workers.setdefault(signoff.person, set()).update(_person_keys(case, record))
    return workers


def _answerers(run: RunV1) -> set[str]:
    return {prompt.person for attempt in run.attempts for prompt in attempt.prompts if prompt.person}


def _person_keys(case: _Case, record: Record) -> set[str]:
    return {key.public.hex() for key in case.signers[record.digest] if key.kind == "person"}


def _did_the_work(case: _Case, record: Record | None, person: str) -> bool:
    """By person, or by a public key that also signed for the work under another name."""
    workers = _workers(case)
    keys = _person_keys(case, record) if record else _keys_of(case.roster, person)
    return person in workers or bool(keys & {key for known in workers.values() for key in known})


def _keys_of(roster: Roster, person: str) -> set[str]:
    return {key.public.hex() for key in roster.keys_of(person)}


def _check_people(case: _Case) -> None:
    """Whoever verifies or answers in the cross-check did none of the work."""
    record = _last_run(case, Stage.CROSS_CHECK)
    run = _run_of(record)
    if record is None or run is None:
        return
    signers = [
        (other, predicate.person)
        for _, other in case.standing()
        if isinstance(predicate := other.statement.predicate, SignoffV1) and predicate.target == record.digest
    ]
    for signed, person in [(None, run.person), *((None, name) for name in sorted(_answerers(run))), *signers]:
        if _did_the_work(case, signed, person):
            case.refuse(
                "four-eyes",
                "{person} cross-checks own work (repaired or self-checked it)",
                "{person} 维修或自检过此机，不能互检",
                person=case.roster.name_of(person),
            )


def _signoff(case: _Case, target: Record | None, meaning: str, roles: tuple[str, ...] = ()) -> Record | None:
    """The last sign-off with that meaning by the person of the target record."""
    person = getattr(target.statement.predicate, "person", None) if target else None
    if target is None or person is None:
        return None
    found = None
    for _, record in case.standing():
        signoff = record.statement.predicate
        if not isinstance(signoff, SignoffV1) or signoff.target != target.digest:
            continue
        if (signoff.meaning, signoff.person) == (meaning, person) and (not roles or signoff.role in roles):
            found = record
    if found is None:
        case.refuse(
            "unsigned",
            "the {kind} record of {person} is not signed off as {meaning}{role}",
            "{person} 的“{kind}”记录没有“{meaning}”签字{role}",
            kind=kind_words(target.kind),
            person=case.roster.name_of(person),
            meaning=named(DEEDS, meaning),
            role=Words(" ({role})", "（{role}）").fill(role=named(ROLES, roles[0])) if roles else "",
        )
    elif isinstance(signed := found.statement.predicate, Signed):
        _check_level(case, signed)
        _check_qualified(case, signed, _run_of(target))
    return found


def _check_qualified(case: _Case, signed: Signed, run: RunV1 | None) -> None:
    if not case.policy.qualification or run is None:
        return
    checklist = str(run.checklist.get("id", ""))
    if not case.roster.qualified(signed.person, checklist, signed.signed_ms):
        case.refuse(
            "unqualified",
            "{name} was not qualified for the checklist {checklist}",
            "{name} 当时不具备检测清单 {checklist} 的资格",
            name=signed.printed_name,
            checklist=checklist,
        )


def _check_signoffs_of_records(case: _Case) -> None:
    for _, record in list(case.standing()):
        if record.kind in case.policy.person_signs:
            _signoff(case, record, "performed")


def _check_level(case: _Case, signed: Signed) -> None:
    if signed.key_level < case.policy.min_key_level:
        case.refuse(
            "key-level",
            "{name} signed with a key of level {level}, {least} is demanded",
            "{name} 使用等级 {level} 的密钥签字，要求等级 {least}",
            name=signed.printed_name,
            level=signed.key_level,
            least=case.policy.min_key_level,
        )


# --- the release itself ----------------------------------------------------------------------------------------------


def _check_approver(case: _Case, person: str, at_ms: int, cross_checked: bool) -> None:
    roles = _INSPECTORS if cross_checked else (*_INSPECTORS, "lead")
    name = case.roster.name_of(person)
    if not any(case.roster.may(person, role, at_ms) for role in roles) or case.roster.current_key(person) is None:
        case.refuse("approver", "{person} may not approve a release", "{person} 无权放行", person=name)
    elif _did_the_work(case, None, person):
        case.refuse("four-eyes", "{person} releases own work", "{person} 维修或自检过此机，不能放行", person=name)


def _check_release(case: _Case, lists: ReleaseLists | None, cross_checked: bool) -> None:
    releases = [(at, record) for at, record in case.standing() if isinstance(record.statement.predicate, ReleaseV1)]
    if not releases:
        case.refuse("no-release", "there is no release record", "没有放行记录")
        return
    at, record = releases[-1]
    release = record.statement.predicate
    if not isinstance(release, ReleaseV1):
        return
    roles = _INSPECTORS if cross_checked else (*_INSPECTORS, "lead")
    if release.role not in roles or release.meaning != "approved":
        case.refuse("approver", "the release is not approved by an inspector", "放行未由互检人批准")
    if _did_the_work(case, record, release.person):
        case.refuse(
            "four-eyes", "{name} releases own work", "{name} 维修或自检过此机，不能放行", name=release.printed_name
        )
    _check_level(case, release)
    if any(
        isinstance(later.statement.predicate, RunV1 | RepairV1 | PartUseV1 | IntakeV1) for later in case.records[at:]
    ):
        case.refuse("worked-later", "something was done after the release", "放行之后又有操作")
    if release.phone.commitment != case.phone:
        case.refuse("phone", "the release is for another phone", "放行的是另一台手机")
    _check_lists(case, release, lists)


def _check_lists(case: _Case, release: ReleaseV1, lists: ReleaseLists | None) -> None:
    if lists is None:
        return
    listed = ReleaseLists(
        intake=release.intake,
        self_run=release.self_run,
        performed=release.performed,
        cross_run=release.cross_run,
        verified=release.verified,
        consent=release.consent,
        waivers=release.waivers,
    )
    for name in ReleaseLists.__slots__:
        mine, theirs = getattr(lists, name), getattr(listed, name)
        if (sorted(mine) != sorted(theirs)) if name == "waivers" else (mine != theirs):
            case.refuse(
                "lists", "the release does not list the right {what}", "放行记录所列的 {what} 不正确", what=name
            )
    if (release.decision == "released-with-waiver") != bool(case.used):
        case.refuse("lists", "the release says {d}", "放行记录写为 {d}", d=release.decision)
