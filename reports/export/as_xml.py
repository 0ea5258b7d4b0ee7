"""XML: all runs with checks, every attempt and its measurements, and the ticket's records by digest."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from drivers.text import Words
from reports.export.left_out import EVIDENCE, LIMITS, PROMPTS, SIGNATURES
from reports.export.view import Exported, Run, Ticket, iso, outcome_of, shown, unit_of
from reports.export.xml_of import document, element
from reports.predicates import AttemptV1, TextV1

__all__ = ["export"]

_CONTENT = Words("what records say that are no runs: they are listed by digest", "检测以外的记录只列摘要，未含内容")
_LEFT = (SIGNATURES, EVIDENCE, PROMPTS, LIMITS, _CONTENT)


def export(ticket: Ticket, run: str = "") -> Exported:
    """The ticket as one document."""
    root = element(
        None,
        "assay-ticket",
        version="1",
        ticket=ticket.ticket,
        shop=ticket.shop,
        station=ticket.station,
        simulated=_flag(ticket.simulated),
        released=ticket.release.decision if ticket.release else "no",
    )
    records = element(root, "records")
    for record in ticket.records:
        element(records, "record", kind=record.kind, sha256=record.digest)
    for one in ticket.runs:
        _run(root, one)
    for left in _LEFT:
        _both(root, "leaves-out", TextV1(en=left.en, zh=left.zh))
    return Exported(document(root), "application/xml", "xml", _LEFT)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _both(parent: ET.Element, name: str, text: TextV1 | None) -> None:
    if text is not None:
        one = element(parent, name)
        element(one, "en", text.en)
        element(one, "zh", text.zh)


def _run(root: ET.Element, one: Run) -> None:
    device = one.run.device
    run = element(
        root,
        "run",
        id=one.run.run,
        stage=one.run.stage.value,
        person=one.run.person,
        record=one.digest,
        amended=_flag(one.amended),
        started=iso(one.run.started_ms),
        ended=iso(one.run.ended_ms),
        checklist=one.run.checklist_sha256,
    )
    element(
        run,
        "phone",
        manufacturer=device.manufacturer,
        model=device.model,
        platform=device.platform,
        os=device.os_version,
        build=device.build,
        commitment=device.phone.commitment,
    )
    for checked in one.checks:
        check = element(run, "check", id=checked.id, required=_flag(checked.required), outcome=outcome_of(checked))
        _both(check, "title", TextV1(en=checked.title.en[:2000], zh=checked.title.zh[:2000]))
        for attempt in (*checked.earlier, *((checked.attempt,) if checked.attempt else ())):
            _attempt(check, attempt)


def _attempt(check: ET.Element, tried: AttemptV1) -> None:
    attempt = element(
        check,
        "attempt",
        n=str(tried.n),
        ending=tried.ending.value,
        verdict=tried.verdict.value,
        finding=tried.finding or "",
        started=iso(tried.started_ms),
        ended=iso(tried.ended_ms),
    )
    _both(attempt, "reason", tried.reason)
    for one in tried.measurements:
        measured = element(attempt, "measurement", name=one.name, unit=unit_of(one), verdict=one.verdict.value)
        element(measured, "value", shown(one.value))
        _both(measured, "reason", one.reason)
    for gap in tried.unread:
        _both(element(attempt, "not-read", name=gap.name), "reason", gap.reason)
