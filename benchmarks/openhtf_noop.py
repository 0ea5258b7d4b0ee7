"""Runs phases that do nothing in OpenHTF and prints seconds and processor seconds of each as JSON.

    python benchmarks/openhtf_noop.py PHASES ROUNDS

For an interpreter that has openhtf (`benchmarks/requirements.txt`) and nothing of Assay; `benchmarks/noop.py` calls it.
"""

from __future__ import annotations

import json
import sys
import time

import openhtf  # type: ignore[import-not-found,unused-ignore]


def _phases(count: int) -> list[object]:
    def made(number: int) -> object:
        @openhtf.PhaseOptions(name=f"noop_{number}")  # type: ignore[untyped-decorator,unused-ignore]
        def noop(test: object) -> None:
            del test

        return noop

    return [made(number) for number in range(count)]


def main() -> None:
    """Measure and print."""
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    sys.stdout, out = sys.stderr, sys.stdout
    costs = []
    for _ in range(rounds + 1):
        spent = []
        for phases in (_phases(0), _phases(count)):
            test = openhtf.Test(*phases)
            began, cpu = time.perf_counter(), time.process_time()
            test.execute(test_start=lambda: "serial")
            spent.append((time.perf_counter() - began, time.process_time() - cpu))
        (empty_s, empty_cpu), (full_s, full_cpu) = spent
        costs.append(((full_s - empty_s) / count, (full_cpu - empty_cpu) / count))
    out.write(json.dumps(costs[1:]) + "\n")


if __name__ == "__main__":
    main()
