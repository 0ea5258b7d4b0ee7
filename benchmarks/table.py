"""Prints the tables of the benchmarks: medians with their range, and ratios from the same run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ["row", "spread"]


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1000.0) -> str:
    """`min / median / max` of values in seconds."""
    low, mid, high = (scale * v for v in (min(values), statistics.median(values), max(values)))
    return f"{low:8.1f} /{mid:8.1f} /{high:8.1f} {unit}"


def row(*cells: str, widths: Sequence[int] = (44, 34, 16)) -> None:
    """One line of a table."""
    print("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)) + " |", flush=True)
