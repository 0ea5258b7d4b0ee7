"""A field of a step's form, as the engine names it: the widget that holds it, and what the widget holds.

Stands on `station.ui.widgets.form`. It knows kinds of fields and no single field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.widget import Widget

from drivers.text import Words
from station.i18n import words
from station.ui.widgets.form import LABEL, Field, Pick, Tick, Toggles

__all__ = ["Records", "entry", "held", "is_chosen", "label_of"]

#: Records of the ticket that a `digest` is chosen from.
Records = Sequence[tuple[str, Words]]


def label_of(field: Mapping[str, Any]) -> str:
    """What the field is called; marked where it is needed."""
    return words(Words(*field["label"])) + ("*" if field["required"] else "")


def is_chosen(field: Mapping[str, Any], records: Records = ()) -> bool:
    """Whether it is chosen and not typed: it has choices, or is a record where the ticket's records are known."""
    of = records if field["kind"] == "digest" else field["choices"]
    return field["kind"] in ("choice", "text", "digest") and bool(of)


def entry(
    field: Mapping[str, Any],
    name: str,
    label: Callable[[], str],
    given: Any = None,
    *,
    records: Records = (),
    wide: int = LABEL,
) -> Widget:
    """The widget for a field that is neither a table nor files; `name` is its id, `given` what is in it already."""
    kind = field["kind"]
    if kind == "tick":
        return Tick(name, label, value=bool(given))
    if kind == "choices":
        ticked = given.split(",") if isinstance(given, str) else [str(one) for one in given or ()]
        return Toggles(name, label, _choices(field), ticked, wide=wide)
    text = str(given or "")
    if is_chosen(field, records):
        choices = records if kind == "digest" else _choices(field)
        if text and text not in {value for value, _shown in choices}:
            choices = ((text, Words(text, text)), *choices)
        return Pick(name, label, choices, text, required=field["required"], wide=wide)
    return Field(name, label, text, most=field["most"], wide=wide)


def held(widget: Widget) -> str | bool | list[str]:
    """What such a widget holds, as the engine takes it."""
    assert isinstance(widget, Tick | Toggles | Pick | Field)  # noqa: S101 - what `entry` makes
    return widget.value


def _choices(field: Mapping[str, Any]) -> Records:
    return tuple((str(value), Words(*shown)) for value, shown in field["choices"])
