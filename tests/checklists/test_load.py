"""Loading checklists: everything that is wrong at once, each with file, line, key and what was meant."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from building import probe, registry, setting
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists.load import (
    ChecklistErrors,
    dump,
    from_dump,
    keyword_arguments,
    load_checklist,
    load_checks,
    shipped_checklists,
    validate_file,
)
from checklists.ordering import order_problems
from drivers.text import Words
from probes.api import Choice, Loaded, discover

HEAD = """format = 1
id = "t"
version = 1
title = { en = "Test", zh = "测试" }
platform = "android"
stages = ["intake"]
"""
CHECK = """id = "alpha"
layer = "soft"
title = { en = "Alpha", zh = "甲" }
probe = { android = "t.alpha" }
"""
LIMIT = """
[[limits]]
measure = "level"
unit = "%"
min = 80
source = { ref = "test", text = { en = "a norm", zh = "标准" } }
"""


class Bench:
    """A folder with a checklist and its checks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "checks").mkdir()

    def check(self, text: str, name: str = "alpha") -> None:
        (self.folder / "checks" / f"{name}.toml").write_text(text, encoding="utf-8")

    def checklist(self, text: str = '\n[[check]]\nid = "alpha"\n', head: str = HEAD) -> Path:
        path = self.folder / "list.toml"
        path.write_text(head + text, encoding="utf-8")
        return path

    def problems(self, loaded: Loaded | None = None) -> list[str]:
        """What is wrong with the folder's checklist, without the folder's name."""
        with pytest.raises(ChecklistErrors) as raised:
            load_checklist(self.folder / "list.toml", loaded if loaded is not None else registry(probe()))
        return [str(problem).replace(f"{self.folder}/", "") for problem in raised.value.problems]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def limit_with(*lines: str) -> str:
    return LIMIT.replace("min = 80", "\n".join(lines))


# --- what is right ---------------------------------------------------------------------------------------------------


def test_a_checklist_is_resolved_with_its_overrides(bench: Bench) -> None:
    bench.check(CHECK + "settings = { hours = 24, depth = 2 }\n" + LIMIT)
    path = bench.checklist("""
[[check]]
id = "alpha"
required = false
attempts = 1
settings = { hours = 1 }

[[check.limits]]
measure = "level"
unit = "%"
min = 79.5
source = { ref = "shop", text = { en = "ours", zh = "本店" } }

[[check.limits]]
measure = "locked"
unit = "flag"
equals = true
source = { ref = "shop", text = { en = "ours", zh = "本店" } }
""")
    one = probe(settings={name: setting(name, int, 1) for name in ("hours", "depth")})
    check = load_checklist(path, registry(one)).check("alpha")
    assert (check.required, check.attempts, check.settings) == (False, 1, {"hours": 1, "depth": 2})
    assert [(limit.measure, limit.min, limit.source.ref) for limit in check.limits] == [
        ("level", Decimal("79.5"), "shop"),
        ("locked", None, "shop"),
    ]


def test_a_checklist_from_a_path_may_mix_shipped_checks_with_its_own(bench: Bench) -> None:
    bench.check(CHECK)
    path = bench.checklist('\n[[check]]\nid = "identity"\n\n[[check]]\nid = "alpha"\n')
    assert [check.id for check in load_checklist(path).checks] == ["identity", "alpha"]


def test_one_file_may_define_several_checks(bench: Bench) -> None:
    bench.check("[[check]]\n" + CHECK + "\n[[check]]\n" + CHECK.replace("alpha", "beta", 1), "several")
    path = bench.checklist('\n[[check]]\nid = "alpha"\n\n[[check]]\nid = "beta"\n')
    assert [check.id for check in load_checklist(path).checks] == ["alpha", "beta"]


def test_a_file_of_another_editor_is_read_too(bench: Bench) -> None:
    bench.check(CHECK)
    path = bench.checklist()
    plain = load_checklist(path).sha256
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_checklist(path).sha256 == plain


def test_the_digest_does_not_depend_on_what_the_bench_has_loaded_nor_on_the_folder(
    bench: Bench, tmp_path: Path
) -> None:
    bench.check(CHECK + LIMIT)
    path = bench.checklist()
    other = Bench(tmp_path / "other") if (tmp_path / "other").mkdir() is None else bench
    other.check("# a comment\n" + CHECK + LIMIT)
    assert load_checklist(path, registry(probe())).sha256 == load_checklist(other.checklist()).sha256


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_everything_is_told_at_once_in_all_files(bench: Bench) -> None:
    bench.check(
        CHECK.replace('zh = "甲"', "").replace('en = "Alpha", ', 'en = "Alpha"')
        + "bloker = true\n"
        + limit_with("min = 9", "max = 3", 'severity = "wran"')
        + limit_with('equals = "x"')
    )
    bench.checklist(
        '\n[[check]]\nid = "alpha"\nattempts = 0\n\n[[check]]\nid = "alhpa"\n', HEAD.replace("android", "androd")
    )
    assert bench.problems() == [
        "checks/alpha.toml:3: title.zh: the Chinese text is missing",
        "checks/alpha.toml:5: bloker: no key is called bloker here",
        'checks/alpha.toml:12: limits[0].severity: "wran" is not allowed here; did you mean warn?',
        "checks/alpha.toml:18: limits[1].equals: level needs a number here",
        'list.toml:5: platform: "androd" is not allowed here; did you mean android?',
        "list.toml:10: check[0].attempts: must be at least 1, not 0",
        "list.toml:13: check[1].id: no check is called alhpa; did you mean alpha?",
    ]


def test_every_problem_is_said_in_chinese_too(bench: Bench) -> None:
    bench.check(CHECK + "bloker = true\n" + limit_with("min = 9", "max = 3"))
    bench.checklist(
        '\n[[check]]\nid = "alpah"\nlimits = []\n\n[[check]]\nid = "alpha"\n', HEAD.replace("version = 1", "")
    )
    with pytest.raises(ChecklistErrors) as raised:
        load_checklist(bench.folder / "list.toml", registry(probe()))
    assert len(raised.value.problems) == 5
    for problem in raised.value.problems:
        assert re.search(r"[\u4e00-\u9fff]", problem.what.zh), problem


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["min = 9", "max = 3"], "limits[0].min: min 9 is above max 3"),
        (["min = 5", "warn_min = 4"], "limits[0].warn_min: the warn band lies outside the limits: 4 is below min 5"),
        (["max = 5", "warn_max = 6"], "limits[0].warn_max: the warn band lies outside the limits: 6 is above max 5"),
        (["max = 5", "warn_min = 6"], "limits[0].warn_min: the warn band lies outside the limits: 6 is above max 5"),
        (["warn_min = 3", "warn_max = 2"], "limits[0].warn_min: warn_min 3 is above warn_max 2"),
        (["min = nan"], "limits[0].min: must be a finite number, not NaN"),
        (["min = inf"], "limits[0].min: must be a finite number, not Infinity"),
        (['min = "80"'], 'limits[0].min: must be a number, not "80"'),
        (["min = true"], "limits[0].min: must be a number, not true"),
        (["min = 1e300"], "limits[0].min: is a number that a record can't hold exactly"),
        (["equals = true"], "limits[0].equals: level needs a number here"),
        (["equals = 3", "min = 1"], "limits[0].equals: equals can't stand beside other demands"),
        (["one_of = []"], "limits[0].one_of: allows nothing, so nothing could ever pass"),
        (["one_of = [1, 1]"], "limits[0].one_of[1]: stands here twice"),
        (['one_of = [1, "a"]'], "limits[0].one_of[1]: level needs a number here"),
        ([], "limits[0]: demands nothing: give min, max, warn_min, warn_max, equals, one_of or equals_baseline"),
        (
            ['relative_to = "intake"', "min = 1"],
            'limits[0].relative_to: numbers with relative_to need mode = "ratio" or "delta"',
        ),
        (['relative_to = "intake"', 'mode = "ratio"', "min = 0"], "limits[0].min: a ratio must be above 0"),
        (["min = 1", 'mode = "ratio"'], "limits[0].mode: mode needs relative_to"),
        (["min = 1", "equals_baseline = true"], "limits[0].equals_baseline: equals_baseline needs relative_to"),
        (
            ["min = 1", 'relative_to = "yesterday"', 'mode = "delta"'],
            'limits[0].relative_to: "yesterday" is not allowed here; known: intake, model, reference, ticket',
        ),
    ],
)
def test_a_limit_that_makes_no_sense_is_told(bench: Bench, lines: list[str], told: str) -> None:
    bench.check(CHECK + limit_with(*lines))
    bench.checklist()
    assert told in [re.sub(r"^checks/alpha.toml:\d+: ", "", problem) for problem in bench.problems()]


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (LIMIT.replace('"level"', '"levle"'), "limits[0].measure: t.alpha does not measure levle; did you mean level?"),
        (LIMIT.replace('"%"', '"mV"'), "limits[0].unit: level is measured in %, the limit says mV"),
        (LIMIT.replace('"%"', '"mAh"'), "limits[0].unit: no unit is called mAh; did you mean mA.h?"),
        (LIMIT + LIMIT, "limits[1].measure: level has a limit already"),
        (
            LIMIT.replace("level", "state").replace("%", "text"),
            "limits[0].min: state is a text, which has no numeric limits",
        ),
        (
            LIMIT.replace("level", "places").replace("%", "list").replace("min = 80", 'equals = "a"'),
            "limits[0].equals: a list is judged with one_of: every item must be one of them",
        ),
        (
            LIMIT.replace("level", "imei").replace("%", "identity").replace("min = 80", 'equals = "49015"'),
            'limits[0].equals: an identity is judged with equals_baseline and relative_to = "ticket" only',
        ),
    ],
)
def test_a_limit_that_does_not_fit_its_probe_is_told(bench: Bench, limit: str, told: str) -> None:
    bench.check(CHECK + limit)
    bench.checklist()
    assert told in [re.sub(r"^checks/alpha.toml:\d+: ", "", problem) for problem in bench.problems()]


def test_an_unknown_probe_is_told_with_the_one_that_was_meant_and_with_what_did_not_load(bench: Bench) -> None:
    bench.check(CHECK.replace("t.alpha", "t.alhpa"))
    bench.checklist()
    loaded = registry(probe(), failed={"probes.broken": "SyntaxError"})
    assert bench.problems(loaded) == [
        "checks/alpha.toml:4: probe.android: no probe is called t.alhpa; did you mean t.alpha?; "
        "these modules did not load: probes.broken"
    ]


def test_a_check_without_a_probe_for_the_platform_is_told(bench: Bench) -> None:
    bench.check(CHECK)
    bench.checklist(head=HEAD.replace("android", "ios"))
    assert bench.problems() == ["list.toml:9: check[0].id: alpha has no probe for ios"]


def test_a_check_must_say_what_its_probe_does_to_people_and_phones(bench: Bench) -> None:
    bench.check(CHECK)
    bench.checklist()
    one = probe(asks=True, writes=Words("restarts it", "重启手机"), repeatable=False)
    assert [problem.split(": ", 1)[1] for problem in bench.problems(registry(one))] == [
        "attempts: t.alpha must not be repeated without asking: attempts = 1 is needed",
        "person: t.alpha asks a person: person = true is needed",
        "writes: t.alpha changes the phone (restarts it): writes = true is needed",
    ]


SETTINGS = {
    "hours": setting("hours", int),
    "seconds": setting("seconds", float, 1.0),
    "mode": setting("mode", Literal["fast", "slow"], "fast"),
    "title": setting("title", Words, Words("a", "b")),
    "choices": setting("choices", tuple[Choice, ...], ()),
    "names": setting("names", tuple[str, ...], ()),
}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("huors = 1", "settings.huors: t.alpha has no setting huors; did you mean hours?"),
        ("hours = 1.5", "settings.hours: must be a whole number, not 1.5"),
        ('hours = "1"', 'settings.hours: must be a whole number, not "1"'),
        ("seconds = true", "settings.seconds: must be a number, not true"),
        ('mode = "fats"', 'settings.mode: "fats" is not allowed here; did you mean fast?'),
        ('title = { en = "a" }', "settings.title.zh: the Chinese text is missing"),
        ('title = { en = "a", zh = " " }', "settings.title.zh: the Chinese text is empty"),
        ('title = { en = "a", zh = "b", de = "c" }', "settings.title.de: no key is called de here"),
        ('names = "a"', 'settings.names: must be a list, not "a"'),
        (
            'choices = [{ value = "x", label = { en = "a", zh = "b" }, kex = "1" }]',
            "settings.choices[0].kex: no key is called kex here",
        ),
        ("hours = 2026-01-01", "settings.hours: must be a text, a number, true/false, a list or a table, not date"),
        ("hours = { v = 1, e = 2 }", "settings.hours: a table with exactly the keys v and e is reserved"),
        ("hours = 9007199254740993", "settings.hours: is a number that a record can't hold exactly"),
        (
            'names = ["a\\u202eb"]',
            "settings.names[0]: holds a line break, a control character or an invisible character",
        ),
    ],
)
def test_a_setting_that_the_probe_does_not_take_is_told(bench: Bench, line: str, told: str) -> None:
    bench.check(CHECK + "[settings]\n" + line + "\n")
    bench.checklist()
    found = [re.sub(r"^checks/alpha.toml:\d+: ", "", one) for one in bench.problems(registry(probe(settings=SETTINGS)))]
    assert any(one.startswith(told) for one in found), found


def test_a_setting_that_nothing_gives_is_told_where_the_check_is_used(bench: Bench) -> None:
    bench.check(CHECK)
    bench.checklist()
    assert bench.problems(registry(probe(settings=SETTINGS))) == [
        "list.toml:8: check[0].settings: t.alpha needs the setting hours"
    ]


def test_wrong_overrides_are_told_in_the_checklist(bench: Bench) -> None:
    bench.check(CHECK + "settings = { hours = 1 }\n")
    bench.checklist("""
[[check]]
id = "alpha"
limits = []
settings = { huors = 1 }
""")
    assert bench.problems(registry(probe(settings=SETTINGS))) == [
        "list.toml:10: check[0].limits: limits is empty and changes nothing: leave it out",
        "list.toml:11: check[0].settings.huors: t.alpha has no setting huors; did you mean hours?",
    ]


def test_a_check_that_stands_twice_in_a_checklist_is_told(bench: Bench) -> None:
    bench.check(CHECK)
    bench.checklist('\n[[check]]\nid = "alpha"\n\n[[check]]\nid = "alpha"\n')
    assert bench.problems() == ["list.toml:12: check[1].id: alpha stands here twice"]


def test_a_check_that_is_defined_twice_is_told(bench: Bench) -> None:
    bench.check(CHECK)
    bench.check(CHECK, "again")
    bench.checklist()
    [problem] = bench.problems()
    assert problem.startswith("checks/again.toml:1: id: alpha is defined already in ") or "alpha.toml:1" in problem


def test_a_shop_can_not_quietly_replace_a_shipped_check(bench: Bench) -> None:
    bench.check(CHECK.replace("alpha", "identity", 1))
    bench.checklist('\n[[check]]\nid = "identity"\n')
    assert any("identity is defined already in" in problem for problem in bench.problems())


def test_a_wrong_order_is_told_at_the_check_that_is_misplaced(bench: Bench) -> None:
    bench.check(CHECK.replace('"soft"', '"hard"'))
    bench.check(CHECK.replace("alpha", "beta", 1) + 'after = ["gamma"]\n', "beta")
    bench.checklist('\n[[check]]\nid = "alpha"\n\n[[check]]\nid = "beta"\n')
    assert bench.problems() == [
        "list.toml:11: check[1]: beta must come after gamma, which this checklist does not contain",
        "list.toml:11: check[1]: beta must come before alpha: soft checks come before hard checks",
    ]


def test_a_broken_file_of_checks_matters_only_when_a_check_is_missed(bench: Bench) -> None:
    bench.check(CHECK)
    bench.check("id = ", "broken")
    assert load_checklist(bench.checklist()).checks
    bench.checklist('\n[[check]]\nid = "beta"\n')
    assert [problem.split(": ")[0] for problem in bench.problems()] == ["checks/broken.toml", "list.toml:9"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"id = 'a'\nid = 'b'\n", "list.toml:2: is not valid TOML"),
        (b"\x00", "list.toml:1: is not valid TOML"),
        (b"title = '\xff'", "list.toml:1: is not UTF-8 text"),
        (b"#" * 2**20 + b"x", "list.toml: is larger than 1 MiB"),
        (b"", "list.toml: check: check is missing"),
        (b"a = " + b"[" * 5000, "list.toml"),
    ],
)
def test_a_file_that_can_not_be_read_is_told(bench: Bench, data: bytes, told: str) -> None:
    (bench.folder / "list.toml").write_bytes(data)
    assert bench.problems()[0].startswith(told)


def test_an_unknown_id_offers_the_one_that_was_meant() -> None:
    with pytest.raises(ChecklistErrors, match="no checklist is called android-intak; did you mean android-intake"):
        load_checklist("android-intak")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChecklistErrors, match="can't be read"):
        load_checklist(tmp_path / "nothing.toml")


@pytest.mark.parametrize("text", ["../verdict", "/etc/passwd", "", "a/b"])
def test_an_id_is_never_a_path(text: str) -> None:
    with pytest.raises(ChecklistErrors, match="no checklist is called"):
        load_checklist(text)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.sampled_from(["alpha", "android"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "check",
                        "limits",
                        "settings",
                        "title",
                        "en",
                        "zh",
                        "probe",
                        "android",
                        "measure",
                        "min",
                        "unit",
                        "source",
                        "stages",
                        "platform",
                        "format",
                        "layer",
                        "after",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=25,
    )
)
def test_no_data_breaks_the_loader(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "checks").mkdir()
    text = "".join(_toml(key, value) for key, value in data.items()) if isinstance(data, dict) else ""
    for path in (folder / "list.toml", folder / "checks" / "a.toml"):
        path.write_bytes(text.encode("utf-8", "replace"))
        for problem in validate_file(path, registry(probe(settings=SETTINGS))):
            assert problem.what.en
            assert problem.what.zh


def _toml(key: str, value: Any) -> str:
    return f"{key} = {_inline(value)}\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    escaped = "".join(f"\\U{ord(char):08x}" for char in str(value) if not 0xD800 <= ord(char) < 0xE000)
    return f'"{escaped}"'


# --- settings as arguments -------------------------------------------------------------------------------------------


def test_settings_become_the_arguments_that_the_probe_declares() -> None:
    given_settings = {
        "hours": 3,
        "seconds": Decimal("0.5"),
        "title": {"en": "a", "zh": "b"},
        "choices": [{"value": "x", "label": {"en": "a", "zh": "b"}}],
        "names": ["a"],
    }
    assert keyword_arguments(probe(settings=SETTINGS), given_settings) == {
        "hours": 3,
        "seconds": 0.5,
        "title": Words("a", "b"),
        "choices": (Choice("x", Words("a", "b")),),
        "names": ("a",),
    }


def test_a_setting_that_the_probe_does_not_have_is_no_argument() -> None:
    with pytest.raises(ValueError, match="has no setting other"):
        keyword_arguments(probe(), {"other": 1})


# --- what comes with Assay -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return discover()


@pytest.mark.parametrize("name", shipped_checklists())
def test_each_shipped_checklist_is_good_and_comes_back_from_a_record(name: str, loaded: Loaded) -> None:
    checklist = load_checklist(name, loaded)
    assert checklist.id == name
    assert from_dump(dump(checklist)) == checklist
    assert order_problems(checklist.checks) == []


def test_each_shipped_check_is_in_a_shipped_checklist_and_good_for_all_its_platforms(loaded: Loaded) -> None:
    used = {check.id for name in shipped_checklists() for check in load_checklist(name).checks}
    assert set(load_checks()) == used
    folder = Path(__file__).parents[2] / "checklists" / "checks"
    for path in folder.glob("*.toml"):
        assert validate_file(path, loaded) == []


def test_every_check_that_can_fail_names_a_finding() -> None:
    for name in shipped_checklists():
        for check in load_checklist(name).checks:
            for limit in check.limits:
                assert limit.severity == "warn" or limit.finding or check.finding, (name, check.id, limit.measure)


def test_the_cross_check_holds_what_only_eyes_and_hands_can_find() -> None:
    ids = {check.id for check in load_checklist("android-cross-check").checks}
    assert {"identity", "keys", "display-pixels", "appearance"} <= ids
    assert ids < {check.id for check in load_checklist("android-post-repair").checks}
