"""The one-time code that a customer consents or confirms with: made, sent to their telephone, and compared a few times.

It leaves by the shop's adapter before its record is made; only a commitment stays. Who asks for it does not see it, and
can't find it by trying: every try is told to the journal before its answer is given, and few are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from drivers.text import Words
from reports.agreement import agreement
from reports.predicates import ConsentV1
from reports.record import digest_of
from reports.steps.consent_code import ConsentCodeV1
from station.events import CodeTried
from station.plans import plan_policy
from station.steps.api import Case, Choice, Counted, Field, Filled, Made, Outgoing, Step, not_now, wrong
from station.steps.notices import LANGUAGES, message

__all__ = ["STEPS", "TRIES", "TRIES_OF_TICKET", "About", "code_record", "compared"]

#: Wrong codes after which the one that was sent does not hold any more: as many as lock a person's key.
TRIES = 5
#: Wrong codes after which a ticket takes none at all. NIST SP 800-63B, 5.1.3.2: a secret of less than 64 bits needs a
#: limit on failed tries; 5.2.2: no more than 100 on one account. Of eight digits that is a chance of one in a million.
TRIES_OF_TICKET = 100

About = Literal["plan", "confirmation"]
_ABOUT: Mapping[About, Words] = {
    "plan": Words("the plan", "维修方案"),
    "confirmation": Words("how the phone came, and the data text", "接件确认（外观、附件与数据告知）"),
}
_TO = {
    "owner": (Words("owner", "机主"), "phone"),
    "bringer": (Words("bringer", "送修人"), "bringer_phone"),
    "collector": (Words("collector", "取机人"), "collector_phone"),
}


def _subjects(case: Case) -> dict[str, str]:
    """What a code can be for now, by the digest of the record that the customer is shown."""
    plan, shown = agreement(case.records).digest, case.newest("appearance") or case.newest("intake")
    return {
        name: digest for name, digest in (("plan", plan), ("confirmation", shown.digest if shown else "")) if digest
    }


def _about(case: Case) -> str:
    return next(iter(_subjects(case)), "")


def _send_code(case: Case, form: Filled) -> Made:
    about: About = "confirmation" if (form["about"] or _about(case)) == "confirmation" else "plan"
    subject = _subjects(case).get(about)
    if subject is None:
        raise not_now("consent.no-plan", _NOTHING, _PLAN_FIRST)
    _must_be_tried_less(case)
    label, place = _TO[form["to"] or "owner"]
    to = str(case.personal.get(place) or "")
    if not to:
        raise not_now("code.no-telephone", _NO_TELEPHONE.fill(who=label), _ANOTHER_WAY)
    policy, number = plan_policy(case.policy), sum(one.kind == "consent-code/v1" for one in case.records)
    code = _code_of(case, subject, number, policy.code_digits)
    language: Literal["en", "zh"] = "en" if form["language"] == "en" else "zh"
    stage = f"code-{about}"
    _, text = message(case, stage, language, code=code, minutes=str(policy.code_minutes))
    predicate = ConsentCodeV1(
        **case.common,
        person=case.person,
        plan=subject,
        about=about,
        code=case.commit("consent-code", f"{subject} {code}"),
        until_ms=case.now_ms + policy.code_minutes * 60_000,
    )
    made = case.common
    key = digest_of("\n".join([stage, made["shop"], made["station"], case.ticket, subject, str(number)]).encode())
    says = _MADE.fill(who=label, tail=to[-4:], minutes=policy.code_minutes, about=_ABOUT[about])
    return Made(predicate, says=(says,), send=Outgoing(key, case.ticket, stage, language, to, text))


def _code_of(case: Case, subject: str, number: int, digits: int) -> str:
    """The ticket's code of that number: from a commitment under the ticket's secret salt, so nobody can foresee it."""
    secret = case.commit("consent-code-secret", f"{subject} {number}").commitment
    return f"{int(secret, 16) % 10**digits:0{digits}d}"


def code_record(case: Case, about: About, subject: str, typed: str) -> str:
    """The digest of the code's record, when the typed one is the newest that was sent for this and still holds.

    Whoever calls it gives `compared` of that in `Made.counts`.

    Raises:
        Counted: it is another one.
        Trouble: none was sent for it or typed, it was used, it is too late, or too many others were typed.
    """
    record = case.newest("consent-code")
    made = record.statement.predicate if record else None
    if record is None or not isinstance(made, ConsentCodeV1) or (made.about, made.plan) != (about, subject):
        raise not_now("consent.no-code", _NO_CODE.fill(about=_ABOUT[about]), _MAKE_CODE)
    if any(
        isinstance(one.statement.predicate, ConsentV1) and one.statement.predicate.code == record.digest
        for one in case.records
    ):
        raise not_now("consent.code-used", _CODE_USED, _MAKE_CODE)
    if case.now_ms > made.until_ms:
        raise not_now("consent.code-late", _CODE_LATE, _MAKE_CODE)
    if not typed.strip():
        raise wrong("consent.code-missing", _NO_CODE_TYPED, _TYPE_IT)
    _must_be_tried_less(case)
    tried = case.session.wrong_codes.get(record.digest, 0)
    if tried >= TRIES:
        raise not_now("consent.code-tries", _TRIED_OUT.fill(n=tried), _MAKE_ANOTHER)
    if case.commit("consent-code", f"{subject} {typed.strip()}") != made.code:
        raise _another(case, record.digest, tried + 1)
    return record.digest


def compared(case: Case, code: str) -> tuple[CodeTried, ...]:
    """What the journal is told of a code that was right."""
    return (CodeTried(code=code, person=case.person, right=True),)


def _another(case: Case, code: str, tried: int) -> Counted:
    """The typed code is not the one that was sent: counted, and said how many tries are left."""
    counts = (CodeTried(code=code, person=case.person, right=False),)
    if tried >= TRIES:
        return Counted("consent.code-tries", _TRIED_OUT.fill(n=tried), _MAKE_ANOTHER, counts)
    return Counted("consent.code", _WRONG_CODE.fill(n=TRIES - tried), _TYPE_AGAIN, counts)


def _must_be_tried_less(case: Case) -> None:
    if sum(case.session.wrong_codes.values()) >= TRIES_OF_TICKET:
        raise not_now("consent.codes-tried", _NO_MORE.fill(n=TRIES_OF_TICKET), _ANOTHER_WAY)


_NOTHING = Words("There is nothing to consent to", "尚无可确认的内容")
_PLAN_FIRST = Words("Take the phone in, or make a plan: `assay plan`", "请先接件或制定方案：`assay plan`")
_NO_TELEPHONE = Words("No telephone number is known: {who}", "没有电话号码：{who}")
_ANOTHER_WAY = Words("Use a signature or a recorded call", "请使用签名或通话录音")
_MADE = Words(
    "A code for {about} was sent to the {who} (…{tail}); it holds for {minutes} minutes",
    "{about}的验证码已发送给{who}（…{tail}），{minutes} 分钟内有效",
)
_NO_CODE = Words("No code was sent for {about}", "尚未发送{about}的验证码")
_CODE_USED = Words("This code was used already", "该验证码已使用")
_CODE_LATE = Words("The code does not hold any more", "验证码已过期")
_NO_CODE_TYPED = Words("The code is missing", "缺少验证码")
_TYPE_IT = Words("Ask the customer for the code and type it: `code`", "请向客户索取验证码并填入 `code`")
_WRONG_CODE = Words("The code is not the one that was sent; tries left: {n}", "验证码不正确，剩余尝试次数：{n}")
_TRIED_OUT = Words(
    "{n} wrong codes were typed: the one that was sent does not hold any more",
    "已输错 {n} 次，所发送的验证码已失效",
)
_NO_MORE = Words(
    "{n} wrong codes were typed for this ticket: it takes no code any more", "该工单已累计输错 {n} 次，不再接受验证码"
)
_MAKE_ANOTHER = Words(
    "Leave the form as it is, send a new code (`assay consent-code`), and type that one",
    "请保留已填表单，重新发送验证码（`assay consent-code`）后输入新码",
)
_MAKE_CODE = Words("Send a new one: `assay consent-code`", "请重新发送：`assay consent-code`")
_TYPE_AGAIN = Words("Ask the customer for the newest code and type it again", "请向客户索取最新验证码后重新输入")

STEPS = (
    Step(
        id="consent-code",
        kind="consent-code/v1",
        place=415,
        title=Words("one-time code", "一次性验证码"),
        about=Words(
            "sends the customer a code to consent or confirm with; only its hash is recorded",
            "向客户发送确认用的一次性验证码，记录中只存承诺值",
        ),
        roles=("receptionist", "technician", "lead"),
        possible=lambda case: None if _subjects(case) else _NOTHING,
        make=_send_code,
        sends=True,
        fields=(
            Field(
                "about",
                Words("what for", "用途"),
                "choice",
                choices=tuple(Choice(name, label) for name, label in _ABOUT.items()),
                given=_about,
            ),
            Field(
                "to",
                Words("to whom", "发送给"),
                "choice",
                choices=tuple(Choice(name, label) for name, (label, _) in _TO.items()),
            ),
            Field("language", Words("language", "语言"), "choice", choices=LANGUAGES),
        ),
    ),
)
