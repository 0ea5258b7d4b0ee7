"""Pictures by file or webcam. A webcam is not in every computer: its rules are tested on a camera that plays frames,
and, where OpenCV is installed, on OpenCV itself with a film in place of the device."""

from __future__ import annotations

import importlib.util
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from station import camera
from station.camera import SETTLING, Webcam, from_file, shot
from station.commands.photo import command
from station.errors import Trouble
from tests.station.counter_bench import LOOKS, open_counter

WITH_OPENCV = importlib.util.find_spec("cv2") is not None


@dataclass
class Frame:
    """A picture of a few pixels."""

    pixels: tuple[int, ...]

    def std(self) -> float:
        return statistics.pstdev(self.pixels)


@dataclass
class Player:
    """What OpenCV offers, over frames that are given."""

    frames: list[Frame]
    opens: bool = True
    released: int = 0
    asked: list[Any] = field(default_factory=list)

    def module(self) -> Any:
        def open_(device: Any) -> Any:
            self.asked.append(device)
            return SimpleNamespace(isOpened=lambda: self.opens, read=self.read, release=self.release)

        def encode(_kind: str, frame: Frame, _options: Any) -> Any:
            return True, SimpleNamespace(tobytes=lambda: bytes(frame.pixels))

        return SimpleNamespace(VideoCapture=open_, imencode=encode, IMWRITE_JPEG_QUALITY=1)

    def read(self) -> tuple[bool, Frame | None]:
        return (True, self.frames.pop(0)) if self.frames else (False, None)

    def release(self) -> None:
        self.released += 1


def plugged(monkeypatch: pytest.MonkeyPatch, frames: list[Frame], *, opens: bool = True) -> Player:
    player = Player(frames, opens)
    monkeypatch.setitem(sys.modules, "cv2", player.module())
    return player


def test_the_first_frames_are_thrown_away_and_the_camera_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    player = plugged(monkeypatch, [Frame((0, 200, n)) for n in range(60)])
    photo = shot("camera:1")
    assert photo.data == bytes((0, 200, SETTLING))
    assert (photo.media_type, player.asked, player.released) == ("image/jpeg", [1], 1)


def test_a_camera_with_few_frames_gives_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, [Frame((0, 200, 1)), Frame((0, 200, 2))])
    assert shot("camera:/dev/video2").data == bytes((0, 200, 2))


@pytest.mark.parametrize(
    ("frames", "opens", "code"),
    [([], False, "camera.none"), ([], True, "camera.silent"), ([Frame((7, 7, 8))], True, "camera.plain")],
)
def test_no_picture_is_said_and_never_made_up(
    monkeypatch: pytest.MonkeyPatch, frames: list[Frame], opens: bool, code: str
) -> None:
    player = plugged(monkeypatch, frames, opens=opens)
    with pytest.raises(Trouble) as found:
        shot("camera:")
    assert (found.value.code, found.value.exit_code, player.released) == (code, 3, 1)


def test_without_opencv_the_word_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Trouble, match="OpenCV is not installed") as found:
        shot("camera:0")
    assert "opencv-python-headless" in found.value.next_step.en


def test_a_file_is_taken_as_it_is_and_refused_when_it_is_none(tmp_path: Path) -> None:
    good, empty, large = tmp_path / "a.PNG", tmp_path / "empty.jpg", tmp_path / "large.jpg"
    good.write_bytes(b"picture")
    empty.touch()
    with large.open("wb") as file:
        file.truncate(camera.PHOTO_MOST + 1)
    assert (from_file(str(good)).media_type, from_file(str(good)).data) == ("image/png", b"picture")
    for path, code in ((empty, "photo.empty"), (large, "photo.large"), (tmp_path, "photo.unreadable")):
        with pytest.raises(Trouble) as found:
            from_file(str(path))
        assert found.value.code == code


def test_the_command_writes_a_file_and_never_over_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugged(monkeypatch, [Frame((0, 200, n)) for n in range(60)])
    path = tmp_path / "front.jpg"
    done = CliRunner().invoke(command, [str(path)])
    assert (done.exit_code, path.read_bytes()) == (0, bytes((0, 200, SETTLING)))
    assert CliRunner().invoke(command, [str(path)]).exit_code == 2


async def test_a_form_takes_a_picture_as_it_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        ticket = await counter.take_in()
        player = plugged(monkeypatch, [Frame((0, 200, n)) for n in range(60)])
        await counter.act("appearance", ticket, **LOOKS, photo_front=["camera:0", counter.file("b.jpg")])
        front = (await counter.stated(ticket, "appearance")).faces[0]
        assert [(one.name, one.bytes) for one in front.photos] == [("front-1.jpg", 3), ("front-2.jpg", 7)]
        assert player.asked == [0]
        monkeypatch.setitem(sys.modules, "cv2", None)
        with pytest.raises(Trouble, match="OpenCV is not installed"):
            await counter.act("appearance", ticket, **LOOKS, reason="again", photo_front="camera:0")
        assert len(await counter.records(ticket, "appearance")) == 1


@pytest.mark.skipif(not WITH_OPENCV, reason="OpenCV is not installed (extra `camera`)")
def test_opencv_itself_takes_a_picture_from_a_film(tmp_path: Path) -> None:
    import cv2
    import numpy

    def film(name: str, frames: list[Any]) -> str:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
        for frame in frames:
            writer.write(frame)
        writer.release()
        return str(path)

    noise = numpy.random.default_rng(1).integers(0, 255, (30, 48, 64, 3), numpy.uint8)
    photo = Webcam(film("noise.avi", list(noise))).take()
    read = cv2.imdecode(numpy.frombuffer(photo.data, numpy.uint8), cv2.IMREAD_COLOR)
    assert read.shape == (48, 64, 3)
    with pytest.raises(Trouble, match="shows nothing"):
        Webcam(film("dark.avi", [numpy.zeros((48, 64, 3), numpy.uint8)] * 20)).take()
    with pytest.raises(Trouble, match="There is no camera"):
        Webcam(str(tmp_path / "none.avi")).take()
