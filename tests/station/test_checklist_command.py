"""`assay checklist`, as a person or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checklists.load import dump, from_dump, load_checklist, shipped_checklists
from station.cli import main

BROKEN = """format = 1
id = "mine"
version = 1
title = { en = "Mine" }
platform = "android"
stages = ["intake"]

[[check]]
id = "identiy"
"""


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*args])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_list_names_each_shipped_checklist(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "checklist", "list", "--json")
    assert code == 0
    assert [one["id"] for one in json.loads(out)["checklists"]] == shipped_checklists()


def test_show_prints_what_a_record_would_hold(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "checklist", "show", "android-intake", "--json")
    document = json.loads(out)
    digest = document.pop("sha256")
    assert code == 0
    assert document == dump(load_checklist("android-intake"))
    assert from_dump(document).sha256 == digest


@pytest.mark.parametrize(("lang", "word"), [("en", "≥ 80 %, warn below 85 %"), ("zh", "≥ 80 %，低于 85 % 预警")])
def test_show_says_limits_in_both_languages(capsys: pytest.CaptureFixture[str], lang: str, word: str) -> None:
    code, out, _ = run(capsys, "--lang", lang, "checklist", "show", "android-intake")
    assert code == 0
    assert f"state_of_health: {word}" in out


def test_validate_without_a_file_validates_ours(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "checklist", "validate", "--json")
    assert code == 0
    assert json.loads(out)["ok"] is True


def test_validate_tells_every_problem_and_ends_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BROKEN, encoding="utf-8")
    code, out, err = run(capsys, "checklist", "validate", str(path))
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"{path}:4: title.zh: the Chinese text is missing",
        f"{path}:9: check[0].id: no check is called identiy; did you mean identity?",
    ]


def test_validate_as_json_names_file_line_and_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BROKEN, encoding="utf-8")
    code, out, _ = run(capsys, "--lang", "zh", "checklist", "validate", str(path), "--json")
    [first, second] = json.loads(out)["files"][0]["problems"]
    assert code == 1
    assert first == {"file": str(path), "line": 4, "key": "title.zh", "what": "缺少中文文本"}
    assert second["what"] == "没有名为 identiy 的检测项；是否应为 identity？"


@pytest.mark.parametrize(
    "args",
    [
        ("validate", "nothing.toml"),
        ("validate", "android-intak"),
        ("show",),
        ("new", "Bad Id"),
        ("new", "x", "--check", "y"),
    ],
)
def test_wrong_use_ends_with_2(capsys: pytest.CaptureFixture[str], args: tuple[str, ...]) -> None:
    code, out, err = run(capsys, "checklist", *args)
    assert (code, out) == (2, "")
    assert err


def test_new_writes_a_checklist_that_is_good_and_in_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    chosen = ["--check", "keys", "--check", "identity", "--title-zh", "我的“清单”"]
    code, out, _ = run(capsys, "checklist", "new", "mine", "--out", str(path), *chosen)
    checklist = load_checklist(path)
    assert (code, out.strip()) == (0, str(path))
    assert [check.id for check in checklist.checks] == ["identity", "keys"]
    assert checklist.title.zh == "我的“清单”"


def test_new_never_overwrites_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine", encoding="utf-8")
    assert run(capsys, "checklist", "new", "mine", "--out", str(path))[0] == 2
    assert path.read_text(encoding="utf-8") == "mine"


def test_new_says_when_the_folder_can_not_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "checklist", "new", "mine", "--out", str(tmp_path / "no" / "mine.toml"))
    assert code == 3
    assert "→" in err
