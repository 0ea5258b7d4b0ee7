"""Tickets: their numbers, what must be right before one is opened, their states, and the list of them.

The state is a function of the session; the table here is derived from it and exists to list and number tickets fast.
It knows no device and no screen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from drivers.api import Identity, Side
from drivers.imei import check_digit
from drivers.text import Words, safe_text
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.messages import Intake
from station.session import Session
from station.states import state_of

__all__ = [
    "TICKETS",
    "TakenIn",
    "check_imei",
    "facts",
    "identities",
    "must_be_number",
    "next_number",
    "open_tickets",
    "rows",
    "same_phone",
    "save",
    "taken_in",
]

TICKETS = Migrations("assay-tickets")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")


@TICKETS()
def m001_ticket(db: Database) -> None:
    """The list of tickets, derived from the journal."""
    db.table("ticket").create(
        {"ticket": str, "opened_ms": int, "model": str, "state": str, "open": int},
        pk="ticket",
        not_null={"opened_ms", "model", "state", "open"},
        strict=True,
    )
    db.table("ticket").create_index(["open"])


# --- numbers and identities ------------------------------------------------------------------------------------------


def next_number(db: Database, now_s: float | None = None) -> str:
    """The next ticket number of this month, `Tyymm-nnnn`."""
    prefix = time.strftime("T%y%m-", time.localtime(now_s))
    query = "SELECT ticket FROM ticket WHERE ticket LIKE ? ORDER BY length(ticket) DESC, ticket DESC LIMIT 1"
    last = next(iter(db.query(query, [f"{prefix}%"])), None)
    tail = last["ticket"].removeprefix(prefix) if last else "0"
    return f"{prefix}{int(tail) + 1 if tail.isdecimal() else 1:04d}"


def must_be_number(ticket: str) -> None:
    """Refuse what can't be a ticket number; empty stands for the next one.

    Raises:
        Trouble: it can't.
    """
    if ticket and not _NUMBER.fullmatch(ticket):
        raise _wrong("ticket.number", _BAD_NUMBER.fill(ticket=ticket), _NUMBER_FORM)


def check_imei(text: str) -> str:
    """The IMEI's digits.

    Raises:
        Trouble: not 15 digits, or the check digit (Luhn, 3GPP TS 23.003 annex B) does not fit.
    """
    digits = re.sub(r"[\s/.-]", "", text)
    if not re.fullmatch(r"[0-9]{15}", digits):
        raise _wrong("ticket.imei", _IMEI_FORM.fill(text=text), _SCAN_AGAIN)
    if check_digit(digits[:14]) != digits[14]:
        raise _wrong("ticket.imei", _IMEI_DIGIT.fill(text=digits, digit=check_digit(digits[:14])), _SCAN_AGAIN)
    return digits


def identities(session: Session) -> tuple[str, tuple[str, ...]]:
    """Serial and IMEIs of the ticket's phone, as far as they were taken down (and not erased)."""
    if session.opened is None:
        return "", ()
    imeis = tuple(one.identity for one in session.opened.imeis if one.identity)
    return session.opened.serial.identity or "", imeis


def same_phone(session: Session, identity: Identity) -> bool:
    """Whether nothing speaks against the phone being the ticket's: IMEIs where both have some, else serials."""
    serial, imeis = identities(session)
    if imeis and identity.imeis:
        return bool(set(imeis) & set(identity.imeis))
    return not (serial and identity.serial) or serial == identity.serial


def facts(session: Session) -> dict[str, str]:
    """What the ticket says of the phone, for probes."""
    serial, imeis = identities(session)
    named = {"serial": serial, "model": session.model}
    named |= {f"imei{n}" if n > 1 else "imei": imei for n, imei in enumerate(imeis, 1)}
    return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An intake after every check: what the ticket will hold."""

    serial: str
    imeis: tuple[str, ...]
    model: str
    manufacturer: str


def taken_in(intake: Intake, phone: Identity | None, others: Iterable[tuple[str, Session]]) -> TakenIn:
    """What an intake says of the phone, checked against the phone itself and against the other open tickets.

    Raises:
        Trouble: a wrong number, no identity at all, a phone that differs from what was typed, or one that another open
            ticket already has.
    """
    must_be_number(intake.ticket)
    typed = check_imei(intake.imei) if intake.imei else ""
    told = phone or Identity()
    if typed and told.imeis and typed not in told.imeis:
        raise _wrong("ticket.other-phone", _OTHER_IMEI.fill(tail=typed[-4:]), _RIGHT_SLOT)
    if intake.serial and told.serial and intake.serial != told.serial:
        raise _wrong("ticket.other-phone", _OTHER_SERIAL.fill(tail=intake.serial[-4:]), _RIGHT_SLOT)
    imeis = tuple(dict.fromkeys([*([typed] if typed else []), *told.imeis]))
    serial = safe_text(intake.serial or told.serial, 100)
    if not imeis and not serial:
        raise _wrong("ticket.no-identity", _NO_IDENTITY, _SCAN_OR_PLUG)
    _refuse_twice(serial, imeis, others)
    model = safe_text(intake.model or told.model, 200)
    return TakenIn(serial, imeis, model, safe_text(told.manufacturer, 200))


def _refuse_twice(serial: str, imeis: Sequence[str], others: Iterable[tuple[str, Session]]) -> None:
    for number, session in others:
        their_serial, theirs = identities(session)
        if set(imeis) & set(theirs) or (not imeis and serial and serial == their_serial):
            raise Trouble("ticket.twice", _TWICE.fill(ticket=number), Side.PERSON, _USE_IT.fill(ticket=number), EXIT_NO)


def _wrong(code: str, what: Words, next_step: Words) -> Trouble:
    return Trouble(code, what, Side.PERSON, next_step, EXIT_USE)


_IMEI_FORM = Words("{text} is not an IMEI: an IMEI has 15 digits", "{text} 不是 IMEI：应为 15 位数字")
_IMEI_DIGIT = Words("IMEI {text}: the check digit should be {digit}", "IMEI {text}：校验位应为 {digit}")
_SCAN_AGAIN = Words("Scan the label again, or dial *#06# and compare", "请重新扫码，或拨 *#06# 核对")
_BAD_NUMBER = Words("{ticket} can't be a ticket number", "{ticket} 不能作为工单号")
_NUMBER_FORM = Words(
    "Use letters, digits and dashes, at most 32; or leave it empty", "请使用字母、数字和连字符，最多 32 位；或留空"
)
_OTHER_IMEI = Words("The phone in the slot does not have the IMEI …{tail}", "槽位中的手机 IMEI 不是 …{tail}")
_OTHER_SERIAL = Words("The phone in the slot does not have the serial …{tail}", "槽位中的手机序列号不是 …{tail}")
_RIGHT_SLOT = Words("Check which phone this is, and which slot it is in", "请核对手机与槽位")
_NO_IDENTITY = Words("Neither an IMEI nor a serial is known of this phone", "未获得该手机的 IMEI 或序列号")
_SCAN_OR_PLUG = Words("Scan the IMEI, or plug the phone in", "请扫描 IMEI，或接入手机")
_TWICE = Words("This phone is already in the open ticket {ticket}", "该手机已在未结工单 {ticket} 中")
_USE_IT = Words("Go on with {ticket}, or close it first", "请继续使用工单 {ticket}，或先关闭它")


# --- the list --------------------------------------------------------------------------------------------------------


def save(db: Database, session: Session) -> None:
    """Bring the ticket's row up to date with its session."""
    state = state_of(session)
    row = (session.ticket, session.opened_ms, session.model, state.value)
    db.execute(
        "INSERT INTO ticket (ticket, opened_ms, model, state, open) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (ticket) DO UPDATE SET model = excluded.model, state = excluded.state, open = excluded.open",
        [*row, int(state.open)],
    )


def open_tickets(db: Database) -> list[str]:
    """The numbers of the tickets whose phones are with the shop."""
    return [row["ticket"] for row in db.query("SELECT ticket FROM ticket WHERE open = 1 ORDER BY opened_ms")]


def rows(db: Database, text: str, limit: int) -> list[dict[str, Any]]:
    """The newest tickets whose number, model or state contains `text`."""
    like = "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"
    query = (
        "SELECT ticket, state, model, opened_ms FROM ticket WHERE ticket LIKE :like ESCAPE '\\'"
        " OR model LIKE :like ESCAPE '\\' OR state LIKE :like ESCAPE '\\' ORDER BY opened_ms DESC, ticket DESC LIMIT :n"
    )
    return list(db.query(query, {"like": like, "n": max(1, min(limit, 1000))}))
