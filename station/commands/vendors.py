"""`assay vendors`: each maker's menus for USB debugging, the switches that refusals ask for, and service codes.

Prints what `probes.vendors` holds; needs no station, no engine and no phone. `docs/vendors.md` is its `--page`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from drivers.api import Side
from drivers.text import Words
from probes.vendors import Vendor, steps_to_debugging, vendor, vendors
from station.errors import EXIT_OK, EXIT_USE, Trouble
from station.i18n import _, language

__all__ = ["command", "page"]

_UNKNOWN = Words("No maker is called {name}", "没有名为 {name} 的厂商")
_KNOWN = Words("Known are: {names}", "已知的有：{names}")
_SEEN = {
    "documented": Words("documented", "有文档"),
    "reported": Words("reported", "据报告"),
}
_HEADS = {
    "debugging": Words("USB debugging", "USB 调试"),
    "switches": Words("Switch that a refusal asks for", "被拒绝时需打开的开关"),
    "none": Words(
        "No switch of this maker is known that opens what its phones refuse", "没有已知的开关可以放开其拒绝的操作"
    ),
    "safe": Words("Safe mode", "安全模式"),
    "codes": Words("Service codes, typed in the dialler", "工程码（拨号盘输入）"),
    "adds": Words("What its phones tell beside the others", "其手机额外提供的信息"),
}
_TURNED = {"on": Words("turn on", "打开"), "off": Words("turn off", "关闭")}


@click.command("vendors", help=_("Each maker's menus, switches and service codes; NAME is a maker or a brand."))
@click.argument("name", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
@click.option("--page", "as_page", is_flag=True, help=_("Print the page of the documents, in both languages."))
def command(name: str, as_json: bool, as_page: bool) -> int:
    """Print one maker, or all of them."""
    chosen = [_named(name)] if name else list(vendors().values())
    if as_json:
        click.echo(json.dumps({"vendors": [_document(one) for one in chosen]}, ensure_ascii=False, indent=2))
    elif as_page:
        click.echo(page(), nl=False)
    else:
        click.echo("\n\n".join("\n".join(_lines(one, language())) for one in chosen))
    return EXIT_OK


def _named(name: str) -> Vendor:
    found = vendor(name)
    if found is None:
        names = ", ".join(vendors())
        raise Trouble("vendor.unknown", _UNKNOWN.fill(name=name), Side.PERSON, _KNOWN.fill(names=names), EXIT_USE)
    return found


def _lines(one: Vendor, lang: str) -> Iterator[str]:
    yield f"{one.name.to(lang)}  ({one.system.to(lang)})"
    yield f"  {_HEADS['debugging'].to(lang)}  [{_SEEN[one.debugging.seen].to(lang)}]"
    yield from (f"    {n}. {step.to(lang)}" for n, step in enumerate(steps_to_debugging(one), 1))
    if one.switches:
        yield f"  {_HEADS['switches'].to(lang)}"
    elif one.id != "any":
        yield f"  {_HEADS['none'].to(lang)}"
    for switch in one.switches:
        turn, seen = _TURNED[switch.turn].to(lang), _SEEN[switch.seen].to(lang)
        yield f"    {switch.where.to(lang)}: {turn} “{switch.name.to(lang)}”  [{seen}]"
        if switch.note is not None:
            yield f"    {switch.note.to(lang)}"
    yield f"  {_HEADS['safe'].to(lang)}  [{_SEEN[one.safe_mode.seen].to(lang)}]"
    yield from (f"    {n}. {step.to(lang)}" for n, step in enumerate(one.safe_mode.steps, 1))
    yield f"  {_HEADS['codes'].to(lang)}"
    yield from (f"    {code.code}  {code.opens.to(lang)}  [{_SEEN[code.seen].to(lang)}]" for code in one.codes)
    if one.adds:
        yield f"  {_HEADS['adds'].to(lang)}"
    yield from (f"    {added.what}: {added.means.to(lang)}" for added in one.adds)


def _document(one: Vendor) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": list(one.name),
        "system": list(one.system),
        "debugging": {
            "steps": [list(step) for step in steps_to_debugging(one)],
            "seen": one.debugging.seen,
            "source": one.debugging.source,
        },
        "switches": [
            {
                "name": list(switch.name),
                "where": list(switch.where),
                "turn": switch.turn,
                "permissions": list(switch.permissions),
                "note": list(switch.note) if switch.note else None,
                "seen": switch.seen,
                "source": switch.source,
            }
            for switch in one.switches
        ],
        "safe_mode": {
            "steps": [list(step) for step in one.safe_mode.steps],
            "seen": one.safe_mode.seen,
            "source": one.safe_mode.source,
        },
        "codes": [
            {"code": code.code, "opens": list(code.opens), "seen": code.seen, "source": code.source}
            for code in one.codes
        ],
        "adds": [{"what": added.what, "means": list(added.means), "source": added.source} for added in one.adds],
    }


# --- the page of the documents ---------------------------------------------------------------------------------------

_PAGE_HEAD = """\
# Makers' menus, switches and service codes

What each maker's Android phones call their menus, which switch opens what they refuse to the cable, and which service
menus a person can open. `assay vendors` prints the same, `assay vendors NAME` one maker. A refusal (a
`SecurityException`) is *not run*, never a fail, and its reason names the switch of the phone's own maker.

`documented`: by the maker or in Android's source. `reported`: in public, by people who did it. Menus move between
versions: where a word is not there, search for it in the settings. No code here resets or wipes a phone.

This page is made from `probes/vendors/*.toml`: `python3 dev.py run vendors --page`.
"""


def page() -> str:
    """`docs/vendors.md`: every maker, in both languages, with the sources."""
    return _PAGE_HEAD + "".join("\n" + "\n".join(_section(one)) + "\n" for one in vendors().values())


def _section(one: Vendor) -> Iterator[str]:
    how, safe = one.debugging, one.safe_mode
    yield f"## {_both(one.name)}"
    yield f"\n{_both(one.system)}"
    yield f"\n**{_both(_HEADS['debugging'])}** ({how.seen}: {how.source})\n"
    yield from (f"{n}. {_both(step)}" for n, step in enumerate(steps_to_debugging(one), 1))
    if one.switches:
        yield f"\n**{_both(_HEADS['switches'])}**\n"
    elif one.id != "any":
        yield f"\n{_both(_HEADS['none'])}"
    for switch in one.switches:
        opens = ", ".join(switch.permissions)
        yield f"- {_both(switch.where)}: {switch.turn} “{_both(switch.name)}”, for {opens}"
        yield from (f"  {_both(note)}" for note in [switch.note] if note is not None)
        yield f"  ({switch.seen}: {switch.source})"
    yield f"\n**{_both(_HEADS['safe'])}** ({safe.seen}: {safe.source})\n"
    yield from (f"{n}. {_both(step)}" for n, step in enumerate(safe.steps, 1))
    yield f"\n**{_both(_HEADS['codes'])}**\n\n| code | opens | |\n| --- | --- | --- |"
    yield from (f"| `{code.code}` | {_both(code.opens)} | {code.seen}: {code.source} |" for code in one.codes)
    if one.adds:
        yield f"\n**{_both(_HEADS['adds'])}**\n\n| | | |\n| --- | --- | --- |"
    yield from (f"| `{added.what}` | {_both(added.means)} | {added.source} |" for added in one.adds)


def _both(text: Words) -> str:
    return text.en if text.en == text.zh else f"{text.en} / {text.zh}"
