"""A ticket's records in formats of others: JSON, CSV, XML, JUnit, OCPTV, in-toto test-result, R2v3 code, eBay's points.

Each is a pure function of the ticket's envelopes and leaves something out, which it names: none of them carries the
signatures, so none of them is a proof. The proof is the ticket's bundle (`reports.verify`). Knows no store and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reports.export import as_csv, as_json, as_xml, ebay, intoto, junit, ocptv, r2v3
from reports.export.view import Exported, Ticket, read_ticket

__all__ = ["FORMATS", "Exported", "export"]

#: Every format by its name, each a function of the ticket and of the run that was asked for (empty: the usual one).
FORMATS: dict[str, Callable[[Ticket, str], Exported]] = {
    "json": as_json.export,
    "csv": as_csv.export,
    "xml": as_xml.export,
    "junit": junit.export,
    "ocptv": ocptv.export,
    "in-toto": intoto.export,
    "r2v3": r2v3.export,
    "ebay": ebay.export,
}


def export(envelopes: Iterable[bytes], name: str, run: str = "") -> Exported:
    """The ticket in these envelopes as that format.

    Args:
        envelopes: all records of one ticket, in ledger order.
        run: a run by its name or the beginning of its record's digest, for formats that tell of one run.

    Raises:
        KeyError: there is no such format.
        RecordError: not the records of one ticket, or no run to export.
    """
    return FORMATS[name](read_ticket(envelopes), run)
