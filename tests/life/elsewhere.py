"""A machine that has only `reports` and what it stands on: no station, no phones, no screen and no library of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from tests.life.shop import ROOT

#: What that machine has of Assay.
CODE = ("reports", "checklists", "probes")
CODE_OF_DRIVERS = ("drivers/__init__.py", "drivers/api.py", "drivers/text.py", "drivers/imei.py")
#: Libraries that it lacks: those of phones, screens and servers.
MISSING = ("textual", "adbutils", "pymobiledevice3", "rich", "uvicorn", "starlette", "httpx", "cv2", "serial", "numpy")
_SCRIPT = """
import json, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from reports.verify import verify_file
report = verify_file(Path(sys.argv[3]), None)
ours = {name.split(".")[0] for name in sys.modules} & {"station", "textual", "adbutils", "click"}
print(json.dumps({
    "ok": report.ok, "problems": [str(one) for one in report.problems],
    "release": report.release.decision if report.release else "", "loaded": sorted(ours),
}))
"""


def head_office_s_half(folder: Path) -> Path:
    """Such a machine in a new folder: `code` and `libraries`."""
    for name in (*CODE, *CODE_OF_DRIVERS):
        source, target = ROOT / name, folder / "code" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    libraries = folder / "libraries"
    libraries.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(MISSING) and entry.suffix != ".pth" and "assay" not in entry.name:
            (libraries / entry.name).symlink_to(entry)
    return folder


def verified_there(machine: Path, bundle: Path) -> dict[str, Any]:
    """What that machine says of a bundle."""
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        _SCRIPT,
        str(machine / "code"),
        str(machine / "libraries"),
        str(bundle),
    ]
    done = subprocess.run(command, cwd=machine, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
