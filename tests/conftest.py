"""What all tests share: where other people's captures lie, and the rule that every skip is listed in `SKIPS.md`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _listed() -> list[str]:
    text = (Path(__file__).parent / "SKIPS.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


class _Skips:
    """Collects the reasons of skipped tests in the process that prints the summary."""

    def __init__(self) -> None:
        self.unlisted: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            if not any(reason.startswith(known) for known in _listed()):
                self.unlisted[report.nodeid] = reason

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unlisted and os.environ.get("ASSAY_CI"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test, reason in self.unlisted.items():
            terminalreporter.write_line(f"skipped without a line in tests/SKIPS.md: {test}: {reason}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Skips(), "assay-skips")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared captures beside the checkout; other people's data that never enters the project."""
    folder = Path(os.environ.get("ASSAY_SHARED", ROOT.parent / "shared"))
    if not (folder / "captures" / "score.py").exists():
        pytest.skip("no shared captures beside the checkout")
    return folder
