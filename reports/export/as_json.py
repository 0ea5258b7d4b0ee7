"""JSON: every record of the ticket as it was stated, in order, with who signed it by key id."""

from __future__ import annotations

import json

from reports.export.left_out import EVIDENCE, SIGNATURES, as_lists
from reports.export.view import Exported, Ticket

__all__ = ["export"]

_LEFT = (SIGNATURES, EVIDENCE)


def export(ticket: Ticket, run: str = "") -> Exported:
    """The whole ticket. Texts are as stated: JSON's own escapes keep what is in them apart from the document."""
    document = {
        "format": "assay-export/v1",
        "ticket": ticket.ticket,
        "shop": ticket.shop,
        "station": ticket.station,
        "simulated": ticket.simulated,
        "released": ticket.release.decision if ticket.release else None,
        "records": [
            {
                "digest": record.digest,
                "kind": record.kind,
                "subject": record.statement.subject,
                "signed_by": [signature.key_id for signature in record.envelope.signatures],
                "predicate": record.statement.raw,
            }
            for record in ticket.records
        ],
        "leaves_out": as_lists(_LEFT),
    }
    # ASCII alone: no reader can take a line separator, a direction mark or a lone sign for anything else.
    return Exported(json.dumps(document, indent=1).encode("ascii") + b"\n", "application/json", "json", _LEFT)
