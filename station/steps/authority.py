"""Naming somebody who stands for the owner (代办授权) after the phone was taken in: a collector, or who brings it.

The same rules as at the registration: nobody acts without something that shows that they may.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.text import Words
from reports.steps.authority import AuthorityV1, Part
from reports.steps.registration import PartyV1
from station.counter.inputs import Files, telephone
from station.states import state_of
from station.steps.api import Case, Choice, Field, Filled, Made, Step, wrong
from station.steps.registration import AUTHORITY, RELATIONS

__all__ = ["STEPS"]

_PARTS: Mapping[Part, Words] = {
    "collector": Words("takes the phone", "取机人"),
    "bringer": Words("brought the phone", "送修人"),
}
#: What a proof may be, by what it shows: the beginnings of media types.
_PROOFS = {"letter": ("image/", "application/pdf"), "call": ("audio/", "video/")}


def _authorise(case: Case, form: Filled) -> Made:
    part, shown = form["part"], form["authority"]
    if form["name"] == case.personal.get("name"):
        raise wrong("authority.owner", _IS_OWNER, _LEAVE_IT)
    if "relation" in shown and not form["relation"]:
        raise wrong("authority.relation", _NO_RELATION, _FILL_IN)
    for way in _PROOFS:
        if way in shown and not any(one.media_type.startswith(_PROOFS[way]) for one in form["proof"]):
            raise wrong("authority.proof", _NO_PROOF[way], _ADD_IT)
    files, phone = Files(case), telephone(form["phone"])
    predicate = AuthorityV1(
        **case.common,
        person=case.person,
        part=part,
        party=PartyV1(
            name=case.commit(f"{part}-name", form["name"]),
            phone=case.commit(f"{part}-phone", phone) if phone else None,
            relation=form["relation"] or "other",
            authority=shown,
        ),
        evidence=files.take(form["proof"], "authority", tuple(kind for kinds in _PROOFS.values() for kind in kinds)),
    )
    how = [AUTHORITY[one] for one in shown]
    says = _NAMED.fill(
        part=_PARTS[part],
        relation=RELATIONS[predicate.party.relation],
        shown=Words(", ".join(one.en for one in how), "、".join(one.zh for one in how)),
    )
    personal = {f"{part}_name": form["name"], f"{part}_phone": phone}
    return Made(predicate, says=(says,), personal=personal, keep=tuple(files.kept))


def _possible(case: Case) -> Words | None:
    if case.phone is None:
        return _NOT_TAKEN_IN
    return None if state_of(case.session).open else _GONE


_IS_OWNER = Words("This is the owner, who needs no authority", "此人即机主，无需授权")
_LEAVE_IT = Words("Go on without this step", "无需办理此步骤")
_NO_RELATION = Words("Which relation to the owner?", "与机主是什么关系？")
_FILL_IN = Words("Fill in what the owner says", "请按机主所述填写")
_NO_PROOF = {
    "letter": Words("The owner's letter is not there", "缺少机主委托书"),
    "call": Words("The recording of the owner's call is not there", "缺少机主通话录音"),
}
_ADD_IT = Words("Add it under `proof`", "请在“证明文件”中添加")
_NAMED = Words("{part}, for the owner ({relation}): {shown}", "{part}，代机主（{relation}）：{shown}")
_NOT_TAKEN_IN = Words("The phone was not taken in yet: the registration names them", "手机尚未接件：请在受理登记中填写")
_GONE = Words("The phone is not here any more", "手机已不在店内")


def _choices(named: Mapping[str, Words]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in named.items())


STEPS = (
    Step(
        id="authorise",
        kind="authority/v1",
        place=695,
        title=Words("authority to act", "代办授权"),
        about=Words(
            "names who takes the phone or consents in the owner's place, and by what right",
            "登记代机主取机或确认的人及其授权依据",
        ),
        roles=("receptionist", "technician", "lead"),
        possible=_possible,
        make=_authorise,
        fields=(
            Field(
                "part",
                Words("what they do", "身份"),
                "choice",
                required=True,
                choices=tuple(Choice(part, label) for part, label in _PARTS.items()),
            ),
            Field("name", Words("name", "姓名"), required=True, personal=True, most=100),
            Field("phone", Words("telephone", "电话"), personal=True, most=40),
            Field("relation", Words("relation to the owner", "与机主关系"), "choice", choices=_choices(RELATIONS)),
            Field(
                "authority",
                Words("what shows that they may", "授权依据"),
                "choices",
                required=True,
                choices=_choices(AUTHORITY),
            ),
            Field("proof", Words("letter, recorded call", "委托书、通话录音"), "photos", most=4),
        ),
    ),
)
