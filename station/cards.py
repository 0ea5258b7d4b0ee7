"""The model cards of this station: the shop's own (`DATA/models/*.toml`) before those that come with Assay.

Stands on `checklists.models`. A file that can't be read stops a run before it begins, by its name: a phone that is not
compared with its card by mistake must not look compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from checklists.models.card import Card, baselines, card_for, load_cards
from checklists.problems import ChecklistErrors
from drivers.api import Side
from drivers.text import Words
from probes.api import Value
from station.errors import EXIT_USE, Trouble
from station.events import DeviceSeen

__all__ = ["FOLDER", "card_values"]

#: Where in the data folder a shop's own cards lie.
FOLDER = "models"


def card_values(data: Path, seen: DeviceSeen) -> Mapping[str, Value]:
    """What the card of that phone says, by measurement; nothing where nobody made one.

    Raises:
        Trouble: one of the shop's cards can't be read.
    """
    try:
        files = sorted((data / FOLDER).glob("*.toml"))
        own = _own(tuple((path, (found := path.stat()).st_mtime_ns, found.st_size) for path in files))
    except (ChecklistErrors, OSError) as error:
        why = error.problems[0].what if isinstance(error, ChecklistErrors) else error.strerror
        name = Path(error.problems[0].file).name if isinstance(error, ChecklistErrors) else FOLDER
        raise Trouble("card.unusable", _BAD.fill(name=name, why=why), Side.PERSON, _MEND, EXIT_USE) from error
    card = card_for(seen.manufacturer, seen.model, own)
    return baselines(card) if card else {}


@lru_cache(maxsize=4)
def _own(files: tuple[tuple[Path, int, int], ...]) -> Mapping[str, Card]:
    return load_cards(path for path, _, _ in files)


_BAD = Words("the model card {name} can't be used: {why}", "机型卡 {name} 无法使用：{why}")
_MEND = Words("Correct the file in DATA/models, or take it away", "请修正 DATA/models 中的该文件，或将其移除")
