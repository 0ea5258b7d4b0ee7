"""The customer's word on the newest plan, each risk confirmed singly.

A consent is to exactly one plan, by its digest. Only "agreed" lets anyone repair; the newest word counts, so a consent
can be taken back.
"""

from __future__ import annotations

from drivers.text import Words
from reports.agreement import Agreement, agreement, party_of
from reports.predicates import ConsentV1, IdentityV1, PlanV1
from station.steps.api import Case, Choice, Field, Filled, Made, Photo, Step, not_now, others, wrong
from station.steps.one_time_code import code_record, compared
from station.steps.parts import given_free
from station.vault import Kept

__all__ = ["RISKS", "STEPS"]

#: Every risk that a plan can have: those of the repairs and those of the plan policy.
RISKS = (
    Choice("water-seal", Words("water seal", "防水性能")),
    Choice("biometrics", Words("fingerprint and face", "指纹与面部识别")),
    Choice("data", Words("data", "数据")),
    Choice("identity", Words("new IMEI and serial", "IMEI 与序列号变更")),
    Choice("warranty", Words("the maker's warranty", "厂商保修")),
    Choice("not-genuine", Words("a part that is not the maker's", "非原厂配件")),
    Choice("price-above", Words("a high price", "高额费用")),
)


def _possible(case: Case) -> Words | None:
    return None if agreement(case.records).plan else _NO_PLAN


def _newest(case: Case) -> tuple[Agreement, PlanV1]:
    found = agreement(case.records)
    if found.plan is None:
        raise not_now("consent.no-plan", _NO_PLAN, _PLAN_FIRST)
    return found, found.plan


def _plan_shown(case: Case) -> str:
    return agreement(case.records).digest


def _consent(case: Case, form: Filled) -> Made:
    found, plan = _newest(case)
    if form["plan"] and form["plan"] != found.digest:
        raise not_now("consent.other-plan", _OTHER_PLAN, _LOOK_AGAIN)
    _must_be_confirmed(form, plan)
    _must_be_entitled(case, form)
    proof, witness, name = _proof(form), _witness(case, form), _name(case, form)
    code = code_record(case, "plan", found.digest, form["code"]) if form["way"] == "one-time-code" else None
    predicate = ConsentV1(
        **case.common,
        person=case.person,
        plan=found.digest,
        way=form["way"],
        proof=case.evidence(proof) if proof else None,
        given_ms=case.now_ms,
        decision=form["decision"],
        by=form["by"] or "owner",
        confirmed=form["confirmed"],
        witness=witness,
        code=code,
        name=name,
        old_parts=form["old_parts"] or "unsaid",
        note=case.redact(form["note"]),
    )
    keep = (Kept(proof.name, proof.media_type, proof.data),) if proof else ()
    said = _SAID[predicate.decision].fill(plan=found.digest[:12])
    risks = [Words(risk.text.en, risk.text.zh) for risk in plan.risks if risk.id in predicate.confirmed]
    says = (said, *(_CONFIRMED.fill(risk=risk) for risk in risks), *_OLD_PARTS_SAID.get(predicate.old_parts, ()))
    moves = () if predicate.decision == "agreed" else given_free(case, {})
    return Made(predicate, says=says, keep=keep, moves=moves, counts=compared(case, code) if code else ())


def _must_be_confirmed(form: Filled, plan: PlanV1) -> None:
    confirmed, known = form["confirmed"], {risk.id: risk for risk in plan.risks}
    if foreign := [one for one in confirmed if one not in known]:
        raise wrong("consent.risk", _FOREIGN.fill(risk=", ".join(foreign)), _LOOK_AGAIN)
    if form["decision"] != "agreed":
        return
    if not plan.remedies:
        raise wrong("consent.nothing", _NOTHING, _OTHER_WAY)
    if missing := [risk for risk in plan.risks if risk.id not in confirmed]:
        texts = Words("; ".join(risk.text.en for risk in missing), "；".join(risk.text.zh for risk in missing))
        raise wrong("consent.risk", _UNCONFIRMED.fill(risks=texts), _ONE_BY_ONE)


def _must_be_entitled(case: Case, form: Filled) -> None:
    """Someone else than the owner was named, with the right to act."""
    by = form["by"] or "owner"
    if by == "owner":
        return
    if party_of(case.records, by) is None:
        raise wrong("consent.by", _NOT_NAMED.fill(who=_BY[by]), _NAME_THEM)


def _proof(form: Filled) -> Photo | None:
    if form["way"] in ("signature", "call") and not form["proof"]:
        raise wrong("consent.proof", _NO_PROOF[form["way"]], _ADD_FILE)
    return form["proof"][0] if form["proof"] else None


def _witness(case: Case, form: Filled) -> str | None:
    if form["way"] != "in-person":
        return None
    witness = form["witness"]
    if not witness:
        raise wrong("consent.witness", _NO_WITNESS, _NAME_WITNESS)
    if witness == case.person:
        raise wrong("consent.witness", _SAME_WITNESS, _NAME_WITNESS)
    if case.roster.current_key(witness) is None:
        raise wrong("consent.witness", _UNKNOWN_WITNESS.fill(person=witness), _NAME_WITNESS)
    return str(witness)


def _name(case: Case, form: Filled) -> IdentityV1 | None:
    """The typed name, which is that of who consents as it was taken down."""
    if form["way"] != "typed":
        return None
    by = form["by"] or "owner"
    kind = "name" if by == "owner" else f"{by}-name"
    known = str(case.personal.get(kind.replace("-", "_")) or "")
    typed, wanted = ("".join(text.split()).casefold() for text in (form["name"], known))
    if not wanted or typed != wanted:
        raise wrong("consent.name", _OTHER_NAME, _TYPE_NAME)
    return IdentityV1(kind=kind, value=case.commit("signed-name", known))


_NO_PLAN = Words("There is no plan to consent to", "尚无可确认的方案")
_PLAN_FIRST = Words("Make one: `assay plan`", "请先制定：`assay plan`")
_OTHER_PLAN = Words("The plan has changed since it was shown", "方案在展示后已变更")
_LOOK_AGAIN = Words("Show the customer the newest plan again", "请向客户重新展示最新方案")
_FOREIGN = Words("The plan has no such risk: {risk}", "方案中没有此风险项：{risk}")
_NOTHING = Words("The plan repairs nothing: there is nothing to agree to", "方案不含维修，无可同意的内容")
_OTHER_WAY = Words("Choose observe or return-unrepaired", "请选择观察或拒修退回")
_UNCONFIRMED = Words("Not confirmed by the customer: {risks}", "客户未逐项确认：{risks}")
_ONE_BY_ONE = Words("Read each risk to the customer and tick it when it is confirmed", "请逐项告知并在客户确认后勾选")
_BY = {"bringer": Words("a bringer", "送修人"), "collector": Words("a collector", "取机人")}
_NOT_NAMED = Words("Nobody was named as {who} of this ticket", "该工单未登记{who}")
_NAME_THEM = Words(
    "Only the owner, or who may act for the owner, consents: `assay authorise` names them",
    "仅机主或有授权者可确认：请用 `assay authorise` 登记",
)
_NO_PROOF = {
    "signature": Words("The signature is not there", "缺少签名文件"),
    "call": Words("The recording of the call is not there", "缺少通话录音"),
}
_ADD_FILE = Words("Add the file with `proof`", "请用 `proof` 添加文件")
_NO_WITNESS = Words("A consent in person needs a witness of the shop", "当面确认须有店内见证人")
_SAME_WITNESS = Words("Who takes the consent down can't be its witness", "记录人不能兼任见证人")
_UNKNOWN_WITNESS = Words("{person} is not enrolled on this station", "{person} 未在本工位登记")
_NAME_WITNESS = Words("Name another person of the shop", "请填写另一位店内人员")
_SAID = {
    "agreed": Words("The customer agrees to the plan {plan}", "客户同意方案 {plan}"),
    "refused": Words("The customer refuses the plan {plan}", "客户拒绝方案 {plan}"),
    "return-unrepaired": Words("The phone goes back unrepaired (plan {plan})", "拒修退回（方案 {plan}）"),
    "observe": Words("The phone is kept under observation (plan {plan})", "留机观察（方案 {plan}）"),
}
_CONFIRMED = Words("Confirmed: {risk}", "已确认：{risk}")
_OTHER_NAME = Words("The typed name is not the one that was taken down", "键入的姓名与登记不符")
_TYPE_NAME = Words("Have the customer type their name as it was taken down: `name`", "请客户按登记键入姓名：`name`")
_OLD_PARTS = {
    "customer": Words("the customer wants them back", "客户取回"),
    "shop": Words("the customer leaves them here", "客户留店"),
}
_OLD_PARTS_SAID = {
    value: (Words("Old parts: {what}", "旧件：{what}").fill(what=label),) for value, label in _OLD_PARTS.items()
}

STEPS = (
    Step(
        id="consent",
        kind="consent/v1",
        place=420,
        title=Words("plan consent", "方案确认"),
        about=Words("the customer's word on exactly the newest plan", "客户对最新方案的确认"),
        roles=("receptionist", "technician", "lead"),
        possible=_possible,
        make=_consent,
        compares=True,
        fields=(
            Field(
                "decision",
                Words("decision", "客户决定"),
                "choice",
                required=True,
                choices=(
                    Choice("agreed", Words("agreed", "同意")),
                    Choice("refused", Words("refused", "拒绝")),
                    Choice("return-unrepaired", Words("return unrepaired", "拒修退回")),
                    Choice("observe", Words("observe", "观察")),
                ),
            ),
            Field(
                "way",
                Words("how it was given", "确认方式"),
                "choice",
                required=True,
                choices=(
                    Choice("signature", Words("drawn signature, as a picture", "手写签名（图片）")),
                    Choice("typed", Words("name typed by the customer", "客户键入姓名")),
                    Choice("one-time-code", Words("one-time code", "一次性验证码")),
                    Choice("call", Words("recorded call", "通话录音")),
                    Choice("in-person", Words("in person with a witness", "当面确认（有见证人）")),
                ),
            ),
            Field("confirmed", Words("risks, each confirmed", "逐项确认的风险"), "choices", choices=RISKS),
            Field(
                "by",
                Words("who consents", "确认人"),
                "choice",
                choices=(
                    Choice("owner", Words("owner", "机主")),
                    Choice("bringer", Words("bringer", "送修人")),
                    Choice("collector", Words("collector", "取机人")),
                ),
            ),
            Field("proof", Words("signature or recording", "签名或录音"), "photos", most=1),
            Field("name", Words("typed name", "键入的姓名"), personal=True, most=100),
            Field("code", Words("the code that the customer says", "客户提供的验证码"), most=20),
            Field("witness", Words("witness", "见证人"), most=200, offered=others),
            Field(
                "old_parts",
                Words("old parts that come out", "换下的旧件"),
                "choice",
                choices=tuple(Choice(value, label) for value, label in _OLD_PARTS.items()),
            ),
            Field("plan", Words("plan that was shown", "所展示的方案"), "digest", given=_plan_shown),
            Field("note", Words("the customer's words", "客户意见"), "long", most=2000),
        ),
    ),
)
