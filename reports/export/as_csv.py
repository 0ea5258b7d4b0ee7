"""CSV (RFC 4180): one row for each measurement, for each check without one, and for what is left out.

A spreadsheet takes a cell that begins with =, +, -, @, a tab or a line end for a formula (OWASP, "CSV Injection"); a
text from a phone or a person could so run on the reader's machine. Such texts get an apostrophe before them; numbers
that were measured stay numbers, minus signs included.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from reports.export.left_out import ATTEMPTS, EVIDENCE, LIMITS, OTHER_RECORDS, PROMPTS, SIGNATURES
from reports.export.view import Checked, Exported, Run, Ticket, iso, outcome_of, plain, shown, unit_of
from reports.predicates import TextV1

__all__ = ["COLUMNS", "export"]

COLUMNS = (
    "row",
    "ticket",
    "simulated",
    "run",
    "stage",
    "amended",
    "person",
    "started",
    "ended",
    "check",
    "title_en",
    "title_zh",
    "required",
    "outcome",
    "attempts",
    "finding",
    "measurement",
    "value",
    "unit",
    "verdict",
    "reason_en",
    "reason_zh",
    "record",
)
_LEFT = (SIGNATURES, EVIDENCE, OTHER_RECORDS, ATTEMPTS, PROMPTS, LIMITS)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: Also in their full-width forms, which some programs fold to ASCII before they look.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def export(ticket: Ticket, run: str = "") -> Exported:
    """All runs of the ticket, in UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    common = {"ticket": ticket.ticket, "simulated": "true" if ticket.simulated else "false"}
    for one in ticket.runs:
        for row in _rows(one):
            writer.writerow({name: _cell(value) for name, value in {**common, **row}.items()})
    for left in _LEFT:
        writer.writerow({"row": "left-out", **common, "reason_en": left.en, "reason_zh": left.zh})
    return Exported(b"\xef\xbb\xbf" + out.getvalue().encode(), "text/csv; charset=utf-8", "csv", _LEFT)


def _cell(text: str) -> str:
    """A text that no spreadsheet computes; `text` itself where it is a number."""
    text = plain(text)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _rows(one: Run) -> Iterator[dict[str, str]]:
    about = {
        "run": one.run.run,
        "stage": one.run.stage.value,
        "amended": "true" if one.amended else "false",
        "person": one.run.person,
        "record": one.digest,
    }
    for checked in one.checks:
        yield {"row": "check", **about, **_check(checked)}
        attempt = checked.attempt
        for measured in attempt.measurements if attempt else ():
            yield {
                "row": "measurement",
                **about,
                "check": checked.id,
                "measurement": measured.name,
                "value": shown(measured.value),
                "unit": unit_of(measured),
                "verdict": measured.verdict.value,
                **_reason(measured.reason),
            }
        for unread in attempt.unread if attempt else ():
            yield {
                "row": "not-read",
                **about,
                "check": checked.id,
                "measurement": unread.name,
                "verdict": "none",
                **_reason(unread.reason),
            }


def _check(checked: Checked) -> dict[str, str]:
    attempt = checked.attempt
    told = {
        "check": checked.id,
        "title_en": checked.title.en,
        "title_zh": checked.title.zh,
        "required": "true" if checked.required else "false",
        "outcome": outcome_of(checked),
        "attempts": str(len(checked.earlier) + (attempt is not None)),
    }
    if attempt is None:
        return told
    times = {"started": iso(attempt.started_ms), "ended": iso(attempt.ended_ms)}
    return told | times | {"finding": attempt.finding or "", "verdict": attempt.verdict.value} | _reason(attempt.reason)


def _reason(reason: TextV1 | None) -> dict[str, str]:
    return {"reason_en": reason.en, "reason_zh": reason.zh} if reason else {}
