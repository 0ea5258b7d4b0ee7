"""Loads a checklist: its file, the checks it names, and all of it against the probes that this bench has.

`load_checklist` gives the resolved checklist or raises with *every* problem at once, each with file, line, key and what
was probably meant. A checklist comes from this folder by its id, or from anywhere by its path; its checks come from
`checks/` here and from `checks/` beside the file. It reads files and knows neither phones nor records.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from checklists.canonical import canonical_checklist, checklist_sha256, dump, from_dump
from checklists.cross import (
    Found,
    keyword_arguments,
    limits_problems,
    measure_problems,
    missing_settings,
    probe_problems,
    setting_problems,
)
from checklists.ordering import order_problems
from checklists.problems import ChecklistErrors, Document, Problem, did_you_mean, explain, join
from checklists.problems import Path as KeyPath
from checklists.schema import PLATFORMS, Check, Checklist, ChecklistFile, CheckUse, Limit
from checklists.toml import plain_problems, read_document
from drivers.text import Words
from probes.api import Loaded

__all__ = [
    "ChecklistErrors",
    "Problem",
    "canonical_checklist",
    "dump",
    "files_state",
    "from_dump",
    "keyword_arguments",
    "load_checklist",
    "load_checks",
    "locate",
    "shipped",
    "shipped_checklists",
    "validate_file",
]

M = TypeVar("M", bound=BaseModel)

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class _Definition:
    """A check as some file defines it, not validated yet: `path` is empty where the file holds this one check."""

    document: Document
    path: KeyPath
    data: Mapping[str, Any]

    def problem(self, path: KeyPath, what: Words) -> Problem:
        return self.document.problem((*self.path, *path), what)


@dataclass(slots=True)
class _Catalogue:
    """Every check that the folders define; files that can't be read count only when a check is missed."""

    by_id: dict[str, list[_Definition]] = field(default_factory=dict)
    broken: list[Problem] = field(default_factory=list)


def shipped_checklists() -> list[str]:
    """The ids of the checklists that come with Assay."""
    return sorted(path.stem for path in _HERE.glob("*.toml"))


def shipped() -> list[Checklist]:
    """The resolved checklists that come with Assay."""
    return [load_checklist(name) for name in shipped_checklists()]


def load_checklist(id_or_path: str | Path, loaded: Loaded | None = None) -> Checklist:
    """The resolved checklist of that id or in that file.

    Args:
        id_or_path: an id of a shipped checklist (`android-intake`), or a path (a `Path`, or text that ends in `.toml`).
        loaded: the probes of this bench, to check everything against them; None leaves that out.

    Raises:
        ChecklistErrors: with all problems; nothing of the checklist may be used.
    """
    path = locate(id_or_path)
    document = read_document(path)
    catalogue = _catalogue(_HERE / "checks", path.parent / "checks")
    problems = _sorted(_checklist_problems(document, catalogue, loaded))
    if problems:
        raise ChecklistErrors(problems)
    return _resolve(ChecklistFile.model_validate(document.data), catalogue)


def files_state(id_or_path: str | Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and last change (ns) of every file that `load_checklist` reads; while it is the same, so is the list.

    Raises:
        ChecklistErrors: no checklist has that id.
        OSError: a file can't be looked at.
    """
    path = locate(id_or_path)
    folders = dict.fromkeys((_HERE / "checks", path.parent / "checks"))
    about = path.stat()
    return ((str(path), about.st_size, about.st_mtime_ns), *(one for folder in folders for one in _states(folder)))


def _states(folder: Path) -> list[tuple[str, int, int]]:
    """What `files_state` says of a folder; each start of a run asks, so it takes a third of what `Path.glob` does."""
    try:
        found = os.scandir(folder)
    except FileNotFoundError:
        return []
    with found:
        states = [(one.path, one.stat()) for one in found if one.name.endswith(".toml")]
    return sorted((path, state.st_size, state.st_mtime_ns) for path, state in states)


def load_checks() -> dict[str, Check]:
    """The checks that come with Assay, by id.

    Raises:
        ChecklistErrors: one of them is no check.
    """
    catalogue = _catalogue(_HERE / "checks")
    definitions = [one for several in catalogue.by_id.values() for one in several]
    problems = catalogue.broken + [problem for one in definitions for problem in _model_problems(one, Check)]
    if problems:
        raise ChecklistErrors(problems)
    return {check_id: Check.model_validate(several[0].data) for check_id, several in sorted(catalogue.by_id.items())}


def validate_file(path: Path, loaded: Loaded | None = None) -> list[Problem]:
    """Everything that is wrong with a checklist file or with a file of checks; empty when all is well."""
    try:
        document = read_document(path)
    except ChecklistErrors as errors:
        return errors.problems
    catalogue = _catalogue(_HERE / "checks", path.parent / "checks", path.parent)
    if not _defines_checks(document.data):
        return _sorted(_checklist_problems(document, _catalogue(_HERE / "checks", path.parent / "checks"), loaded))
    return _sorted(_check_file_problems(document, catalogue, loaded))


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    """The problems in reading order, each once."""
    return sorted(dict.fromkeys(problems), key=lambda one: (one.file, one.line or 0, one.key))


# --- finding and reading ---------------------------------------------------------------------------------------------


def locate(id_or_path: str | Path) -> Path:
    """The file of a checklist: a path as it is, an id among those that come with Assay.

    Raises:
        ChecklistErrors: no checklist has that id.
    """
    if isinstance(id_or_path, Path) or id_or_path.endswith(".toml"):
        return Path(id_or_path)
    shipped = shipped_checklists()
    if id_or_path in shipped:
        return _HERE / f"{id_or_path}.toml"
    what = join(_NO_CHECKLIST.fill(id=id_or_path), did_you_mean(id_or_path, shipped))
    raise ChecklistErrors([Problem("", "", what)])


def _catalogue(*folders: Path) -> _Catalogue:
    catalogue = _Catalogue()
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        for path in sorted(folder.glob("*.toml")):
            try:
                document = read_document(path)
            except ChecklistErrors as errors:
                catalogue.broken += errors.problems
                continue
            if _defines_checks(document.data):
                for one in _definitions(document):
                    catalogue.by_id.setdefault(str(one.data.get("id", "")), []).append(one)
    return catalogue


def _defines_checks(data: Mapping[str, Any]) -> bool:
    """Whether the file defines checks; a checklist uses them and has stages."""
    entries = data.get("check")
    listed = isinstance(entries, list) and any(isinstance(one, Mapping) and "probe" in one for one in entries)
    return "stages" not in data and "format" not in data and (listed or "probe" in data or "layer" in data)


def _definitions(document: Document) -> Iterator[_Definition]:
    entries = document.data.get("check")
    if not isinstance(entries, list):
        yield _Definition(document, (), document.data)
        return
    for at, entry in enumerate(entries):
        if isinstance(entry, Mapping):
            yield _Definition(document, ("check", at), entry)


def _resolve(written: ChecklistFile, catalogue: _Catalogue) -> Checklist:
    checks = [_overridden(Check.model_validate(catalogue.by_id[use.id][0].data), use) for use in written.check]
    checklist = Checklist(
        id=written.id,
        version=written.version,
        title=written.title,
        platform=written.platform,
        stages=written.stages,
        checks=tuple(checks),
        sha256="",
    )
    return checklist.model_copy(update={"sha256": checklist_sha256(dump(checklist))})


def _overridden(check: Check, use: CheckUse) -> Check:
    """The check as this line of the checklist wants it."""
    given = {key: getattr(use, key) for key in ("required", "deadline_s", "attempts", "on_fail")}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    changes["settings"] = {**check.settings, **(use.settings or {})}
    theirs = {limit.measure: limit for limit in use.limits or ()}
    kept = [theirs.pop(limit.measure, limit) for limit in check.limits]
    changes["limits"] = (*kept, *theirs.values())
    return check.model_copy(update=changes)


# --- problems --------------------------------------------------------------------------------------------------------


def _model_problems(one: _Definition, model: type[BaseModel]) -> Iterator[Problem]:
    """What the data itself is not: keys, types, languages, texts that can't be shown."""
    try:
        model.model_validate(one.data)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            yield one.problem(*explain(each, model))
    for path, what in plain_problems(one.data):
        yield one.problem(path, what)


def _check_file_problems(document: Document, catalogue: _Catalogue, loaded: Loaded | None) -> Iterator[Problem]:
    """Everything wrong with a file that defines checks, for all the platforms that it names probes for."""
    if "check" in document.data:
        for key in set(document.data) - {"check"}:
            yield document.problem((key,), _BESIDE_CHECKS.fill(key=key))
    for one in _definitions(document):
        yield from _model_problems(one, Check)
        yield from _twice_defined(one, catalogue)
        yield from _definition_problems(one, PLATFORMS, loaded)


def _checklist_problems(document: Document, catalogue: _Catalogue, loaded: Loaded | None) -> Iterator[Problem]:
    """Everything wrong with a checklist; what can't be read in one place does not hide the rest."""
    whole = _Definition(document, (), document.data)
    yield from _model_problems(whole, ChecklistFile)
    entries = document.data.get("check")
    uses = [
        _Definition(document, ("check", at), entry)
        for at, entry in enumerate(entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str)
    ]
    yield from _stage_problems(document)
    yield from _repeated(uses)
    platform = document.data.get("platform")
    told: set[str] = set()
    for use in uses:
        yield from _override_problems(use)
        name = use.data["id"]
        definitions = catalogue.by_id.get(name, [])
        if not definitions:
            yield use.problem(("id",), join(_NO_CHECK.fill(id=name), did_you_mean(name, catalogue.by_id)))
            continue
        if name not in told:
            told.add(name)
            yield from _twice_defined(definitions[0], catalogue)
            yield from _model_problems(definitions[0], Check)
            yield from _definition_problems(definitions[0], [platform] if platform in PLATFORMS else PLATFORMS, loaded)
        yield from _use_problems(use, definitions[0], platform, loaded)
    if any(use.data["id"] not in catalogue.by_id for use in uses):
        yield from catalogue.broken
    yield from _order(uses, catalogue)


def _stage_problems(document: Document) -> Iterator[Problem]:
    listed = document.data.get("stages")
    stages = listed if isinstance(listed, list) else []
    for at, stage in enumerate(stages):
        if stage in stages[:at]:
            yield document.problem(("stages", at), _TWICE.fill(id=stage))


def _repeated(uses: Iterable[_Definition]) -> Iterator[Problem]:
    seen: set[str] = set()
    for use in uses:
        if use.data["id"] in seen:
            yield use.problem(("id",), _TWICE.fill(id=use.data["id"]))
        seen.add(use.data["id"])


def _twice_defined(one: _Definition, catalogue: _Catalogue) -> Iterator[Problem]:
    name = str(one.data.get("id", ""))
    for other in catalogue.by_id.get(name, []):
        if (Path(other.document.file).resolve(), other.path) != (Path(one.document.file).resolve(), one.path):
            yield other.problem(("id",), _DEFINED_TWICE.fill(id=name, file=one.document.file))


def _definition_problems(one: _Definition, platforms: Iterable[str], loaded: Loaded | None) -> Iterator[Problem]:
    """A check's own limits and settings, in themselves and against its probe on each of the platforms."""
    limits = _limits(one.data)
    yield from _at(one, ("limits",), limits_problems(limits))
    name = one.data.get("id")
    after = one.data.get("after")
    for at, other in enumerate(after if isinstance(after, list) else []):
        if other == name:
            yield one.problem(("after", at), _AFTER_ITSELF)
    for platform in platforms:
        probe_id = _probe_id(one.data, platform)
        if probe_id is None or loaded is None:
            continue
        probe = loaded.probes.get(probe_id)
        if probe is None:
            yield one.problem(("probe", platform), _unknown_probe(probe_id, loaded))
            continue
        yield from _at(one, ("limits",), measure_problems(limits, probe))
        yield from _at(one, ("settings",), setting_problems(_settings(one.data), probe))
        check = _valid(Check, one.data)
        if check:
            yield from _at(one, (), probe_problems(check, probe))


def _override_problems(use: _Definition) -> Iterator[Problem]:
    """What one line of the checklist sets differently, in itself."""
    for key in ("settings", "limits"):
        if key in use.data and not use.data[key]:
            yield use.problem((key,), _EMPTY_OVERRIDE.fill(key=key))
    yield from _at(use, ("limits",), limits_problems(_limits(use.data)))


def _use_problems(
    use: _Definition, definition: _Definition, platform: object, loaded: Loaded | None
) -> Iterator[Problem]:
    """What one line of the checklist sets differently, and whether the check fits this platform."""
    if platform not in PLATFORMS or not isinstance(definition.data.get("probe"), Mapping):
        return
    probe_id = _probe_id(definition.data, str(platform))
    if probe_id is None:
        yield use.problem(("id",), _NO_PROBE_FOR.fill(id=use.data["id"], platform=platform))
        return
    probe = loaded.probes.get(probe_id) if loaded else None
    if probe is None:
        return
    yield from _at(use, ("limits",), measure_problems(_limits(use.data), probe))
    yield from _at(use, ("settings",), setting_problems(_settings(use.data), probe))
    for what in missing_settings({**_settings(definition.data), **_settings(use.data)}, probe):
        yield use.problem(("settings",), what)
    if not probe.repeatable and use.data.get("attempts", 1) != 1:
        yield use.problem(("attempts",), _NOT_REPEATABLE.fill(probe=probe.id))


def _order(uses: Sequence[_Definition], catalogue: _Catalogue) -> Iterator[Problem]:
    """The order of the checks; nothing is said of it while what it stands on is not known."""
    sketches = [_sketch(catalogue.by_id[use.data["id"]][0].data) for use in uses if use.data["id"] in catalogue.by_id]
    checks = [check for check in sketches if check]
    if len(checks) == len(uses) == len({check.id for check in checks}):
        for place, what in order_problems(checks):
            yield uses[place].problem((), what)


def _sketch(data: Mapping[str, Any]) -> Check | None:
    """What the order needs of a check, also when the rest of it is not valid."""
    needed = ("id", "layer", "person", "cost", "writes", "after")
    rest = {"title": {"en": "-", "zh": "-"}, "probe": {"android": "-"}}
    return _valid(Check, {**{key: data[key] for key in needed if key in data}, **rest})


def _valid(model: type[M], data: object) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def _limits(data: Mapping[str, Any]) -> list[tuple[int, Limit]]:
    """The limits that can be read, with their places."""
    entries = data.get("limits")
    read = [(at, _valid(Limit, one)) for at, one in enumerate(entries if isinstance(entries, list) else [])]
    return [(at, limit) for at, limit in read if limit]


def _settings(data: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = data.get("settings")
    return settings if isinstance(settings, Mapping) else {}


def _probe_id(data: Mapping[str, Any], platform: str) -> str | None:
    probes = data.get("probe")
    found = probes.get(platform) if isinstance(probes, Mapping) else None
    return found if isinstance(found, str) else None


def _at(one: _Definition, path: KeyPath, found: Iterable[Found]) -> Iterator[Problem]:
    return (one.problem((*path, *rest), what) for rest, what in found)


def _unknown_probe(probe_id: str, loaded: Loaded) -> Words:
    what = join(_NO_PROBE.fill(id=probe_id), did_you_mean(probe_id, loaded.probes))
    if loaded.failed:
        what = join(what, _FAILED.fill(modules=", ".join(sorted(loaded.failed))))
    return what


_NO_CHECKLIST = Words("no checklist is called {id}", "没有名为 {id} 的检测清单")
_NO_CHECK = Words("no check is called {id}", "没有名为 {id} 的检测项")
_NO_PROBE = Words("no probe is called {id}", "没有名为 {id} 的采集程序")
_FAILED = Words("; these modules did not load: {modules}", "；以下模块未能加载：{modules}")
_NO_PROBE_FOR = Words("{id} has no probe for {platform}", "{id} 没有适用于 {platform} 的采集程序")
_TWICE = Words("{id} stands here twice", "{id} 重复出现")
_DEFINED_TWICE = Words("{id} is defined already in {file}", "{id} 已在 {file} 中定义")
_AFTER_ITSELF = Words("a check can't come after itself", "检测项不能排在自身之后")
_BESIDE_CHECKS = Words("{key} can't stand beside [[check]] entries", "{key} 不能与 [[check]] 并列")
_EMPTY_OVERRIDE = Words("{key} is empty and changes nothing: leave it out", "{key} 为空，没有任何改动：请删除")
_NOT_REPEATABLE = Words(
    "{probe} must not be repeated without asking: attempts = 1 is needed", "{probe} 不得自动重复：应写 attempts = 1"
)
