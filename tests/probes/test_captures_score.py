"""The parsers on outputs of real phones, where the shared folder with them is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = [
    "getprop",
    "battery",
    "batteryproperties",
    "batterystats",
    "power_supply",
    "sensorservice",
    "media_camera",
    "wifi",
    "telephony_registry",
    "df",
    "diskstats",
    "meminfo",
    "getevent",
    "tombstone",
    "iphonesubinfo",
    "pm_features",
]


def test_nothing_is_wrong_and_97_percent_of_stated_facts_are_right_on_outputs_of_real_phones(shared: Path) -> None:
    parse = f"{sys.executable} -m station.cli parse {{kind}} {{files}} --json"
    kinds = [argument for kind in KINDS for argument in ("--kind", kind)]
    scored = subprocess.run(
        [sys.executable, str(shared / "captures" / "score.py"), "--cmd", parse, "--show", *kinds],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert scored.returncode == 0, scored.stdout + scored.stderr
