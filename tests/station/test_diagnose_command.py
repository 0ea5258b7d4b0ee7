"""`assay diagnose`, as a person or a script calls it: symptoms, results of runs, and a ticket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from station.cli import main


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["diagnose", *args])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def check(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "verdict": verdict, "reason": None, "finding": None, "measurements": [], **more}


def measured(name: str, value: object, verdict: str = "info", unit: str = "1") -> dict[str, Any]:
    return {"name": name, "value": value, "verdict": verdict, "unit": unit}


def result(folder: Path, *checks: Mapping[str, Any], name: str = "run.json") -> str:
    path = folder / name
    path.write_text(json.dumps({"run": "r1", "device": {"platform": "android"}, "checks": checks}), encoding="utf-8")
    return str(path)


def test_a_result_and_a_symptom_give_causes_reasons_and_a_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    worn = check("battery-health", "fail", measurements=[measured("state_of_health", 71, "fail", "%")])
    hidden = check("wifi", "none", reason=["permission denied", "无权限"])
    file = result(tmp_path, worn, check("battery-electrical", "pass"), hidden)
    code, out, _ = run(capsys, "--run", file, "--symptom", "drains-fast", "--json")
    answer = json.loads(out)
    assert (code, answer["outcome"], answer["causes"]) == (0, "found", ["battery-worn"])
    assert {one["key"] for one in answer["ranking"][0]["for"]} == {"BATTERY-WORN", "drains-fast"}
    assert [one["key"] for one in answer["ranking"][0]["against"]] == ["battery-electrical"]
    assert answer["not_run"] == {"wifi": ["permission denied", "无权限"]}
    assert [one["repair"] for one in answer["plan"]] == ["replace-battery"]
    assert answer["findings"][0]["fault_table"][1].startswith("电池：")
    assert len(answer["policy"]) == 64


def test_a_warning_limit_is_known_by_its_own_fault_code(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wet = check("appearance", "warn", measurements=[measured("liquid_indicator", "red", "warn", "text")])
    _, out, _ = run(capsys, "--run", result(tmp_path, wet), "--symptom", "got-wet", "--json")
    answer = json.loads(out)
    assert "liquid-damage" in answer["causes"]
    assert [one["code"] for one in answer["findings"]] == ["LIQUID"]
    assert answer["findings"][0]["fault_table"] is None
    assert answer["findings"][0]["outside"]


def test_suspects_of_the_crash_check_speak_as_what_they_stand_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def weight(*measurements: dict[str, Any]) -> float:
        crashes = check("crashes", "info", measurements=list(measurements))
        lens = check("camera-each", "fail", finding="CAMERA-BACK")
        _, out, _ = run(capsys, "--run", result(tmp_path, crashes, lens), "--symptom", "camera-fails", "--json")
        reasons = json.loads(out)["ranking"][0]["for"]
        return float(next(one["weight"] for one in reasons if one["kind"] == "suspect"))

    named = measured("suspects", ["camera: i2c errors of the sensor"], unit="list")
    hinted = measured("hints", ["camera: failed while starting"], unit="list")
    own_word, service, hint = weight(named, measured("part_errors", 1, "warn")), weight(named), weight(hinted)
    assert own_word == pytest.approx(2 * service, rel=0.01)
    assert service == pytest.approx(2 * hint, rel=0.01)


def test_too_little_seen_ends_with_1_and_names_the_checks_that_would_tell(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--symptom", "drains-fast", "--json")
    answer = json.loads(out)
    assert (code, answer["outcome"], answer["causes"]) == (1, "not-enough-seen", [])
    assert "battery-health" in [one["check"] for one in answer["next_checks"]]
    assert answer["separator"]["check"]


def test_a_danger_stands_first_and_its_checks_are_not_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hot = check("battery-electrical", "fail", measurements=[measured("temperature", 51.5, "fail", "Cel")])
    file = result(tmp_path, hot)
    _, out, _ = run(capsys, "--run", file, "--symptom", "freezes", "--json")
    answer = json.loads(out)
    assert [one["id"] for one in answer["hazards"]] == ["battery-hot"]
    assert not {"storage", "memory", "charging"} & {one["check"] for one in answer["next_checks"]}
    _, shown, _ = run(capsys, "--run", file, "--symptom", "freezes")
    assert shown.startswith("! battery hot: ")


def test_words_suggest_and_decide_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--say", "屏幕碎了", "--json")
    answer = json.loads(out)
    assert [one["symptom"] for one in answer["suggested"]] == ["screen-cracked"]
    assert (answer["symptoms"], answer["causes"]) == ([], [])


@pytest.mark.parametrize(("lang", "word"), [("en", "Does not charge"), ("zh", "不充电")])
def test_the_symptoms_are_listed_in_the_language_in_use(
    capsys: pytest.CaptureFixture[str], lang: str, word: str
) -> None:
    code, out, _ = run(capsys, "--lang", lang, "--list-symptoms")
    assert code == 0
    assert any(line.split(None, 1) == ["not-charging", word] for line in out.splitlines())
    _, listed, _ = run(capsys, "--list-symptoms", "--json")
    assert {"symptom": "not-charging", "group": "charging", "name": ["Does not charge", "不充电"], "iris": "121"} in (
        json.loads(listed)
    )


def test_an_unknown_symptom_is_refused_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--symptom", "drain-fast")
    assert (code, out) == (2, "")
    assert "did you mean drains-fast?" in err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"checks": 3}',
        b'{"checks": [{"id": 1}]}',
        b'{"checks": [{"id": "x", "verdict": "good"}]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_result_of_a_run_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    code, out, err = run(capsys, "--run", str(path))
    assert (code, out) == (2, "")
    assert err


def test_nothing_to_diagnose_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys)
    assert code == 2
    assert "--symptom CODE" in err
