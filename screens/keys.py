"""The keys of every screen, in one place: F1 shows them, and `python -m tools.keys FILE` puts them into a page."""

from __future__ import annotations

Keys = tuple[tuple[str, str], ...]

FORM_KEYS = (
    ("Tab, Shift+Tab", "the next field, the one before (Enter too goes on)"),
    ("^N, ^B", "the next step, the one before"),
    ("^T", "the other node, where one shows at a time"),
    ("F2", "review: what would be written"),
    ("F3", "in a path: choose it from the disk; Right at its end takes the completion"),
    ("F4", "do what mends the finding: a change of the profile, nothing else"),
    ("F5", "check again, and look every password up anew"),
    ("F6", "copy the fix of the finding"),
    ("F7", "in a password: test it now"),
    ("F8", "with or without the network"),
    ("^P", "commands: everything that can be done"),
    ("^Q", "leave; everything is saved"),
)
REVIEW_KEYS = (
    ("Up, Down", "through the tree; the diff follows"),
    ("Tab", "from the tree to the diff, and on to Apply"),
    ("Space, Enter", "accept a warning, or take that back; take an error for a warning"),
    ("a", "accept every warning"),
    ("F3", "go to the field that causes what is shown"),
    ("s", "before and after side by side, or one below the other"),
    ("F5", "look at everything again"),
    ("F6", "copy the fix"),
    ("F8", "with or without the network"),
    ("F9", "apply"),
    ("^B, Esc", "back to the steps"),
    ("^Q", "leave"),
)
APPLY_KEYS = (
    ("Esc", "while it writes: cancel; everything in the homes is put back"),
    ("s", "start both nodes; a node on another machine is left to it"),
    ("x, e", "stop both nodes, restart one after the other; both are asked about"),
    ("r", "roll the run back"),
    ("c", "copy the next steps"),
    ("v", "verify: watch the two servers start"),
    ("^B", "back to the review"),
    ("^Q", "leave"),
)
WELCOME_KEYS = (
    ("Up, Down", "choose a profile"),
    ("Enter", "open it at its first unfinished step"),
    ("n", "a new pair"),
    ("e", "from an existing pair: its two homes are read back into a profile"),
    ("o", "open a file"),
    ("^Q", "leave"),
)
VERIFY_KEYS = (
    ("d", "begin the failover drill, or end it"),
    ("s, x, e", "start, stop, restart the nodes that are here; stop and restart are asked about"),
    ("r", "write the report now"),
    ("t", "the time line, or what is wrong or awaited, where there is no room for both"),
    ("Up, Down", "scroll"),
    ("l", "light or dark; it is remembered"),
    ("q, ^Q", "leave; the servers go on"),
)

SCREENS: tuple[tuple[str, Keys], ...] = (
    ("The first screen", WELCOME_KEYS),
    ("A step", FORM_KEYS),
    ("Review", REVIEW_KEYS),
    ("Apply", APPLY_KEYS),
    ("Verify", VERIFY_KEYS),
)
"""The screens in the order in which a person comes to them."""
