"""Every branch of a ticket's life by keys alone: a real screen, an engine in its own process, simulated phones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.life import branches
from tests.life.branches import Branch
from tests.life.elsewhere import verified_there
from tests.life.screen import Desk, screen_of
from tests.life.shop import Shop
from tests.life.test_command_line import bundle_of

#: What the default run walks (a minute each); `test_screen_branches` has the others.
SHORT: dict[str, tuple[str, Branch, str]] = {
    "checked by nobody else": ("healthy", branches.ONE_PERSON, "released-with-waiver"),
}


async def walked(shop: Shop, elsewhere: Path, persona: str, branch: Branch, release: str) -> None:
    """The branch by keys; its bundle then verifies where only `reports` is."""
    with shop.walk(persona) as walk:
        async with screen_of(shop) as screen:
            await screen.see("Overview")
            await Desk(screen, walk).go(branch)
        bundle = await asyncio.to_thread(bundle_of, walk)
    there = await asyncio.to_thread(verified_there, elsewhere, bundle)
    assert (there["ok"], there["problems"], there["release"]) == (True, [], release)


@pytest.mark.parametrize(("persona", "branch", "release"), SHORT.values(), ids=SHORT)
async def test_a_ticket_goes_through_by_keys_alone_and_its_bundle_verifies_with_reports_alone(
    shop: Shop, elsewhere: Path, persona: str, branch: Branch, release: str
) -> None:
    await walked(shop, elsewhere, persona, branch, release)
