"""What all tests share: where other people's captures lie, and the rule that every skip is listed in `SKIPS.md`."""

from __future__ import annotations

import os
import re
import signal
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


#: Modules whose every test starts engines of its own: together they take as long as all the rest. What they hold is
#: walked end to end by tests/life and tests/crash, which always run; these run with `--all`, or when they are named.
LONG = frozenset(
    """
    test_bundles test_people_shop test_reference_store test_studies test_step_counter
    test_step_delivery test_step_delivery_way test_step_notices_erasure test_step_plan test_step_repair
    test_screen_branches test_repair_by_command test_delivery_commands test_warranty_step test_lan_faults
    test_lan_command test_release_over_lan test_demo_again test_every_android
    """.split()  # noqa: SIM905 - a word list
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also the modules that start an engine for each test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long modules out unless they are asked for, by `--all` or by name."""
    named = " ".join(config.args)
    left_out = [
        item for item in items if not config.option.all and item.path.stem in LONG and item.path.stem not in named
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in a shell's background; commands inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Skips(), "assay-skips")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared captures beside the checkout; other people's data that never enters the project."""
    folder = Path(os.environ.get("ASSAY_SHARED", ROOT.parent / "shared"))
    if not (folder / "captures" / "score.py").exists():
        pytest.skip("no shared captures beside the checkout")
    return folder
