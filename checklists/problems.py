"""What is wrong with a checklist or a check file, said so that its author can mend it.

A problem names the file, the line where that could be found, the key, what is wrong and what was probably meant. The
messages of pydantic are put into both languages here. Nothing here reads a file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel

from drivers.text import Words, safe_text

__all__ = ["ChecklistErrors", "Document", "Path", "Problem", "did_you_mean", "explain", "key_text"]

#: The way to a value inside a document: keys and places in lists.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: the file as it was named; empty for data that came from no file.
        key: where in the file, e.g. `check[2].limits[0].min`; empty for the whole file.
        what: what is wrong and, where it can be guessed, what was meant.
        line: the line of the key, from 1, where it could be found.
    """

    file: str
    key: str
    what: Words
    line: int | None = None

    def __str__(self) -> str:
        return self.text("en")

    def text(self, lang: str) -> str:
        """The problem on one line."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.what.to(lang)) if part)


class ChecklistErrors(Exception):
    """Everything that is wrong with a checklist, all at once. Nothing of it may be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ChecklistErrors], tuple[list[Problem]]]:
        return type(self), (self.problems,)


@dataclass(frozen=True, slots=True)
class Document:
    """One file as read: its name, its data, and the line of each key that was found."""

    file: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)

    def problem(self, path: Path, what: Words) -> Problem:
        """A problem at that place; the line is that of the nearest key above it that was found."""
        line = next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)
        return Problem(self.file, key_text(path), what, line)


def key_text(path: Sequence[str | int]) -> str:
    """A path as people write it: `check[2].limits[0].min`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return safe_text(text.removeprefix("."), limit=200)


def did_you_mean(word: object, known: Iterable[str]) -> Words:
    """A suggestion to hang behind a message; empty texts when nothing known comes near."""
    names = sorted(known)
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return Words("; did you mean {name}?", "；是否应为 {name}？").fill(name=close[0])
    if 0 < len(names) <= 12:
        listed = ", ".join(names)
        return Words("; known: {names}", "；可用：{names}").fill(names=listed)
    return Words("", "")


def join(first: Words, second: Words) -> Words:
    """Two messages as one."""
    return Words(first.en + second.en, first.zh + second.zh)


# --- pydantic's messages ---------------------------------------------------------------------------------------------

_LANGUAGES = {
    "en": Words("the English text is missing", "缺少英文文本"),
    "zh": Words("the Chinese text is missing", "缺少中文文本"),
}
_MISSING = Words("{key} is missing", "缺少 {key}")
_UNKNOWN_KEY = Words("no key is called {key} here", "此处没有名为 {key} 的键")
_NOT_ALLOWED = Words("{value} is not allowed here", "此处不允许 {value}")
_OTHER = Words("{message} (it is {value})", "{message}（当前为 {value}）")

#: Messages by the type of pydantic's error; `{value}` is what was written, other places come from the error's context.
_MESSAGES = {
    "bool_type": Words("must be true or false, not {value}", "应为 true 或 false，而不是 {value}"),
    "bool_parsing": Words("must be true or false, not {value}", "应为 true 或 false，而不是 {value}"),
    "string_type": Words("must be a text in quotes, not {value}", "应为带引号的文本，而不是 {value}"),
    "string_too_short": Words("must not be empty", "不能为空"),
    "string_too_long": Words("is longer than {max_length} characters", "超过 {max_length} 个字符"),
    "string_pattern_mismatch": Words(
        "{value} has characters that don't belong here: use letters, digits and single hyphens",
        "{value} 含有不允许的字符：只能使用字母、数字和单个连字符",
    ),
    "int_type": Words("must be a whole number, not {value}", "应为整数，而不是 {value}"),
    "int_parsing": Words("must be a whole number, not {value}", "应为整数，而不是 {value}"),
    "int_from_float": Words("must be a whole number, not {value}", "应为整数，而不是 {value}"),
    "float_type": Words("must be a number, not {value}", "应为数字，而不是 {value}"),
    "decimal_type": Words("must be a number, not {value}", "应为数字，而不是 {value}"),
    "decimal_parsing": Words("must be a number, not {value}", "应为数字，而不是 {value}"),
    "finite_number": Words("must be a finite number, not {value}", "应为有限的数字，而不是 {value}"),
    "greater_than": Words("must be above {gt}, not {value}", "应大于 {gt}，而不是 {value}"),
    "greater_than_equal": Words("must be at least {ge}, not {value}", "不得小于 {ge}，而不是 {value}"),
    "less_than": Words("must be below {lt}, not {value}", "应小于 {lt}，而不是 {value}"),
    "less_than_equal": Words("must be at most {le}, not {value}", "不得大于 {le}，而不是 {value}"),
    "too_short": Words("needs at least {min_length} entry", "至少需要 {min_length} 项"),
    "tuple_type": Words("must be a list, not {value}", "应为列表，而不是 {value}"),
    "list_type": Words("must be a list, not {value}", "应为列表，而不是 {value}"),
    "dict_type": Words("must be a table, not {value}", "应为表，而不是 {value}"),
    "model_type": Words("must be a table, not {value}", "应为表，而不是 {value}"),
    "dataclass_type": Words("must be a table, not {value}", "应为表，而不是 {value}"),
    "dataclass_exact_type": Words("must be a table, not {value}", "应为表，而不是 {value}"),
    "named_tuple_type": Words(
        "must be a text in both languages, {{ en = …, zh = … }}, not {value}",
        "应为双语文本 {{ en = …, zh = … }}，而不是 {value}",
    ),
}
#: Texts of our own validators in `checklists.schema`.
_OURS = {
    "needs a number": Words("must be a number, not {value}", "应为数字，而不是 {value}"),
    "needs a number, a text or true/false": Words(
        "must be a number, a text or true/false, not {value}", "应为数字、文本或 true/false，而不是 {value}"
    ),
}


def explain(error: Mapping[str, Any], model: type[BaseModel] | None = None) -> tuple[Path, Words]:
    """Where an error of pydantic lies, and what it says in both languages.

    Args:
        error: one of `ValidationError.errors()`.
        model: what was validated; its keys are offered when one is misspelt.
    """
    path: Path = tuple(part for part in error["loc"] if part != "[key]" and not _is_branch(part))
    kind, value = str(error["type"]), _written(error.get("input"))
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        last = str(path[-1]) if path else ""
        return path, _LANGUAGES.get(last) or _MISSING.fill(key=last)
    if kind in ("extra_forbidden", "unexpected_keyword_argument", "unexpected_positional_argument"):
        known = _keys_at(model, path[:-1])
        return path, join(_UNKNOWN_KEY.fill(key=path[-1] if path else value), did_you_mean(path[-1], known))
    context = error.get("ctx") or {}
    if kind in ("literal_error", "enum"):
        allowed = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return path, join(_NOT_ALLOWED.fill(value=value), did_you_mean(error.get("input"), allowed))
    template = _OURS.get(str(context.get("error", ""))) if kind == "value_error" else _MESSAGES.get(kind)
    if template is None:
        return path, _OTHER.fill(message=error["msg"], value=value)
    return path, template.fill(**{**{k: str(v) for k, v in context.items()}, "value": value})


def _written(value: object) -> str:
    """A value much as it stands in the file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{safe_text(value, limit=60)}"'
    if isinstance(value, Mapping):
        return "{…}"
    return "[…]" if isinstance(value, (list, tuple)) else safe_text(str(value), limit=60)


def _is_branch(part: str | int) -> bool:
    """Whether it is pydantic's name for one branch of a union, which no author wrote."""
    return isinstance(part, str) and bool(re.search(r"[\[\](]", part))


def _keys_at(model: type[BaseModel] | None, path: Path) -> list[str]:
    """The keys that a model knows at a place."""
    for part in path:
        if model is None:
            return []
        if isinstance(part, str):
            found = model.model_fields.get(part)
            model = _model_in(found.annotation) if found else None
    return list(model.model_fields) if model else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model inside an annotation such as `tuple[Limit, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
