"""What happens to each simulated phone, as data: the customer's words, the repair, and how its ticket must end.

Stands on pydantic. `scenarios.toml` is written by people; the end is stated there with its reason before any run.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from checklists.schema import Text

__all__ = ["End", "Repair", "Scenario", "load_scenarios"]

End = Literal["released", "refused", "no-phone"]
Repair = Literal["none", "new-battery", "tap-allow"]


class Scenario(BaseModel):
    """One phone's way through the shop.

    Attributes:
        persona: which simulated phone.
        complaint: the customer's words.
        repair: what is done to it between intake and self-check.
        answers: what the person says to a prompt, by its id, where it is not the good answer.
        end: how the ticket must end.
        because: why it must end so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    persona: str
    complaint: Text
    repair: Repair = "none"
    answers: dict[str, str] = Field(default_factory=dict)
    end: End
    because: Text


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: Annotated[tuple[Scenario, ...], Field(min_length=1)]


def load_scenarios(path: Path | None = None) -> tuple[Scenario, ...]:
    """The scenarios of a file (else of the project's own), in order; raises pydantic's ValidationError."""
    path = path or Path(__file__).with_name("scenarios.toml")
    return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).scenario
