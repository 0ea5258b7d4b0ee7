"""The settings file, the data folder and the station's key, with the ways in which they go wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import settings as module
from station.errors import Trouble
from station.settings import (
    Settings,
    create_station_key,
    data_folder,
    load_settings,
    load_station_key,
    save_settings,
    write_private,
)


def make(data: Path, **changes: object) -> Settings:
    values = {"data": data, "station": "b-03", "name": "B-03", "shop": "shop-1", "simulated": True, **changes}
    return Settings.model_validate(values)


def code_of(excinfo: pytest.ExceptionInfo[Trouble]) -> str:
    return excinfo.value.code


def test_settings_come_back_as_they_were_saved(tmp_path: Path) -> None:
    settings = make(tmp_path, head_office="https://hq.example/", head_office_key="ab" * 32, language="zh")
    save_settings(settings)
    assert load_settings(tmp_path) == settings
    assert settings.head_office == "https://hq.example"


def test_an_empty_folder_says_that_the_station_is_not_enrolled(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as caught:
        load_settings(tmp_path / "nowhere")
    assert code_of(caught) == "station.not-enrolled"
    assert "assay station enrol" in caught.value.next_step.en


@pytest.mark.parametrize(
    "text",
    [
        "station = ",
        'station = "b"\n',
        'station = "b"\nname = "B"\nshop = "s"\nsimulated = "yes please"\n',
        'station = "../b"\nname = "B"\nshop = "s"\nsimulated = true\n',
        'station = "b"\nname = "B"\nshop = "s"\nsimulated = true\nhead_ofice = "x"\n',
        'station = "b"\nname = "B"\nshop = "s"\nsimulated = true\nhead_office = "ftp://x"\n',
        'station = "b"\nname = "B\\u001b[2J"\nshop = "s"\nsimulated = true\n',
        "\ud800",
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "station.toml").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(Trouble) as caught:
        load_settings(tmp_path)
    assert code_of(caught) == "station.settings"
    assert "station.toml" in caught.value.what.zh


@given(name=st.text(min_size=1, max_size=40).filter(str.isprintable))
def test_every_printable_name_survives_the_file(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("names")
    save_settings(make(folder, name=name))
    assert load_settings(folder).name == name


@pytest.mark.parametrize("change", [{"simulated": False}, {"station": "b-04"}, {"shop": "shop-2"}])
def test_what_enrolment_fixed_is_never_changed(tmp_path: Path, change: dict[str, object]) -> None:
    save_settings(make(tmp_path))
    with pytest.raises(Trouble) as caught:
        save_settings(make(tmp_path, **change))
    assert code_of(caught) == "station.fixed"
    assert load_settings(tmp_path) == make(tmp_path)
    save_settings(make(tmp_path, name="Bench 3", head_office="http://127.0.0.1:1"))
    assert load_settings(tmp_path).name == "Bench 3"


def test_a_crash_before_the_rename_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(make(tmp_path))
    before = (tmp_path / "station.toml").read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(Trouble) as caught:
        save_settings(make(tmp_path, name="other"))
    assert code_of(caught) == "disk.write"
    assert (tmp_path / "station.toml").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["station.toml"]


def test_file_and_folder_are_synced_around_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(descriptor: int) -> None:
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def seen_replace(self: Path, target: Path) -> Path:
        calls.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    write_private(tmp_path / "x", b"1")
    assert calls == ["file", "rename", "folder"]


def test_the_data_folder_is_the_one_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "env"))
    assert data_folder() == tmp_path / "env"
    assert data_folder(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("ASSAY_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_folder().name == "assay"


def test_a_station_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    key = create_station_key(tmp_path / "data")
    path = tmp_path / "data" / "station.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_station_key(path.parent).private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(Trouble) as caught:
        create_station_key(path.parent)
    assert code_of(caught) == "key.exists"
    assert load_station_key(path.parent).private_bytes_raw() == key.private_bytes_raw()
    assert [entry.name for entry in path.parent.iterdir()] == ["station.key"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_station_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    create_station_key(tmp_path)
    (tmp_path / "station.key").chmod(mode)
    with pytest.raises(Trouble) as caught:
        load_station_key(tmp_path)
    assert code_of(caught) == "key.readable"


def test_a_link_or_another_kind_of_key_is_not_a_station_key(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (other, b"", b"garbage"):
        write_private(tmp_path / "station.key", content)
        with pytest.raises(Trouble) as caught:
            load_station_key(tmp_path)
        assert code_of(caught) == "key.unusable"
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "station.key").symlink_to(tmp_path / "station.key")
    with pytest.raises(Trouble) as caught:
        load_station_key(tmp_path / "linked")
    assert code_of(caught) == "key.unusable"
    with pytest.raises(Trouble) as caught:
        load_station_key(tmp_path / "none")
    assert code_of(caught) == "station.not-enrolled"


def test_the_public_names_exist() -> None:
    assert all(hasattr(module, name) for name in module.__all__)
