"""What the documents name exists: every command and option is in docs/commands.md, and nothing else is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from station import cli
from station.commands.steps import page
from station.steps import steps

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "docs" / "commands.md"
#: Documents for people; those of contributors name files that are still to be written.
GUIDES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    *(ROOT / "docs").rglob("*.md"),
    ROOT / "tests" / "SKIPS.md",
]
TOPS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}


def _walk(group: click.Group, context: click.Context, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from _walk(command, click.Context(command, parent=context), (*path, name))


def _every() -> dict[str, click.Command]:
    group = cli._group()
    return dict(_walk(group, click.Context(group, info_name="assay"), ()))


EVERY = _every()
GLOBAL = {"--help", "--version", "--lang", "--data"}


def _options(command: click.Command) -> set[str]:
    return {name for param in command.params if isinstance(param, click.Option) for name in param.opts}


def _sections() -> dict[str, str]:
    """The part of docs/commands.md under each command's heading, up to the next one."""
    parts = re.split(r"^#+ `assay ([a-z -]+)`$", COMMANDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _code(document: Path) -> Iterator[str]:
    """Lines and spans of a document that are written as code."""
    text = document.read_text(encoding="utf-8")
    fences = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```[^\n]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for fence in fences:
        yield from fence.splitlines()
    for line in text.splitlines():
        if line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def _typed(line: str) -> Iterator[list[str]]:
    """The words behind each `assay` (or `dev.py run`) of a line, up to where another command or a comment begins."""
    for call in re.finditer(r"(?:^|[\s(])(?:assay|(?:python3 )?dev\.py run)(?=\s|$)([^#|;&()]*)", line):
        yield [word for word in call.group(1).split() if word]


@pytest.mark.parametrize("name", sorted(EVERY.keys() - steps().keys()))
def test_every_command_has_its_section_with_all_its_options_and_no_other(name: str) -> None:
    sections = _sections()
    assert name in sections, f"docs/commands.md has no section `assay {name}`"
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", sections[name]))
    command = EVERY[name]
    children = {option for sub, each in EVERY.items() if sub.startswith(name + " ") for option in _options(each)}
    assert _options(command) - GLOBAL <= named, f"docs/commands.md lacks options of `assay {name}`"
    assert named <= _options(command) | GLOBAL | children, f"docs/commands.md knows more options of `assay {name}`"


def test_no_command_is_described_that_there_is_not() -> None:
    assert set(_sections()) == set(EVERY) - set(steps())


def test_the_page_of_the_steps_is_what_the_steps_say() -> None:
    assert (ROOT / "docs" / "steps.md").read_text(encoding="utf-8") == page()


def test_help_lists_the_commands_in_the_order_of_the_document() -> None:
    assert [name for name in _sections() if " " not in name] == list(cli.COMMANDS)


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_name_only_commands_and_options_that_exist(document: Path) -> None:
    wrong = []
    for line in _code(document):
        for words in _typed(line):
            plain = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
            if plain and plain[0] not in EVERY and words[0] == plain[0]:
                wrong.append(line)
                continue
            name = plain[0] if plain and plain[0] in EVERY else ""
            if len(plain) > 1 and isinstance(EVERY.get(name), click.Group):
                name = f"{name} {plain[1]}"
            allowed = GLOBAL | (_options(EVERY[name]) if name in EVERY else set())
            used = {word.partition("=")[0] for word in words if word.startswith("--")}
            if (name and name not in EVERY) or not used <= allowed:
                wrong.append(line)
    assert wrong == []


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_link_and_name_only_files_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    named = [span for span in re.findall(r"`([^`\s]+)`", text) if "/" in span and span.split("/")[0] in TOPS]
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [path for path in named if not any(ROOT.glob(path.split("::")[0].rstrip("/")))]
    assert missing == []


def test_every_test_that_a_document_names_exists() -> None:
    named = [
        tuple(span.split("::"))
        for document in GUIDES
        for span in re.findall(r"`(tests/[^`\s]+::[^`\s]+)`", document.read_text(encoding="utf-8"))
    ]
    assert named
    gone = [span for span in named if f"def {span[1]}(" not in (ROOT / span[0]).read_text(encoding="utf-8")]
    assert gone == []


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_name_only_verbs_of_dev_py_that_exist(document: Path) -> None:
    known = subprocess.run([sys.executable, ROOT / "dev.py"], capture_output=True, text=True, check=False).stdout
    verbs = set(re.findall(r"python3 dev\.py ([a-z]+)", known))
    used = {verb for line in _code(document) for verb in re.findall(r"dev\.py ([a-z]+)", line)}
    assert {"demo", "run", "test"} <= verbs
    assert used <= verbs
