"""Bug reports on the bench: shown to the engine for as long as a command works with them.

Stands on the driver's folder of reports inside the data folder; the report itself stays where it is and is not copied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_USE, Trouble

__all__ = ["READ_S", "report_folder", "shown_report"]

#: Seconds that an engine may take to read a large report.
READ_S = 120.0


def report_folder(data: Path) -> Path:
    """Where the engine of a data folder looks for reports."""
    return data / "bug-reports"


@contextlib.contextmanager
def shown_report(path: Path) -> Iterator[str]:
    """Show a report to the station's engine, and take it away again; gives the id of its link.

    Raises:
        Trouble: the file can't be read, or is no bug report.
    """
    from drivers.bugreport import put_report, take_report
    from drivers.bugreport_file import read_report
    from station.settings import data_folder, load_settings

    folder = report_folder(load_settings(data_folder()).data)
    try:
        report = read_report(path)
    except OSError as error:
        raise Trouble("report.unreadable", _UNREADABLE.fill(why=error.strerror or error), Side.BENCH, _OTHER) from error
    if not report.sections:
        why = report.problems[0][1] if report.problems else _EMPTY
        raise Trouble("report.none", why, Side.PERSON, _OTHER, EXIT_USE)
    link = put_report(folder, path, report)
    try:
        yield link
    finally:
        take_report(folder, report)


_UNREADABLE = Words("The bug report can't be read: {why}", "无法读取错误报告：{why}")
_EMPTY = Words("This is no bug report", "这不是安卓错误报告")
_OTHER = Words(
    "Make one with `adb bugreport`, or in Developer options → Bug report, and name its file",
    "请用 `adb bugreport` 或在 开发者选项 → 错误报告 中生成，并指定该文件",
)
