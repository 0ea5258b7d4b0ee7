"""A ticket that goes from station to station: what a bundle brought, and which branch counts where two went on apart.

Stands on the common predicates alone. The rules that use them are in `reports.release` and `reports.verify`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Common, Name, Reason, Sha256, Signed, Statement

__all__ = ["PREDICATES", "BundleV1", "ForkV1"]


class BundleV1(Common):
    """A bundle of this ticket was taken in: the station's word on what came, sealed before anybody goes on.

    Attributes:
        bundle: SHA-256 of the file.
        sender: the station that made it; `genesis`: the digest of that station's enrolment.
        vouched: what shows that the sender is of this shop: its receipt by head office, or the shop's transfer key.
        records: digests of the ticket's records that were not here before, in the order in which they count.
        key_events: digests of the other stations' key events that came along.
        apart: own or earlier records that the bundle did not know, where it brought new ones too: the two stations went
            on apart (a fork), and nothing is released until a lead has decided.
        person: who took it in.
    """

    bundle: Sha256
    sender: Name
    genesis: Sha256
    vouched: Literal["head-office", "shop-key"]
    records: tuple[Sha256, ...]
    key_events: tuple[Sha256, ...]
    apart: tuple[Sha256, ...]
    person: str = Field(max_length=200)


class ForkV1(Signed):
    """A lead's word on a fork: the records that count and those that do not. Both stay where they are and are shown."""

    decision: Literal["here", "there"]
    stands: tuple[Sha256, ...] = Field(min_length=1)
    left: tuple[Sha256, ...] = Field(min_length=1)
    reason: Reason


PREDICATES: dict[str, type[Statement]] = {"bundle/v1": BundleV1, "fork/v1": ForkV1}
