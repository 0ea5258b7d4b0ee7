"""Makes the library that counts fsyncs and slows them down (`fsync_count.c`), for a process loaded with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["compiled"]


def compiled(folder: Path) -> Path:
    """The counting library, made by this machine's C compiler."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None or not sys.platform.startswith("linux"):
        sys.exit("This benchmark counts fsyncs through LD_PRELOAD: it needs Linux and a C compiler (cc, gcc or clang).")
    library = folder / "fsync_count.so"
    source = Path(__file__).with_name("fsync_count.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library
