"""Pictures for a ticket: from a file, or from a webcam at the station (`camera:0`, `camera:/dev/video2`).

The camera is reached through OpenCV, which is optional (the extra `camera`) and imported only when a picture is taken;
without it the trouble says so and a file does as well. It knows no ticket and no form.
"""

from __future__ import annotations

import importlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_BENCH, EXIT_USE, Trouble
from station.steps.api import Photo

__all__ = ["CAMERA", "PHOTO_MOST", "Camera", "Shots", "Webcam", "from_file", "shot"]

#: What stands before the number or the device of a camera where a file is expected.
CAMERA = "camera:"
#: The largest file that is taken as evidence of a step, in bytes: a minute of a recorded call, a few pictures.
PHOTO_MOST = 20 * 1024 * 1024
#: Frames that are thrown away first: a webcam's exposure and white balance settle within them (about half a second).
SETTLING = 15
#: Levels (of 255) by which a picture's brightness varies at least, as its standard deviation: less shows nothing, a
#: covered lens or a dead sensor. Below what a sharp picture of a grey desk has.
PLAIN = 2.0
#: Quality of the JPEG, in per cent.
QUALITY = 92


class Camera(Protocol):
    """Something that takes a picture."""

    def take(self) -> Photo:
        """One picture as it is now. Blocks for about a second. Raises `Trouble` when there is none to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Webcam:
    """A camera of this computer, by its number or its device (`0`, `/dev/video2`)."""

    device: str

    def take(self) -> Photo:
        """A picture as JPEG.

        Raises:
            Trouble: no OpenCV, no such camera, no picture, or one that shows nothing.
        """
        cv2 = _opencv()
        capture = cv2.VideoCapture(int(self.device) if self.device.isdecimal() else self.device)
        try:
            if not capture.isOpened():
                raise _trouble("camera.none", _NO_CAMERA.fill(camera=self.device), _PLUG)
            frame = _settled(capture)
        finally:
            capture.release()
        if frame is None:
            raise _trouble("camera.silent", _NO_PICTURE.fill(camera=self.device), _PLUG)
        if float(frame.std()) < PLAIN:
            raise _trouble("camera.plain", _PLAIN.fill(camera=self.device), _UNCOVER)
        whole, encoded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not whole:
            raise _trouble("camera.silent", _NO_PICTURE.fill(camera=self.device), _PLUG)
        return Photo("camera.jpg", "image/jpeg", encoded.tobytes())


def _settled(capture: Any) -> Any:
    """The last of the first frames that come; None when none does."""
    frame = None
    for _ in range(SETTLING + 1):
        came, image = capture.read()
        if not came:
            break
        frame = image
    return frame


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise _trouble("camera.opencv", _NO_OPENCV, _INSTALL) from error


def from_file(path: str) -> Photo:
    """A file that was handed in.

    Raises:
        Trouble: it can't be read, is empty, or larger than `PHOTO_MOST`.
    """
    file = Path(path).expanduser()
    try:
        if file.stat().st_size > PHOTO_MOST:
            raise Trouble("photo.large", _LARGE.fill(path=file.name), Side.PERSON, _SMALLER, EXIT_USE)
        data = file.read_bytes()
    except OSError as error:
        what = _UNREADABLE.fill(path=path, why=error.strerror or type(error).__name__)
        raise Trouble("photo.unreadable", what, Side.PERSON, _LOOK, EXIT_USE) from error
    if not data:
        raise Trouble("photo.empty", _EMPTY.fill(path=file.name), Side.PERSON, _LOOK, EXIT_USE)
    return Photo(file.name, mimetypes.guess_type(file.name)[0] or "application/octet-stream", data)


def shot(named: str) -> Photo:
    """The picture that a name stands for: `camera:...` takes one, anything else is a file.

    Raises:
        Trouble: there is none to be had.
    """
    if not named.startswith(CAMERA):
        return from_file(named)
    camera: Camera = Webcam(named.removeprefix(CAMERA).strip() or "0")
    return camera.take()


@dataclass(frozen=True, slots=True)
class Shots:
    """Pictures that a camera took already, by name; files are read when they are asked for."""

    taken: Mapping[str, Photo] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, named: str) -> Photo:
        """The picture of that name. Raises `Trouble` as `shot` does."""
        return self.taken.get(named) or shot(named)


def _trouble(code: str, what: Words, next_step: Words) -> Trouble:
    return Trouble(code, what, Side.BENCH, next_step, EXIT_BENCH)


_NO_OPENCV = Words("OpenCV is not installed: no picture can be taken here", "未安装 OpenCV：无法在本机拍照")
_INSTALL = Words(
    "Install the extra `camera` (opencv-python-headless), or hand a picture in as a file",
    "请安装可选组件 `camera`（opencv-python-headless），或以文件形式提供照片",
)
_NO_CAMERA = Words("There is no camera {camera}, or another program has it", "没有摄像头 {camera}，或正被其他程序占用")
_NO_PICTURE = Words("The camera {camera} gives no picture", "摄像头 {camera} 没有画面")
_PLUG = Words(
    "Look at its cable, close other programs that use it, or hand a picture in as a file",
    "请检查连线，关闭占用摄像头的程序，或以文件形式提供照片",
)
_PLAIN = Words(
    "The picture of camera {camera} shows nothing: it is all one colour", "摄像头 {camera} 的画面为单一颜色，没有内容"
)
_UNCOVER = Words("Uncover the lens and switch the light on", "请打开镜头盖并开灯")
_LARGE = Words("{path} is larger than 20 MB", "{path} 超过 20 MB")
_SMALLER = Words("Use a smaller picture or a shorter recording", "请使用更小的照片或更短的录音")
_UNREADABLE = Words("{path} can't be read: {why}", "{path} 无法读取：{why}")
_EMPTY = Words("{path} is empty", "{path} 是空文件")
_LOOK = Words("Look at the name of the file", "请检查文件名")
