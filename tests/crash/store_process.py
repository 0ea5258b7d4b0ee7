"""A store alone in a process: writes each line that it is given as a row, and says `ok` or the trouble's code.

python -m tests.crash.store_process FILE
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from station.errors import Trouble
from station.store import Store

ROWS = Migrations("rows")


@ROWS()
def m001(db: Database) -> None:
    db.table("row").create({"id": int, "text": str}, pk="id", strict=True)


def add(text: str) -> Callable[[Database], object]:
    """A row, and enough of it for a commit of several pages."""
    return lambda db: db.table("row").insert({"text": text.ljust(10_000)})


async def main(path: Path) -> None:
    store = Store(path)
    await store.migrate([ROWS])
    await store.read(lambda db: db.table("row").count)  # a reader keeps the file open, as in an engine
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            await store.write(add(line.strip()))
        except Trouble as trouble:
            print(trouble.code, flush=True)
        else:
            print("ok", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
