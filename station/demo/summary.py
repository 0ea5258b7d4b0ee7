"""What a played demo came to: every ticket against its scenario, every record verified, every record acknowledged.

Reads the data folder as any later command would; nothing is taken from the script that played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from reports.headoffice.store import HeadOfficeStore
from reports.verify import verify_ledger
from station.demo.play import Ended
from station.settings import Settings

__all__ = ["Summary", "summarise"]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one played demo.

    Attributes:
        records: records in the station's ledger.
        signatures_verified: signatures that were checked and hold.
        problems: what the verifier found wrong.
        acknowledged: records that a verified receipt of head office covers.
        equal: head office's store holds exactly the station's records, row by row.
    """

    ended: Sequence[Ended]
    records: int
    signatures_verified: int
    problems: Sequence[Any]
    acknowledged: int
    equal: bool
    data: Path

    @property
    def good(self) -> bool:
        """Every ticket ended as its scenario says, and every record is verified and acknowledged."""
        whole = self.records > 0 and not self.problems and self.equal and self.acknowledged == self.records
        return whole and all(each.as_expected for each in self.ended)

    def as_json(self) -> dict[str, Any]:
        """The document of `assay demo --headless --json`."""
        return {
            "tickets": [
                {
                    "ticket": each.ticket,
                    "phone": each.phone,
                    "persona": each.scenario.persona,
                    "verdicts": each.verdicts,
                    "released": each.decision in ("released", "released-with-waiver"),
                    "decision": each.decision,
                    "expected": each.scenario.end,
                    "as_expected": each.as_expected,
                    "because": each.scenario.because.model_dump(),
                    "why": [reason._asdict() for reason in each.why],
                }
                for each in self.ended
            ],
            "records": self.records,
            "signatures_verified": self.signatures_verified,
            "problems": [str(problem) for problem in self.problems],
            "acknowledged": self.acknowledged,
            "head_office_equal": self.equal,
            "simulated": True,
            "data": str(self.data),
        }


def summarise(settings: Settings, head_office: Path, ended: Sequence[Ended]) -> Summary:
    """Verify the ledger against the pinned head office and compare both stores."""
    report = verify_ledger(settings.database, root=bytes.fromhex(settings.head_office_key))
    db = Database(str(settings.database))
    try:
        ours = [(row["seq"], row["digest"]) for row in db.query("SELECT seq, digest FROM record ORDER BY seq")]
        acknowledged = db.execute("SELECT count(*) FROM outbox WHERE state = 'acknowledged'").fetchone()[0]
    finally:
        db.close()
    return Summary(
        ended=ended,
        records=len(ours),
        signatures_verified=report.signatures,
        problems=report.problems,
        acknowledged=acknowledged,
        equal=ours == _theirs(head_office, settings.station),
        data=settings.data,
    )


def _theirs(head_office: Path, station: str) -> list[tuple[int, str]]:
    store = HeadOfficeStore(head_office)
    found, after = [], ("", 0)
    try:
        while rows := store.rows(after):
            found += [(row["seq"], row["digest"]) for row in rows if row["station"] == station]
            after = (rows[-1]["station"], rows[-1]["seq"])
    finally:
        store.close()
    return found
