"""Imports run one way: drivers, probes, checklists, reports, station; and what head office needs stays light.

The source is read, not run, so that an import inside a function counts as well. One test runs: it sees what really gets
loaded behind the imports that are allowed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("drivers", "probes", "checklists", "reports", "station")

#: Libraries that talk to phones or instruments, or draw on a screen.
HARDWARE = {"adbutils", "pymobiledevice3", "serial", "usb", "usb1", "pyvisa", "minimalmodbus", "hid", "bleak", "cv2"}
SCREEN = {"textual", "rich", "prompt_toolkit", "tkinter", "curses"}
#: Not to be imported there either; sqlite-utils loads it behind our back, which does no harm.
COMMAND_LINE = {"click"}
#: What must be usable at head office, and so knows neither.
LIGHT = ("drivers/api.py", "drivers/text.py", "probes/api.py", "probes/units.py", "checklists/", "reports/")
#: Contracts: the standard library and what is left of them, so that they cost nothing to import.
BARE = ("drivers/api.py", "drivers/text.py", "probes/api.py", "probes/units.py", "checklists/verdict.py")
#: Who may know that phones can be simulated; everything else takes a simulated one for a real one.
STAGE = ("drivers/sim/", "station/demo", "station/commands/demo.py")


def sources(root: Path) -> Iterator[str]:
    for layer in LAYERS:
        for path in sorted((root / layer).rglob("*.py")):
            yield path.relative_to(root).as_posix()


def imports(root: Path, name: str) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, with the line; `from a import b` counts as both `a` and `a.b`."""
    package = name.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse((root / name).read_bytes(), name)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            yield from ((node.lineno, str(arg.value)) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def wrong_imports(root: Path) -> list[str]:
    """Each import that breaks a rule, as `file:line: what`."""
    return sorted({f"{name}:{line}: {why}" for name in sources(root) for line, why in _wrong_in(root, name)})


def _wrong_in(root: Path, name: str) -> Iterator[tuple[int, str]]:
    layer = LAYERS.index(name.split("/")[0])
    for line, module in imports(root, name):
        top = module.split(".")[0]
        if top in LAYERS and LAYERS.index(top) > layer:
            yield line, f"{LAYERS[layer]} imports {top}"
        if name.startswith(LIGHT) and top in HARDWARE | SCREEN | COMMAND_LINE:
            yield line, f"imports {top}, which head office does not have"
        if name.startswith(BARE) and top not in (*LAYERS, *sys.stdlib_module_names):
            yield line, f"imports {top}, but a contract stands on the standard library"
        if module.startswith("drivers.sim") and not name.startswith(STAGE):
            yield line, "knows of simulated phones"
        if top == "tests":
            yield line, "imports tests"


def test_every_import_runs_one_way() -> None:
    assert wrong_imports(ROOT) == []


def test_there_is_something_to_read() -> None:
    found = list(sources(ROOT))
    assert {name.split("/")[0] for name in found} == set(LAYERS)
    assert any(True for name in found for _ in imports(ROOT, name))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("drivers/a.py", "import probes.api", "drivers imports probes"),
        ("probes/a.py", "def f():\n    from checklists import judge", "probes imports checklists"),
        ("checklists/a.py", "from reports.record import canonical", "checklists imports reports"),
        ("reports/x/a.py", "from station import journal", "reports imports station"),
        ("reports/x/a.py", "import adbutils", "imports adbutils, which head office does not have"),
        (
            "checklists/a.py",
            "if True:\n    from rich.text import Text",
            "imports rich, which head office does not have",
        ),
        ("probes/api.py", "import pydantic", "imports pydantic, but a contract stands on the standard library"),
        ("station/engine.py", "from drivers import sim", "knows of simulated phones"),
        (
            "station/engine.py",
            "import importlib\nimportlib.import_module('drivers.sim.bench')",
            "knows of simulated phones",
        ),
        ("drivers/adb.py", "from .sim import bench", "knows of simulated phones"),
        ("drivers/adb.py", "from ..probes import api", "drivers imports probes"),
    ],
)
def test_a_wrong_import_is_seen(tmp_path: Path, name: str, text: str, why: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert [one.split(": ", 1)[1] for one in wrong_imports(tmp_path)] == [why]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("station/demo/stage.py", "from drivers.sim.bench import SimulatedBench"),
        ("station/a.py", "import reports.ledger, textual, adbutils"),
        ("probes/signal/a.py", "import numpy\nfrom drivers.api import Shell"),
        ("drivers/sim/a.py", "from drivers.sim import state"),
    ],
)
def test_a_right_import_is_left_alone(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert wrong_imports(tmp_path) == []


def loaded_by(*modules: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after these imports."""
    script = f"import sys, {', '.join(modules)}; print('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _modules(*folders: str) -> list[str]:
    names = [name for name in sources(ROOT) if name.startswith(folders) and not name.endswith("__main__.py")]
    return [name.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".") for name in names]


def test_head_office_s_half_loads_no_hardware_and_no_screen() -> None:
    assert loaded_by("drivers.api", "probes.api", *_modules("checklists/", "reports/")) & (HARDWARE | SCREEN) == set()


def test_the_command_line_starts_without_its_commands_libraries() -> None:
    heavy = (
        HARDWARE | SCREEN | COMMAND_LINE | {"pydantic", "cryptography", "sqlite_utils", "starlette", "httpx", "uvicorn"}
    )
    assert loaded_by("station.cli") & heavy == set()


def test_looking_for_probes_and_the_page_loads_no_server_and_no_adb() -> None:
    loaded = loaded_by("drivers.selftest.page", "probes.display_pixels", "probes.question")
    assert loaded & (HARDWARE | SCREEN | {"uvicorn", "starlette", "pydantic"}) == set()
