"""Shows the screen on the scripted engine, to look at it: `PYTHONPATH=. python tests/ui/show.py [en|zh]`."""

from __future__ import annotations

import sys

from ui_script import CHOICES, ScriptedEngine, asked, make_app, run, running_rows, scripted, session

from station.i18n import set_language


def lively(engine: ScriptedEngine) -> None:
    """Slot 1 asks after the run was started; a verdict ends the run."""

    def answered(_command: object) -> dict[str, object]:
        rows = [
            r.model_copy(update={"state": "ended", "ending": "completed", "verdict": "pass"}) for r in running_rows()
        ]
        engine.show_session(session(run=run(rows, "finished")))
        return {}

    engine.answers["answer"] = answered
    engine.answers["retest"] = lambda _c: engine.show_session(asked()) or {}
    engine.answers["resume-run"] = lambda _c: engine.show_session(asked("choice", choices=CHOICES)) or {}


if __name__ == "__main__":
    set_language(sys.argv[1] if len(sys.argv) > 1 else "en")
    engine = scripted()
    lively(engine)
    make_app(engine).run(mouse=False)
