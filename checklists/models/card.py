"""Model cards: what a maker publishes of a model, as data, and the values that a check compares a phone with.

A card is one TOML file: those that come with Assay are in `cards/`, a shop's own in its data folder, and the shop's own
counts where both have the model. What a card leaves out is compared with nothing. Pure; it knows no phone and no run.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from checklists.problems import ChecklistErrors, explain
from checklists.schema import Model, Number, Source
from checklists.toml import read_document
from drivers.text import safe_text
from probes.api import Value

__all__ = ["Card", "baselines", "card_for", "load_cards", "model_key", "shipped_cards"]

SHIPPED = Path(__file__).parent / "cards"

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Positive = Annotated[Number, Field(gt=0)]
_Count = Annotated[int, Field(ge=0, le=1000)]
_Size = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,5}x[0-9]{2,5}$")]


class Card(Model):
    """One model, as its maker sells it. Everything but whose it is may be left out.

    Attributes:
        manufacturer, models: as the phone itself says them (`ro.product.manufacturer`, `ro.product.model`).
        name: what people call it.
        source: the maker's page.
        battery_mAh: the published capacity.
        memory_GiB, storage_GB: the sizes it is sold with.
        resolution: pixels of its panel, width first, held upright; several where it can be set.
        fastest_Hz: the highest refresh rate.
        sensors: those it is sold with.
        cameras: how many camera devices a sound unit lists (`dumpsys media.camera`); makers count lenses instead.
        fingers: how many the panel follows at once.
        usb_Mbps: the fastest link of its port.
        screws: how many can be seen from outside.
    """

    manufacturer: _Name
    models: tuple[_Name, ...] = Field(min_length=1)
    name: _Name
    source: Source
    battery_mAh: _Positive | None = None
    memory_GiB: tuple[_Positive, ...] = ()
    storage_GB: tuple[_Positive, ...] = ()
    resolution: tuple[_Size, ...] = ()
    fastest_Hz: _Positive | None = None
    sensors: tuple[Literal["accelerometer", "gyroscope", "magnetometer", "light", "proximity", "pressure"], ...] = ()
    cameras: _Count | None = None
    fingers: _Count | None = None
    usb_Mbps: _Positive | None = None
    screws: _Count | None = None


def baselines(card: Card) -> dict[str, Value]:
    """What the card says, by the names of the measurements that it is compared with."""
    found: dict[str, Value] = {f"{sensor}_present": True for sensor in card.sensors}
    numbers = {
        "design_capacity": card.battery_mAh,
        "display_fastest": card.fastest_Hz,
        "camera_devices": card.cameras,
        "touch_pointers_known": card.fingers,
        "best_speed": card.usb_Mbps,
        "screws_seen": card.screws,
    }
    found |= {name: Decimal(number) for name, number in numbers.items() if number is not None}
    sizes = {"memory_sold": card.memory_GiB, "capacity": card.storage_GB}
    found |= {name: tuple(f"{one.normalize():f}" for one in sold) for name, sold in sizes.items() if sold}
    if card.resolution:
        found["display_resolution"] = card.resolution
    return found


def model_key(manufacturer: str, model: str) -> str:
    """Maker and model as compared, e.g. `samsung/sm-g991b`: folded, spaces single, the maker not said twice."""
    maker, name = (_folded(text) for text in (manufacturer, model))
    if maker and name.startswith(f"{maker} "):
        name = name.removeprefix(f"{maker} ")
    return f"{maker}/{name}"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", safe_text(text, 200)).casefold().replace("/", " ").split())


def card_for(manufacturer: str, model: str, own: Mapping[str, Card]) -> Card | None:
    """The card of a phone: one of `own`, else one that comes with Assay; None where nobody made one."""
    key = model_key(manufacturer, model)
    return own.get(key) or shipped_cards().get(key)


@cache
def shipped_cards() -> Mapping[str, Card]:
    """The cards that come with Assay by `model_key`, read once."""
    return load_cards(sorted(SHIPPED.glob("*.toml")))


def load_cards(paths: Iterable[Path]) -> dict[str, Card]:
    """The cards of these files by `model_key`; the later counts where two are of one model.

    Raises:
        ChecklistErrors: everything that is wrong with the first file that is wrong.
    """
    found: dict[str, Card] = {}
    for path in paths:
        document = read_document(path)
        try:
            card = Card.model_validate(document.data)
        except ValidationError as error:
            problems = [document.problem(*explain(one, Card)) for one in error.errors(include_url=False)]
            raise ChecklistErrors(problems) from error
        found |= {model_key(card.manufacturer, model): card for model in card.models}
    return found
