"""The branches of a ticket's life that the default run walks by commands only, by keys alone as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.life.branches import Branch
from tests.life.shop import Shop
from tests.life.test_command_line import LIVES
from tests.life.test_screen import SHORT, walked

OTHERS = {name: life for name, life in LIVES.items() if name not in SHORT}


@pytest.mark.parametrize(("persona", "branch", "release"), OTHERS.values(), ids=OTHERS)
async def test_a_branch_goes_through_by_keys_alone_too(
    shop: Shop, elsewhere: Path, persona: str, branch: Branch, release: str
) -> None:
    await walked(shop, elsewhere, persona, branch, release)
