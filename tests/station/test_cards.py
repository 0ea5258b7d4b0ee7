"""A station's model cards: the shop's own before those that come along, read anew when a file was changed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from station.cards import FOLDER, card_values
from station.errors import Trouble
from station.events import DeviceSeen, Identifying

CARD = """manufacturer = "Google"
models = ["Pixel 8"]
name = "Pixel 8"
screws = {screws}
[source]
ref = "counted on three phones"
text = {{ en = "counted", zh = "实数" }}
"""


def seen(model: str = "Pixel 8") -> DeviceSeen:
    return DeviceSeen(
        slot=1,
        transport="adb",
        port="usb:1-1",
        serial=Identifying(identity="S1"),
        imeis=(),
        manufacturer="Google",
        model=model,
        platform="android",
        os_version="14",
        build="A",
    )


def own(data: Path, text: str) -> Path:
    path = data / FOLDER / "pixel.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_phone_has_the_card_that_comes_along_unless_the_shop_made_its_own(tmp_path: Path) -> None:
    assert card_values(tmp_path, seen())["display_fastest"] == Decimal(120)
    own(tmp_path, CARD.format(screws=2))
    assert card_values(tmp_path, seen()) == {"screws_seen": Decimal(2)}


def test_a_card_that_was_changed_counts_from_the_next_run(tmp_path: Path) -> None:
    own(tmp_path, CARD.format(screws=2))
    card_values(tmp_path, seen())
    own(tmp_path, CARD.format(screws=12))
    assert card_values(tmp_path, seen()) == {"screws_seen": Decimal(12)}


def test_a_model_of_which_nobody_made_a_card_is_compared_with_nothing(tmp_path: Path) -> None:
    assert card_values(tmp_path, seen("Pixel 800")) == {}


def test_a_card_that_cant_be_read_stops_the_run_by_its_name(tmp_path: Path) -> None:
    own(tmp_path, CARD.format(screws='"two"'))
    with pytest.raises(Trouble) as caught:
        card_values(tmp_path, seen())
    assert caught.value.code == "card.unusable"
    assert "pixel.toml" in caught.value.what.en
    assert "pixel.toml" in caught.value.what.zh
