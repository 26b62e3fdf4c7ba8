"""The pictures of the README: copies of the newest pictures of the screen tests, under names of their own.

`make screenshots` runs it after the tests have renewed their pictures.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/pictures"

PICTURES = {
    "mysql": "test_pictures/*step-mysql-fix-120x40-dark*",
    "step-80x24": "test_pictures/*step-error-80x24-dark*",
    "review": "test_pictures/*review-file-120x40-dark*",
    "review-light": "test_pictures/*review-file-120x40-light*",
    "done": "test_pictures/*apply-done-80x24-dark*",
}


def main() -> None:
    """Copy each, and say so."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, pattern in PICTURES.items():
        (newest,) = (ROOT / "snapshots").glob(pattern)
        target = FOLDER / f"{name}.svg"
        shutil.copyfile(newest, target)
        print(f"{target.relative_to(ROOT)}: {newest.name}")


if __name__ == "__main__":
    main()
