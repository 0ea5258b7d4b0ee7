"""No code of the screen hands text to something that would read it as markup."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

UI = Path(__file__).parents[2] / "station" / "ui"

#: Textual's widgets that parse markup by default; the screen has its own `Drawn` instead.
PARSING = {
    "Static", "Label", "Button", "Checkbox", "RadioButton", "RadioSet", "DataTable", "OptionList", "Option", "Select",
    "SelectionList", "Tree", "Tab", "Tabs", "TabbedContent", "Collapsible", "ListView", "ListItem", "Placeholder",
    "RichLog", "Markdown", "Link", "Toast", "Rule", "Tooltip",
}  # fmt: skip
#: Attributes that parse what is assigned to them.
PARSED = {"border_title", "border_subtitle", "tooltip", "title", "sub_title", "placeholder", "loading"}


def offences(source: str) -> list[str]:
    """What in the source would have text read as markup: `line: what`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            found += [f"{node.lineno}: {what}" for what in _calls(node)]
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                f"{node.lineno}: assigns {target.attr}"
                for target in targets
                if isinstance(target, ast.Attribute) and target.attr in PARSED
            ]
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("textual.widgets"):
            names = {alias.name for alias in node.names}
            found += [f"{node.lineno}: imports {name}" for name in sorted(names & PARSING)]
    return found


def _calls(node: ast.Call) -> list[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    owner = getattr(getattr(node.func, "value", None), "id", "")
    out = []
    if name in PARSING:
        out.append(f"makes a {name}")
    if name == "notify" and not any(_is_false(word) for word in node.keywords if word.arg == "markup"):
        out.append("notify() without markup=False")
    if name in {"from_markup", "from_ansi"} or (owner == "Text" and name == "assemble"):
        out.append(f"{name}()")
    if name == "Content" and not _in_plain(node):
        out.append("Content() outside plain()")
    if any(word.arg == "markup" and not _is_false(word) for word in node.keywords):
        out.append("markup=…")
    if name == "render_str":
        out.append("render_str()")
    return out


def _is_false(word: ast.keyword) -> bool:
    return isinstance(word.value, ast.Constant) and word.value.value is False


def _in_plain(node: ast.Call) -> bool:
    """`plain` is the one place: its argument is `_inert(...)`."""
    return bool(node.args) and isinstance(node.args[0], ast.Call) and getattr(node.args[0].func, "id", "") == "_inert"


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_no_text_is_given_to_something_that_parses_markup(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(f'{name}')",
        "from textual.widgets import Label",
        "self.app.notify(name)",
        "self.app.notify(name, markup=True)",
        "self.border_title = name",
        "Content.from_markup(name)",
        "Content(name)",
        "DataTable()",
        "Input(placeholder=name, markup=True)",
    ],
)
def test_the_lint_finds_what_it_is_for(source: str) -> None:
    assert offences(source)


def test_the_lint_lets_inert_text_pass() -> None:
    assert offences("app.notify(name, markup=False)\nContent(_inert(text))\nline((name, 'strong'))") == []


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_the_screen_knows_no_driver_no_store_and_no_engine(path: Path) -> None:
    allowed = {"drivers.text", "drivers.api", "station.i18n", "station.errors", "station.messages"}
    allowed |= {"reports.vocabulary"}  # words, as drivers.text
    if path.name == "station.py":
        allowed |= {"station.client", "station.people", "reports.attest", "reports.ledger", "checklists.load"}
    if path.name == "first_look.py":
        allowed |= {"station.local_socket"}
    ours = {
        name
        for name in _imports(path)
        if name.split(".")[0] in {"drivers", "probes", "checklists", "reports", "station"}
    }
    assert {name for name in ours if not name.startswith("station.ui")} <= allowed
