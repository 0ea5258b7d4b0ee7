"""Prints the tables of the benchmarks: medians with their range, ratios from the same run, and the bar beside each."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

__all__ = ["bar", "cpu_s", "ratio", "row", "spread"]


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1000.0) -> str:
    """`min / median / max` of values in seconds."""
    low, mid, high = (scale * v for v in (min(values), statistics.median(values), max(values)))
    return f"{low:8.1f} /{mid:8.1f} /{high:8.1f} {unit}"


def ratio(above: Sequence[float], below: Sequence[float], unit: str = "") -> str:
    """Median of the ratios of one round each, with their range."""
    each = [a / b for a, b in zip(above, below, strict=False)]
    return f"{statistics.median(each):.2f}{unit} ({min(each):.2f}-{max(each):.2f})"


def bar(values: Sequence[float], bound: float, *, least: bool, unit: str = "") -> str:
    """The bar, and whether the median stands over (`least`) or under it."""
    mid = statistics.median(values)
    met = mid >= bound if least else mid <= bound
    return f"{'>=' if least else '<='} {bound:g}{unit} {'met' if met else 'NOT MET'}"


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has taken, without its children (Linux, proc(5): in ticks of 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def row(*cells: str, widths: Sequence[int] = (44, 34, 16)) -> None:
    """One line of a table."""
    print("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)) + " |", flush=True)
