"""Errors that a person at the bench will read: what happened, whose side it is on, what to do next."""

from __future__ import annotations

from drivers.api import Side
from drivers.text import Words

__all__ = ["EXIT_BENCH", "EXIT_NO", "EXIT_OK", "EXIT_STOPPED", "EXIT_USE", "Trouble"]

EXIT_OK = 0  # done, and good
EXIT_NO = 1  # done, and the answer is "no"
EXIT_USE = 2  # wrong use
EXIT_BENCH = 3  # the bench failed
EXIT_STOPPED = 130  # stopped by the person


class Trouble(Exception):
    """Something a person must know about; nothing was lost, and `next_step` says what to do.

    Attributes:
        code: stable short name for logs, tests and `--json`.
        exit_code: what a command ends with.
    """

    def __init__(self, code: str, what: Words, side: Side, next_step: Words, exit_code: int = EXIT_BENCH) -> None:
        super().__init__(f"{code}: {what.en} [{side.value}] {next_step.en}")
        self.code, self.what, self.side, self.next_step, self.exit_code = code, what, side, next_step, exit_code
