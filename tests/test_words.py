"""Every text a person sees exists in English and Simplified Chinese, and says the same places in both.

Looks at the sources (AST), the data files (TOML) and the catalogues in station/locale; runs nothing.
"""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from babel.messages import extract, mofile, pofile
from babel.messages.catalog import Catalog, Message

from probes.api import discover
from probes.names import NAMES as MEASUREMENTS
from probes.names import name_words

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("drivers", "probes", "checklists", "reports", "station")
CATALOGUES = ROOT / "station" / "locale" / "zh_CN" / "LC_MESSAGES"
DOMAINS = ("assay", "click")

#: Names that stand as they are in Chinese too.
NAMES = """
ADB ASOC Android API Assay BMP BSOH Bash CPU Debian ESN EXIF Ed25519 FRP Fastboot GHz GSM HAL HTTP IMEI IP JPEG JSON
JUnit Knox Guard LTE Luhn MB MEID MiB NCI NFC NIST NR OEM OPPO OpenCV RSCP RSSI Recovery Rescue SELinux SP SS-RSRP
Sideload Thread Type-C USB-C WCDMA dB dB-Hz eSIM C0 C9
PATH PEM PIN QC QR RSRP SIM SN TLS TOML UDI URL USB UTC UTF-8 UUID Ubuntu WLAN Wi-Fi Windows adb base64 dBm mV realme
root udev Ctrl+C Ctrl+Q EN Enter Esc F1 F2 F3 F4 F5 F6 F9 Tab diskstats sysfs
"""

#: What is typed, read in a file or printed by a phone as it stands, inside a Chinese text.
TYPED = """
Active CODE F8 Fleiss Locked STUDY answer bands battery beacon boot bundle clear close dd destroy gps history home http
https inserted logo nc nfc open opencv-python-headless passphrase persist place purge reason security sim ssid sys
tag tr url wifi
CHECK DIR FILE HEX ID NAME PERSON SERIAL TICKET approved amended assay chmod eng fastboot green inspector lead
performed plugdev release-keys su technician user userdebug verified waived
attempts check delta e equals equals_baseline expected false max min mode one_of person ratio relative_to ticket true v
warn_max warn_min writes
"""


def has_chinese(text: str) -> bool:
    """Whether a Chinese character is in the text."""
    return re.search(r"[\u4e00-\u9fff]", text) is not None


def places(text: str) -> set[str]:
    """The places that a text leaves open for `.format()` and `%`; `{en}` stands where `{zh}` stands in the other."""
    named = {name for _before, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}
    named = {re.sub(r"^(en|zh)(?![a-z])|_(en|zh)$", "", name) for name in named}
    return named | set(re.findall(r"%\(\w+\)s", text))


def left_over(text: str) -> set[str]:
    """The English words in a text that are no place, no command or option, no path, no known term."""
    bare = re.sub(r"\{[^{}]*\}|%\(\w+\)s|`[^`]*`|\bassay( -{0,2}[a-z][a-z-]*)+|--[a-z][a-z-]*", " ", text)
    bare = re.sub(r"(\w+)?(/[\w.]+)+/?|\w+\.(toml|db|key|json)\b", " ", bare, flags=re.ASCII)
    words = re.findall(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9_+-]*", bare)
    return {word for word in words if len(word) > 1} - set((NAMES + TYPED if has_chinese(text) else NAMES).split())


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the program."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


@cache
def catalogue(domain: str) -> Catalog:
    """The Chinese catalogue as it is written down."""
    with (CATALOGUES / f"{domain}.po").open("rb") as file:
        return pofile.read_po(file)


def messages(domain: str) -> list[Message]:
    """Its messages without the header."""
    return [message for message in catalogue(domain) if message.id]


def both(message: Message) -> Iterator[tuple[str, str]]:
    """A message's English text (of a plural, the many) and each of its Chinese ones."""
    english = message.id[-1] if isinstance(message.id, tuple) else message.id
    for chinese in [message.string] if isinstance(message.string, str) else message.string:
        yield english, chinese


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_message_has_a_chinese_text_that_a_person_has_written(domain: str) -> None:
    missing = [message.id for message in messages(domain) if not all(chinese for _en, chinese in both(message))]
    assert missing == []
    assert [message.id for message in messages(domain) if message.fuzzy] == []
    assert list(catalogue(domain).obsolete) == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_chinese_text_has_the_places_of_the_english_one(domain: str) -> None:
    differing = [en for message in messages(domain) for en, zh in both(message) if places(en) != places(zh)]
    assert differing == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_chinese_text_starts_as_far_in_as_the_english_one(domain: str) -> None:
    def indent(text: str) -> int:
        return len(text) - len(text.lstrip(" "))

    assert [en for message in messages(domain) for en, zh in both(message) if indent(en) != indent(zh)] == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_english_is_left_in_a_chinese_text(domain: str) -> None:
    found = {zh: words for message in messages(domain) for _en, zh in both(message) if (words := left_over(zh))}
    assert found == {}


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_compiled_catalogue_is_the_written_one(domain: str) -> None:
    compiled = BytesIO()
    mofile.write_mo(compiled, catalogue(domain))
    compiled.seek(0)
    with (CATALOGUES / f"{domain}.mo").open("rb") as file:
        committed = mofile.read_mo(file)
    assert texts_of(committed) == texts_of(mofile.read_mo(compiled))


def texts_of(compiled: Catalog) -> list[tuple[str, str]]:
    """All pairs of texts of a compiled catalogue; the header with its name of the compiler is none."""
    return sorted((repr(message.id), repr(message.string)) for message in compiled if message.id)


def marked() -> Iterator[tuple[Path, int, ast.expr]]:
    """What stands in every `_()` and `N_()` of the station."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "N_"):
                yield path, node.lineno, node.args[0]


def test_the_catalogue_holds_the_marked_texts_of_the_station_and_no_other() -> None:
    """Also those that Babel does not see, as inside an f-string: they would be lost when it collects again."""
    texts = {node.value for _path, _line, node in marked() if isinstance(node, ast.Constant)}
    assert len(texts) > 400
    assert texts == {message.id for message in messages("assay")}


def test_a_marked_text_is_never_put_together() -> None:
    found = [f"{path}:{line}" for path, line, node in marked() if isinstance(node, ast.JoinedStr | ast.BinOp)]
    assert found == []


def test_the_catalogue_of_clicks_words_knows_all_that_this_click_says() -> None:
    found = extract.extract_from_dir(str(Path(click.__file__).parent))
    said = {text[0] if isinstance(text, tuple) else text for _file, _line, text, _comments, _context in found}
    known = {message.id[0] if isinstance(message.id, tuple) else message.id for message in messages("click")}
    assert len(said) > 30
    assert said - known == set()


def template(node: ast.expr) -> str | None:
    """A text, or an f-string as a text with places; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{" + place_of(part) + "}" for part in node.values
        )
    return None


def place_of(part: ast.expr) -> str:
    """What is put into an f-string; the same name for `.en` and `.zh` of one thing."""
    source = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ast.unparse(part)
    return re.sub(r"\W+", "_", re.sub(r"\b(en|zh)(_|\b)", "", source))


def pairs() -> Iterator[tuple[str, str, str]]:
    """Every English text with the Chinese one beside it: of `Words`, of any other call, of tables of tuples."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                given, sure = node.args, ast.unparse(node.func).endswith("Words")
            elif isinstance(node, ast.Tuple):
                given, sure = node.elts, False
            else:
                continue
            texts = [template(each) for each in given]
            for english, chinese in pairwise(texts):
                if english is None or chinese is None:
                    continue
                if sure or (has_chinese(chinese) and not has_chinese(english)):
                    yield f"{path}:{node.lineno}", english, chinese


def test_every_bilingual_text_is_there_in_both_languages() -> None:
    found = list(pairs())
    assert len(found) > 800
    assert [where for where, english, chinese in found if bool(english.strip()) != bool(chinese.strip())] == []


def test_a_bilingual_text_has_the_same_places_in_both_languages() -> None:
    """Only the parser's note on odd values keeps to English alone what it had looked for."""
    differing = [(where, english) for where, english, chinese in pairs() if places(english) != places(chinese)]
    assert [where for where, english in differing if english != "expected {wanted}, found {shown}"] == []


def test_no_english_is_left_in_the_chinese_half_of_a_bilingual_text() -> None:
    """So a half without a Chinese character has nothing but names and places, as in `Words("IMEI", "IMEI")`."""
    assert {where: words for where, _english, chinese in pairs() if (words := left_over(chinese))} == {}


def bilingual(value: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table of a data file that holds a text in one of the two languages."""
    if isinstance(value, dict):
        if "en" in value or "zh" in value:
            yield where, value
        for key, inner in value.items():
            yield from bilingual(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from bilingual(inner, f"{where}[{n}]")


def test_every_text_of_a_checklist_is_there_in_both_languages() -> None:
    found = [
        each
        for path in sorted((ROOT / "checklists").rglob("*.toml"))
        for each in bilingual(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    ]
    assert len(found) > 50
    for where, text in found:
        assert {"en", "zh"} <= set(text), where
        english, chinese = (each if isinstance(each, str) else " ".join(each) for each in (text["en"], text["zh"]))
        assert english.strip(), where
        assert left_over(chinese) == set(), where


def test_the_names_of_measurements_are_names_that_probes_declare() -> None:
    declared = {name for probe in discover().probes.values() for name in probe.measures}
    assert set(MEASUREMENTS) - declared == set()
    assert name_words("not_in_the_table") == ("not_in_the_table", "not_in_the_table")


def helped(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    yield path, group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from helped(command, (*path, name))
        else:
            yield (*path, name), command


SPEAKS = """
import sys
from station.cli import _group
from station.i18n import let_click_follow, set_language

set_language("zh")
let_click_follow()
import click
from tests.test_words import helped

for path, command in helped(_group()):
    for line in command.get_help(click.Context(command, info_name=" ".join(("assay", *path)))).splitlines():
        print(line)
"""


def test_every_page_of_help_is_chinese_also_in_what_click_says() -> None:
    """A process of its own: the language of help is chosen before a command's module is loaded."""
    pages = subprocess.run(
        [sys.executable, "-c", SPEAKS], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    ).stdout
    lines = [line for line in pages.splitlines() if line.strip() and not line.startswith("用法:")]
    assert sum(line.startswith("选项:") for line in lines) > 30
    codes = re.compile(r"\s*(--.*|[a-z0-9 ,;|{}.-]+)")  # options, and lists of what is typed, over several lines
    assert [line for line in lines if not has_chinese(line) and not codes.fullmatch(line)] == []
    assert [line for line in lines if re.fullmatch(r" +--?[a-z-]+( [A-Z]+)?", line)] == [], "an option without a word"


def test_a_usage_error_is_told_in_the_language_asked_for() -> None:
    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "station.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8").stderr

    assert "没有选项" in said("--lang", "zh", "devices", "--no-such")
    assert "No such option" in said("devices", "--lang", "en", "--no-such")
