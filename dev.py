#!/usr/bin/env python3
"""Sets Assay up in `.venv` from the hashed locks, then runs one thing. Standard library only.

    python3 dev.py demo [...]    the simulated bench (arguments go to `assay demo`)
    python3 dev.py run [...]     `assay` with these arguments
    python3 dev.py test [...]    style, types and tests (arguments go to pytest)
    python3 dev.py lock          write the locks anew from pyproject.toml
    python3 dev.py words         collect the texts for the Chinese catalogues and compile them

The second start finds everything in place and costs a fraction of a second.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / ".assay-stamp"
RUNTIME, DEV, BOOTSTRAP = (ROOT / f"requirements{kind}.lock" for kind in ("", "-dev", "-bootstrap"))

#: The system's own Python, and what shows that an environment can be made of it.
SYSTEM = "/usr/bin/python3"
FIT = "import sys, ensurepip, ssl, sqlite3, ctypes, zlib, bz2, lzma; sys.exit(sys.version_info < (3, 11))"

#: Debian packages that only tests need: the command that shows that it is there, the package, what it is for.
DEBIAN = (
    ("mksh", "mksh", "Android's own shell, for the simulated phones"),
    ("toybox", "toybox", "Android's own commands, for the simulated phones"),
)


def call(*command: str | Path, quiet: bool = False, **options: object) -> None:
    """Run a command; end with its exit code when it fails."""
    out = subprocess.DEVNULL if quiet else None
    done = subprocess.run([str(part) for part in command], cwd=ROOT, stdout=out, **options)  # type: ignore[call-overload]
    if done.returncode:
        print(f"failed ({done.returncode}): {' '.join(map(str, command))}", file=sys.stderr)
        sys.exit(done.returncode)


def wanted_stamp(lock: Path) -> str:
    """What the environment depends on, as one digest."""
    digest = hashlib.sha256(f"{ROOT} {sys.version} {lock.name}".encode())
    for path in (lock, BOOTSTRAP, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return f"{lock.name} {digest.hexdigest()}"


def interpreter() -> str:
    """The Python that `.venv` is made of: this one, unless it was built without optimisation and the system's was with.

    A bench with many phones waits for the interpreter (benchmarks/README.md). What somebody builds for themselves
    (pyenv's default) takes a quarter to a half more processor time than a distribution's build.
    """
    arguments = sysconfig.get_config_var("CONFIG_ARGS")  # there is none on Windows, whose builds are optimised
    ours = arguments is None or "--enable-optimizations" in arguments or sys.base_prefix == "/usr"
    if ours or not shutil.which(SYSTEM) or subprocess.run([SYSTEM, "-c", FIT], capture_output=True).returncode:
        return sys.executable
    print(f"this Python was built without optimisation: .venv is made of {SYSTEM}", file=sys.stderr)
    return SYSTEM


def prepare(lock: Path) -> None:
    """Make `.venv` hold what the lock says; a development environment also serves the runtime."""
    have = STAMP.read_text().splitlines() if STAMP.exists() else []
    if wanted_stamp(lock) in have or (lock == RUNTIME and wanted_stamp(DEV) in have):
        return
    if sys.version_info < (3, 11):  # noqa: UP036 - older ones start this file too
        sys.exit(f"Assay needs Python 3.11 or newer; this is {sys.version.split()[0]}. Start dev.py with a newer one.")
    print("setting up .venv (once, about 20 s) ...", file=sys.stderr)
    if not (BIN / "python").exists() and not (BIN / "python.exe").exists():
        call(interpreter(), "-m", "venv", VENV)
    STAMP.unlink(missing_ok=True)
    call(BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "-r", BOOTSTRAP)  # fmt: skip
    env = {**os.environ, "VIRTUAL_ENV": str(VENV), "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy")}
    uv = [BIN / "uv", "--quiet", "--system-certs", "pip", "install"]
    if subprocess.run([*uv, "--require-hashes", "-r", lock], cwd=ROOT, env=env).returncode:
        # uv knows no pip.conf: behind a company's own package index only pip finds the way.
        print("trying again with pip ...", file=sys.stderr)
        uv = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        call(*uv, "--require-hashes", "-r", lock)
    call(*uv, "--no-deps", "--no-build-isolation", "--editable", ".", env=env)
    STAMP.write_text(wanted_stamp(lock) + "\n")


def debian_packages() -> None:
    """Install what only tests need where we may; name it with its reason where we may not."""
    missing = [row for row in DEBIAN if not shutil.which(row[0])]
    if not missing:
        return
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo = [] if root else ["sudo", "-n"]
    if shutil.which("apt-get") and (root or shutil.which("sudo")):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        names = [row[1] for row in missing]
        install = [*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
        if subprocess.run(install, **quiet).returncode:  # type: ignore[call-overload]
            subprocess.run([*sudo, "apt-get", "update", "-q"], **quiet)  # type: ignore[call-overload]
            subprocess.run(install, **quiet)  # type: ignore[call-overload]
    for command, package, reason in DEBIAN:
        if not shutil.which(command):
            print(f"without Debian's {package} ({reason}) some tests are skipped; see tests/SKIPS.md", file=sys.stderr)


def test(arguments: list[str]) -> None:
    """Style, types, then the tests."""
    prepare(DEV)
    debian_packages()
    call(BIN / "ruff", "check", "--quiet", ".")
    call(BIN / "ruff", "format", "--quiet", "--check", ".")
    call(BIN / "mypy")
    call(BIN / "python", "-m", "pytest", "-q", *(arguments or ["-n", "auto", "--dist", "worksteal"]))


def lock() -> None:
    """Write the three locks: hashed, for every platform, naming no registry."""
    prepare(DEV)
    compiler = (BIN / "uv", "--quiet", "pip", "compile", "--generate-hashes", "--no-header", "--no-annotate")
    call(*compiler, "--universal", "pyproject.toml", "--group", "build", "-o", RUNTIME, "--upgrade")
    call(*compiler, "--universal", "pyproject.toml", "--group", "dev", "-o", DEV, "--upgrade")
    call(*compiler, "--universal", "-", "-o", BOOTSTRAP, "--upgrade", input=b"uv\n")


def collect_words(domain: str, source: str | Path) -> None:
    """Merge the texts of one source folder into its Chinese catalogue, and compile it."""
    folder = ROOT / "station" / "locale"
    template, catalogue = folder / f"{domain}.pot", folder / "zh_CN" / "LC_MESSAGES" / f"{domain}.po"
    babel = (BIN / "pybabel", "-q")
    call(*babel, "extract", "--no-wrap", "--no-location", "--sort-output", "-k", "N_", "-o", template, source)
    # The dates in the catalogue's header never move, so that a change shows the texts it is about and nothing else.
    call(*babel, "update", "--no-wrap", "--no-fuzzy-matching", "--ignore-obsolete", "--ignore-pot-creation-date",
         "-D", domain, "-i", template, "-d", folder, "-l", "zh_CN")  # fmt: skip
    template.unlink()
    call(*babel, "compile", "-D", domain, "-d", folder)
    missing = catalogue.read_text(encoding="utf-8").count('\nmsgstr ""\n\n')
    if missing:
        print(f"not translated yet: {missing} texts of {catalogue.relative_to(ROOT)}", file=sys.stderr)


def words() -> None:
    """Collect the texts of our screens and commands, and click's own ones, for the Chinese catalogues."""
    prepare(DEV)
    where = [BIN / "python", "-c", "import click; print(click.__path__[0])"]
    collect_words("assay", "station")
    collect_words("click", subprocess.check_output(where, text=True).strip())


def main() -> None:
    """Run the verb that was asked for."""
    verb, *rest = sys.argv[1:] or [""]
    if verb == "test":
        test(rest)
    elif verb == "lock":
        lock()
    elif verb == "words":
        words()
    elif verb in ("demo", "run"):
        prepare(RUNTIME)
        arguments = ["demo", *rest] if verb == "demo" else rest
        assay = str(BIN / "assay")
        if os.name == "nt":
            sys.exit(subprocess.run([assay, *arguments]).returncode)
        os.execv(assay, [assay, *arguments])
    else:
        print(__doc__)
        sys.exit(2)


if __name__ == "__main__":
    main()
