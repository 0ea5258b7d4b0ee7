"""An exchange as data: which conditions it asks for, what goes in, what stays with the customer.

Stands on the rules alone. The conditions are the makers' (film, tags, labels, shell): one that is not met does not take
the customer's right away, so that whoever goes on in spite of it gives a reason.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from reports.warranty.rules import Condition, Named, Rules

__all__ = ["Basis", "basis_of", "conditions_for", "must_go_in", "stays_behind", "unmet"]

#: Within the days of return (开箱损), within those of exchange, or after failed or slow repairs.
Basis = Literal["opening-box", "fifteen-day", "repeat"]
_BASES: dict[str, Basis] = {"return": "opening-box", "exchange": "fifteen-day", "promise": "fifteen-day"}


def basis_of(source: str) -> Basis:
    """The kind of exchange that a remedy's source gives."""
    return _BASES.get(source, "repeat")


def conditions_for(rules: Rules, basis: Basis, item: str = "handset") -> tuple[Condition, ...]:
    """What has to be so; of an accessory nothing is asked but its papers."""
    if item != "handset":
        return tuple(one for one in rules.conditions if one.id == "card-copies")
    return tuple(one for one in rules.conditions if basis in one.bases)


def unmet(rules: Rules, basis: Basis, item: str, met: Collection[str]) -> tuple[Condition, ...]:
    """The conditions that are not met."""
    return tuple(one for one in conditions_for(rules, basis, item) if one.id not in met)


def must_go_in(rules: Rules, brand: str, item: str) -> tuple[Named, ...]:
    """What goes in: the brand's list with what is faulty in the handset's place."""
    listed = rules.list_for(brand)
    if item == "handset":
        return tuple(rules.things[one] for one in listed)
    papers = (one for one in listed if one not in rules.items and one != "box")
    return tuple(rules.things[one] for one in (item, *papers))


def stays_behind(rules: Rules, brand: str, item: str, given: Collection[str]) -> tuple[Named, ...]:
    """What was put in and must not be: parts of the set that are not faulty and not on the brand's list."""
    wanted = {one.id for one in must_go_in(rules, brand, item)}
    return tuple(rules.things[one] for one in given if one in rules.items and one not in wanted)
