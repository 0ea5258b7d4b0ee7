"""How far this station's ledger had come, remembered outside its data folder: an old copy put in its place is noticed.

A restored copy agrees with itself in every link, so nothing inside it can tell that newer records were lost. Kept in
the user's state folder, one small file for each station key; head office's receipts say the same where there is one.
It knows the ledger's last link and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from sqlite_utils import Database

from reports.ledger import last_link
from station.errors import Trouble
from station.settings import private_folder

__all__ = ["Witness"]


class Witness:
    """The newest link that was seen on this computer under that station key.

    Arguments:
        key_id: of the station's key.
        folder: where it is kept; None for the user's state folder.
    """

    def __init__(self, key_id: str, folder: Path | None = None) -> None:
        if folder is None:
            from platformdirs import user_state_path

            folder = user_state_path("assay", appauthor=False) / "ledgers"
        self._path = folder / f"{key_id[:32]}.json"
        self._seen = self._read()

    def _read(self) -> tuple[int, str]:
        try:
            match json.loads(self._path.read_text(encoding="utf-8")):
                case {"seq": int(seq), "chain": str(chain)}:
                    return seq, chain
        except (OSError, ValueError):
            pass
        return 0, ""

    def lost(self, db: Database) -> int:
        """How many records the ledger lacks or has otherwise, of those that were seen here; 0 when it goes on."""
        seq, chain = self._seen
        if not seq:
            return 0
        for (stored,) in db.execute("SELECT chain FROM record WHERE seq = ?", (seq,)):
            if stored == chain:
                return 0
        last = last_link(db)
        return max(1, seq - (last.seq if last else 0))

    def see(self, db: Database) -> None:
        """Remember the newest link. Best effort: a bench works on when it can't."""
        last = last_link(db)
        if last is None or (last.seq, last.chain) == self._seen:
            return
        self._seen = (last.seq, last.chain)
        aside = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError, Trouble):
            private_folder(self._path.parent)
            aside.write_text(json.dumps({"seq": last.seq, "chain": last.chain}), encoding="utf-8")
            aside.replace(self._path)
