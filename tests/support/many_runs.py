"""A history of many runs, each a copy of one that was really made."""

from __future__ import annotations

import json
from pathlib import Path


def add_runs(folder: Path, numbers: range) -> None:
    """Add older runs to a state folder: the newest one's journal and a backup, under names and times of their own."""
    runs = folder / "apimha-wizard/runs"
    journals = [json.loads(path.read_text("utf-8")) for path in runs.glob("*/journal.json")]
    journal = max(journals, key=lambda one: one["started"])
    for number in numbers:
        at = f"2020-01-{number // 1440 + 1:02}T{number // 60 % 24:02}:{number % 60:02}:00"
        name = f"{at.replace('-', '').replace(':', '')}Z-{number:04x}"
        (runs / name / "backups").mkdir(parents=True)
        (runs / name / "backups/0001").touch()
        text = json.dumps({**journal, "run": name, "started": f"{at}.000000Z"})
        (runs / name / "journal.json").write_text(text, "utf-8")
