"""The keys of every screen, stated once: bindings, footer, F1, the command palette and the page of keys come from here.

`python -m tools.keys FILE` writes them into a page.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType

_NAMES = {"escape": "Esc", "space": "Space", "enter": "Enter", "left": "Left", "right": "Right", "tab": "Tab"}
_ALIASES = {"f16"}
"""What terminals send for another key: `f16` is Shift+F4."""


class ScreenKey(NamedTuple):
    """A key and its action.

    `keys` is as in Textual's bindings, empty for an action that only the palette has; `label` is the footer's word,
    empty where the footer does not show it; of two keys the footer drops that with the higher `rank`. An empty
    `action` describes a key that a widget handles itself. `title` is the palette's, if not the label.
    """

    keys: str
    action: str
    label: str
    help: str
    rank: int = 1
    title: str = ""
    first: bool = False
    """It acts before the key after it is given to the widget that has the focus: it moves the focus."""

    @property
    def names(self) -> str:
        """The keys as a person reads them: `^B, Esc`."""
        return ", ".join(_name(key) for key in self.keys.split(",") if key not in _ALIASES)

    @property
    def name(self) -> str:
        """The first of the keys."""
        return self.names.partition(",")[0]


Keys = tuple[ScreenKey, ...]


def _name(key: str) -> str:
    if key.startswith("shift+"):
        return f"Shift+{_name(key.removeprefix('shift+'))}"
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    if len(key) > 1 and key[0] == "f" and key[1:].isdigit():
        return key.upper()
    return _NAMES.get(key, key)


def bindings(keys: Keys) -> list[BindingType]:
    """The bindings of a screen."""
    return [
        Binding(key.keys, key.action, key.label or key.help, show=False, priority=key.first)
        for key in keys
        if key.keys and key.action and not key.action.startswith("app.")
    ]


HELP = ScreenKey("f1", "app.help", "help", "the purpose of this screen and its keys", 4)
PALETTE = ScreenKey("ctrl+p", "app.command_palette", "commands", "every action by its name", 5)
LEAVE = ScreenKey("ctrl+q", "app.leave", "leave", "leave; everything is saved", 0)
SUSPEND = ScreenKey(
    "ctrl+z", "app.suspend_process", "", "suspend; `fg` in the shell comes back", title="Suspend"
)
EVERYWHERE = (HELP, PALETTE, SUSPEND, LEAVE)

OFFLINE = ScreenKey("f8", "offline", "", "with or without the network", title="Offline or online")
SERVERS = (
    ScreenKey("s", "servers('start')", "start", "start the nodes on this machine", 1, "Start the servers"),
    ScreenKey("x", "servers('stop')", "", "stop them, after a question", 2, "Stop the servers"),
    ScreenKey(
        "e", "servers('restart')", "", "restart them one by one, after a question", 2, "Restart the servers"
    ),
)
BACK = ScreenKey("ctrl+b,escape", "back", "back", "back to where you came from", 2)
ROLL_BACK = ScreenKey("r", "roll_back", "roll back", "undo the run: restore every file that it changed")
VERIFY = ScreenKey("v", "verify", "verify", "watch the two servers start and the pair form")

FORM: Keys = (
    ScreenKey(
        "tab", "go(1)", "", "the next field; in a path: complete it first", first=True, title="Next field"
    ),
    ScreenKey("shift+tab", "go(-1)", "", "the previous field", first=True, title="Previous field"),
    ScreenKey(
        "enter", "enter", "", "the next field; on Advanced: show its fields", first=True, title="Enter"
    ),
    ScreenKey("ctrl+n", "next", "next", "the next step", 0, first=True),
    ScreenKey("ctrl+b", "back", "back", "the previous step", 3, first=True),
    ScreenKey("f2", "review", "review", "review what would be written", first=True),
    ScreenKey("f3", "pick", "choose", "in a path: choose it from the disk", 1, "Choose a path"),
    ScreenKey("f4", "fix", "fix", "apply the fix under the cursor to the profile, and to nothing else", 1),
    ScreenKey(
        "shift+f4,f16",
        "fix_all",
        "fix all",
        "apply all safe fixes (ports, hosts, jar), after a list of them",
        1,
    ),
    ScreenKey(
        "f5", "again", "again", "run every check again, and resolve every password again", 4, "Check again"
    ),
    ScreenKey("f6", "copy", "copy", "copy the fix of the finding", 5, "Copy the fix"),
    ScreenKey(
        "f7", "test", "test", "in a password: test it, or type it for this session", 2, "Test the password"
    ),
    OFFLINE,
    *EVERYWHERE,
)
REVIEW: Keys = (
    ScreenKey("Up,Down", "", "", "move in the tree; the diff follows"),
    ScreenKey("Left,Right", "", "", "fold and unfold"),
    ScreenKey("Tab", "", "", "from the tree to the diff, and on to Apply"),
    ScreenKey("f9", "apply", "apply", "write the changes", 0),
    ScreenKey("space", "accept", "accept", "accept a warning, or undo that; treat an error as a warning", 2),
    ScreenKey("a", "accept_all", "accept all", "accept every warning", 3),
    ScreenKey("f3", "go", "to the field", "go to the field that causes what is shown"),
    ScreenKey("s", "split", "side by side", "before and after side by side, or one below the other", 4),
    ScreenKey("f5", "again", "again", "read and check everything again", 4, "Check again"),
    ScreenKey("f6", "copy", "", "copy the fix", 5, "Copy the fix"),
    OFFLINE,
    ScreenKey("ctrl+b,escape", "back", "back", "back to the steps"),
    *EVERYWHERE,
)
APPLY: Keys = (
    ScreenKey(
        "escape,ctrl+c", "stop", "cancel and restore", "cancel; everything in the homes is restored", 0
    ),
    ScreenKey("ctrl+b", "back", "back", "once it has ended: back to the review", 2),
    *EVERYWHERE,
)
DONE: Keys = (
    *SERVERS,
    VERIFY,
    ROLL_BACK,
    ScreenKey("c", "copy", "copy", "copy the next steps", 2, "Copy the next steps"),
    BACK,
    *EVERYWHERE,
)
RUNS: Keys = (
    ScreenKey("Up,Down", "", "", "choose a run; what it changed is shown below or beside it"),
    ScreenKey("Tab", "", "", "from the list to the diff"),
    ScreenKey("Left,Right", "", "", "fold and unfold: the files that a run changed"),
    ScreenKey("n", "next_steps", "next steps", "show the next steps of the run again", 0),
    ROLL_BACK,
    ScreenKey("f5", "again", "again", "read the list again", 4),
    BACK,
    *EVERYWHERE,
)
WELCOME: Keys = (
    ScreenKey("Up,Down", "", "", "choose a pair"),
    ScreenKey("Enter", "open", "open", "open it at its first unfinished step", 0),
    ScreenKey("n", "new", "new pair", "begin a new pair", 0),
    ScreenKey("e", "existing", "existing pair", "read the two homes of an existing pair into a profile"),
    ScreenKey("o", "open_file", "open a file", "open a profile from any folder"),
    ScreenKey("f5", "again", "", "read the list again"),
    *EVERYWHERE,
)
DASHBOARD: Keys = (
    *SERVERS,
    ScreenKey("d", "drill", "failover drill", "begin the failover drill, or end it", 2, "Failover drill"),
    ScreenKey(
        "w", "report", "report", "write the report; its file is named on the screen", 2, "Write the report"
    ),
    ScreenKey("t", "pane", "time line", "switch between problems and time line, where only one fits"),
    ScreenKey("Up,Down", "", "", "scroll"),
    ScreenKey("q,ctrl+b,escape", "back", "back", "leave this screen; the servers keep running", 0),
    *EVERYWHERE,
)

APP: Keys = (
    ScreenKey("", "app.profiles", "", "back to the list of pairs; this one is saved", title="All pairs"),
    ScreenKey(
        "",
        "app.runs",
        "",
        "what was done by whom and when; show, roll back, next steps",
        title="Runs: history, roll back, next steps",
    ),
    ScreenKey("", "app.verify", "", VERIFY.help, title="Verify"),
    ScreenKey("", "app.copy_path", "", "copy the path of the profile", title="Copy the profile's path"),
    ScreenKey(
        "", "app.theme", "", "switch between dark and light; it is remembered", title="Theme: dark or light"
    ),
)
"""What the palette offers on every screen."""

SCREENS: tuple[tuple[str, Keys], ...] = (
    ("The first screen", WELCOME),
    ("A step", FORM),
    ("Review", REVIEW),
    ("Apply", APPLY),
    ("Done", DONE),
    ("Runs", RUNS),
    ("Verify", DASHBOARD),
)
"""The screens in the order in which a person reaches them."""
