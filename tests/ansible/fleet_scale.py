"""The time that `configure` takes for 1, 4 and 16 pairs, and the program's part of it, as a table."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.fleet import fleet, stock
from tests.support.programs import script

TIMED = 'start=$(date +%s%N)\n{program} "$@"\ncode=$?\necho "$1 $start $(date +%s%N)" >>{log}\nexit $code'
FORKS = (2, 10)


def test_time_by_pairs_and_forks(packs: Path) -> None:
    rows = []
    for number in (1, 4, 16):
        with fleet(stock(packs), number) as made:
            program, log = made.folder / "program/bin/apimha-wizard", made.folder / "calls"
            script(program, TIMED.format(program=program.rename(program.with_name("real")), log=log))
            for pair in range(number):
                made.profile(pair)
                made.inventory(pair)
            for forks in FORKS:
                took = {}
                for again in (False, True):
                    log.write_text("")
                    began = time.monotonic()
                    done = made.play("apimha.wizard.configure", "--forks", str(forks), timeout=850)
                    took[again] = time.monotonic() - began
                    assert done.code == 0, done.out
                    assert all(done.changed().values()) is not again
                    calls = [line.split() for line in log.read_text().splitlines()]
                    own = sum(int(end) - int(start) for _, start, end in calls) / 1e9
                    if not again:
                        first_own = own
                undone = made.play("apimha.wizard.rollback", "--forks", "10", timeout=850)
                assert undone.code == 0, undone.out
                first = took[False]
                rows.append((number, forks, first, first / number, first_own / number, took[True]))
                print(f"{rows[-1]}", flush=True)
    print(
        "\n| pairs | forks | configure | for each pair | of it the program, both nodes | again, no change |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for number, forks, *seconds in rows:
        print(f"| {number} | {forks} | " + " | ".join(f"{one:.1f} s" for one in seconds) + " |")
