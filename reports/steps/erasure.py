"""What an erasure states: of the customer's data on the phone, or of the shop's own records of the customer.

The fields for the phone are those of a certificate of sanitisation (NIST SP 800-88 Rev. 1, section 4.8 and appendix G).
Stands on `reports.predicates`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import FreeText, Name, Sha256, Signed, Statement

__all__ = ["PREDICATES", "ErasureV1", "MediaV1", "RecordsV1"]


class MediaV1(Statement):
    """The sanitisation of the phone's storage.

    Attributes:
        media: what was sanitised; source: where it came from.
        method: `clear`, `purge` or `destroy`, as SP 800-88 has them; how: the technique (factory reset, ...).
        tool, tool_version: what it was done with.
        verified_by: another person who looked; verification: all of it or a sample, and how; result: what came of it.
        data_before, data_after: confidentiality of what it held, and of what it holds now.
        backup: the customer has one, wanted none, or it could not be made.
        destination: where the phone goes.
        certificate: number of the paper.
    """

    media: Literal["internal-storage", "memory-card", "whole-phone"]
    source: FreeText
    method: Literal["clear", "purge", "destroy"]
    how: Literal["factory-reset", "crypto-erase", "overwrite", "reflash", "shred", "other"]
    tool: Name
    tool_version: str = Field(max_length=200)
    verified_by: Name
    verification: Literal["full", "sample", "setup-screen"]
    result: Literal["erased", "failed"]
    data_before: Literal["personal", "unknown", "none"]
    data_after: Literal["none", "unknown"]
    backup: Literal["made", "declined", "not-possible"]
    destination: Literal["customer", "factory", "recycling", "shop"]
    certificate: str = Field(max_length=100)


class RecordsV1(Statement):
    """What of the shop's own data went: the ticket's key and salt, its personal data, and pieces of evidence.

    `request`: who wanted it: the `customer`, or the end of the time that the shop keeps data (`retention`).
    """

    request: Literal["customer", "retention"]
    evidence: int = Field(ge=0)
    kinds: tuple[Name, ...]


class ErasureV1(Signed):
    """Something was erased; signed by who did it, and of a phone signed off as `verified` by who looked.

    `consent` is the digest of what the customer agreed to, where there is a record of it.
    """

    decision: Literal["phone-erased", "records-erased", "failed"]
    consent: Sha256 | None
    phone: MediaV1 | None
    records: RecordsV1 | None
    reason: FreeText


PREDICATES: dict[str, type[Statement]] = {"erasure/v1": ErasureV1}
