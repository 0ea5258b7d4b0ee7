"""What is typed or handed in at the counter and must be right before it is recorded: numbers, files, no passcode."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from drivers.text import Words, safe_text
from reports.predicates import EvidenceRef
from station.statements import Redactor
from station.steps.api import Case, Photo, wrong
from station.tickets import check_imei, check_meid
from station.vault import Kept

__all__ = ["Files", "no_passcode", "phone_identities", "plain_text", "telephone", "written"]

#: A word for a passcode and what looks like one behind it. A phone's lock is opened by its owner, never by its code.
_PASSCODE = re.compile(
    r"(?:pass\s?code|pass\s?word|(?<![a-z])pin(?![a-z])|unlock code|密码|口令|解锁码)"
    r"[^0-9a-z]{0,12}(?:is|为|是)?[^0-9a-z]{0,4}[0-9]{4,}",
    re.IGNORECASE,
)
#: The name of a number on a label; digits and letters of the number itself are not taken for part of it.
_LABEL = re.compile(r"^(?:IMEI(?:\s?[12](?=[\s:：]))?|MEID|S/?N(?=[\s:：]))\s*[:：]?\s*", re.IGNORECASE)


def no_passcode(*texts: str) -> None:
    """Refuse a text that holds a passcode.

    Raises:
        Trouble: one does.
    """
    if any(_PASSCODE.search(text) for text in texts):
        raise wrong("counter.passcode", _NO_PASSCODE, _LEAVE_OUT)


def telephone(text: str) -> str:
    """A telephone number as typed, blanks and dashes aside; empty stays empty.

    Raises:
        Trouble: it has not 5 to 15 digits (ITU-T E.164 allows 15) or holds anything else but a leading plus.
    """
    digits = re.sub(r"[\s().-]", "", text)
    if digits and not re.fullmatch(r"\+?[0-9]{5,15}", digits):
        raise wrong("counter.telephone", _TELEPHONE.fill(text=text), _TYPE_AGAIN)
    return digits


def phone_identities(form: Mapping[str, str]) -> dict[str, str]:
    """IMEIs, MEID and serial of a form, each with its check digit looked at; what was left out is empty.

    Raises:
        Trouble: one of them can't be.
    """
    first, second = (check_imei(form[name]) if form[name] else "" for name in ("imei", "imei2"))
    if second and second == first:
        second = ""
    meid = check_meid(form["meid"]) if form["meid"] else ""
    return {"imei": first or second, "imei2": second if first else "", "meid": meid, "serial": form["serial"]}


def plain_text(scanned: str) -> str:
    """A scanned label without blanks and the name of the number in front of it."""
    text = _LABEL.sub("", scanned.strip())
    return safe_text(text.strip(), 100)


def written(case: Case, known: Sequence[str] = ()) -> Redactor:
    """Takes out of a person's words what identifies phone or people, as far as the ticket or `known` has it."""
    return Redactor([*(str(one) for one in case.personal.values() if one), *known])


class Files:
    """Files of one step: each becomes evidence under a name of its own, since a file's name may name a person."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.kept: list[Kept] = []

    def take(self, photos: Sequence[Photo], name: str, kinds: Sequence[str] = ()) -> tuple[EvidenceRef, ...]:
        """How the record names these files.

        Args:
            kinds: what they may be, as the beginnings of media types; empty: anything.

        Raises:
            Trouble: one is not of these kinds.
        """
        return tuple(self._take(one, f"{name}-{at}", kinds) for at, one in enumerate(photos, 1))

    def _take(self, photo: Photo, name: str, kinds: Sequence[str]) -> EvidenceRef:
        if kinds and not photo.media_type.startswith(tuple(kinds)):
            raise wrong("counter.file", _KIND.fill(file=photo.name, kinds=", ".join(kinds)), _OTHER_FILE)
        named = replace(photo, name=name + PurePath(photo.name).suffix[:8].lower())
        self.kept.append(Kept(named.name, named.media_type, named.data))
        return self._case.evidence(named)


_NO_PASSCODE = Words("A passcode is never written down", "不得记录锁屏密码")
_LEAVE_OUT = Words("Leave it out: the owner unlocks the phone", "请删除该内容：由机主本人解锁")
_TELEPHONE = Words("{text} is not a telephone number", "{text} 不是电话号码")
_TYPE_AGAIN = Words("Type it again, with 5 to 15 digits", "请重新输入 5 到 15 位数字")
_KIND = Words("{file} is not such a file: {kinds} is needed", "{file} 的类型不符：应为 {kinds}")
_OTHER_FILE = Words("Hand in another file", "请提供其他文件")
