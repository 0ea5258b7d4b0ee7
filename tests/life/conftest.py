"""One shop for all the tickets of a test process: starting an engine and an adb server takes longer than a branch."""

from __future__ import annotations

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.life.elsewhere import head_office_s_half
from tests.life.shop import Shop, open_shop

#: The phones in the drawer: one more than there are branches for each; the first belongs to no ticket.
PHONES = ("healthy",) * 11 + ("worn-battery",) * 20


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with people, phones and a running engine."""
    with open_shop(tmp_path_factory.mktemp("life"), PHONES) as made:
        yield made


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that has only `reports`."""
    return head_office_s_half(tmp_path_factory.mktemp("elsewhere"))
