"""in-toto test-result v0.1 (https://github.com/in-toto/attestation): one run as an attestation's statement, not signed.

It is an export view and never the record: it knows tests that passed, warned and failed, and nothing else. A check that
was not run stands in no list, so its result is never PASSED while anything required is missing.
"""

from __future__ import annotations

import json

from drivers.text import Words
from reports.export.left_out import ATTEMPTS, EVIDENCE, LIMITS, OTHER_RECORDS, OTHER_RUNS, PROMPTS, SIGNATURES, as_lists
from reports.export.view import Exported, Ticket, outcome_of, plain, the_run

__all__ = ["PREDICATE_TYPE", "export"]

PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_VALUES = Words("what was measured", "未含测量值")
_LEFT = (SIGNATURES, EVIDENCE, OTHER_RECORDS, OTHER_RUNS, ATTEMPTS, PROMPTS, LIMITS, _VALUES)


def export(ticket: Ticket, run: str = "") -> Exported:
    """One run; the statement's subject is the commitment to the phone."""
    one = the_run(ticket, run)
    by: dict[str, list[str]] = {}
    for checked in one.checks:
        by.setdefault(outcome_of(checked), []).append(plain(checked.id))
    missing = [checked.id for checked in one.checks if checked.required and outcome_of(checked) in ("error", "not-run")]
    done = by.get("pass", []) + by.get("warn", [])
    result = "FAILED" if by.get("fail") or missing or not done else "WARNED" if by.get("warn") else "PASSED"
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "phone", "digest": {"sha256": one.run.device.phone.commitment}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": result,
            "configuration": [
                {
                    "name": plain(str(one.run.checklist.get("id", "checklist"))),
                    "digest": {"sha256": one.run.checklist_sha256},
                    "annotations": {
                        "ticket": plain(ticket.ticket),
                        "stage": one.run.stage.value,
                        "record": one.digest,
                        "simulated": ticket.simulated,
                        "amended": one.amended,
                        "requiredNotRun": missing,
                        "notRun": by.get("not-run", []) + by.get("error", []),
                        "notApplicable": by.get("not-applicable", []),
                        "measuredOnly": by.get("info", []),
                        "leavesOut": as_lists(_LEFT),
                    },
                }
            ],
            "passedTests": by.get("pass", []),
            "warnedTests": by.get("warn", []),
            "failedTests": by.get("fail", []),
        },
    }
    return Exported(json.dumps(statement, indent=1).encode("ascii") + b"\n", "application/json", "intoto.json", _LEFT)
