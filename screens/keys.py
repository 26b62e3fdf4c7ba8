"""The keys of every screen, stated once: bindings, footer, F1, the command palette and the page of keys come from here.

`python -m tools.keys FILE` writes them into a page.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType

_NAMES = {"escape": "Esc", "space": "Space", "enter": "Enter", "left": "Left", "right": "Right", "tab": "Tab"}
_ALIASES = {"f16"}
"""What terminals send for another key: `f16` is Shift+F4."""


class Action(NamedTuple):
    """An action and its key.

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
        return self.names.partition(",")[0]


Keys = tuple[Action, ...]


def _name(key: str) -> str:
    if key.startswith("shift+"):
        return f"Shift+{_name(key.removeprefix('shift+'))}"
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    if len(key) > 1 and key[0] == "f" and key[1:].isdigit():
        return key.upper()
    return _NAMES.get(key, key)


def bindings(keys: Keys) -> list[BindingType]:
    return [
        Binding(key.keys, key.action, key.label or key.help, show=False, priority=key.first)
        for key in keys
        if key.keys and key.action and key not in EVERYWHERE
    ]


HELP = Action("f1", "app.help", "help", "the purpose of this screen and its keys", 4)
PALETTE = Action("ctrl+p", "app.command_palette", "commands", "every action by its name", 5)
LEAVE = Action("ctrl+q", "app.leave", "leave", "leave; everything is saved", 0)
SUSPEND = Action(
    "ctrl+z", "app.suspend_process", "", "suspend; `fg` in the shell comes back", title="Suspend"
)
EVERYWHERE = (HELP, PALETTE, SUSPEND, LEAVE)

OFFLINE = Action("f8", "offline", "", "with or without the network", title="Offline or online")
SERVERS = (
    Action("s", "servers('start')", "start", "start the nodes on this machine", 1, "Start the servers"),
    Action("x", "servers('stop')", "", "stop them, after a question", 2, "Stop the servers"),
    Action("e", "servers('restart')", "", "restart them in turn, after a question", 2, "Restart the servers"),
)
BACK = Action("ctrl+b,escape", "back", "back", "back to where you came from", 2)
ROLL_BACK = Action("r", "roll_back", "roll back", "undo the run: restore every file that it changed")
VERIFY = Action("v", "app.verify", "verify", "watch the two servers start and the pair form")

FORM: Keys = (
    Action("tab", "go(1)", "", "the next field; a path is completed first", first=True, title="Next field"),
    Action("shift+tab", "go(-1)", "", "the previous field", first=True, title="Previous field"),
    Action("enter", "enter", "", "the next field; Advanced: show or fold it", first=True, title="Enter"),
    Action("ctrl+n", "next", "next", "the next step", 0, first=True),
    Action("ctrl+b", "back", "back", "the previous step", 3, first=True),
    Action("f2", "review", "review", "review what would be written", first=True),
    Action("f3", "pick", "choose", "in a path: choose it from the disk", 1, "Choose a path"),
    Action("f4", "fix", "fix", "apply the fix under the cursor to the profile, and to nothing else"),
    Action("shift+f4,f16", "fix_all", "fix all", "apply all safe fixes (ports, hosts, jar), listed first"),
    Action("f5", "again", "again", "run every check and resolve every password again", 4, "Check again"),
    Action("f6", "copy", "copy", "copy the fix of the finding", 5, "Copy the fix"),
    Action("f7", "test", "test", "test a password, or type it for this session", 2, "Test the password"),
    OFFLINE,
    *EVERYWHERE,
)
REVIEW: Keys = (
    Action("Up,Down", "", "", "move in the tree; the diff follows"),
    Action("Left,Right", "", "", "fold and unfold"),
    Action("Tab", "", "", "from the tree to the diff, and on to Apply"),
    Action("f9", "apply", "apply", "write the changes", 0),
    Action("space", "accept", "accept", "accept a warning, or undo that; treat an error as a warning", 2),
    Action("a", "accept_all", "accept all", "accept every warning", 3),
    Action("f3", "go", "to the field", "go to the field that causes what is shown"),
    Action("s", "split", "side by side", "before and after side by side, or one below the other", 4),
    Action("f5", "again", "again", "read and check everything again", 4, "Check again"),
    Action("f6", "copy", "", "copy the fix", 5, "Copy the fix"),
    OFFLINE,
    Action("ctrl+b,escape", "back", "back", "back to the steps"),
    *EVERYWHERE,
)
APPLY: Keys = (
    Action("escape,ctrl+c", "stop", "cancel and restore", "cancel; the homes are restored", 0),
    Action("ctrl+b", "back", "back", "once it has ended: back to the review", 2),
    *EVERYWHERE,
)
DONE: Keys = (
    *SERVERS,
    VERIFY,
    ROLL_BACK,
    Action("c", "copy", "copy", "copy the next steps", 2, "Copy the next steps"),
    BACK,
    *EVERYWHERE,
)
RUNS: Keys = (
    Action("Up,Down", "", "", "choose a run; what it changed is shown below or beside it"),
    Action("Tab", "", "", "from the list to the diff"),
    Action("Left,Right", "", "", "fold and unfold: the files that a run changed"),
    Action("n", "next_steps", "next steps", "show the next steps of the run again", 0),
    ROLL_BACK,
    Action("f5", "again", "again", "read the list again", 4),
    BACK,
    *EVERYWHERE,
)
WELCOME: Keys = (
    Action("Up,Down", "", "", "choose a pair"),
    Action("Enter", "open", "open", "open it at its first unfinished step", 0),
    Action("n", "new", "new pair", "begin a new pair", 0),
    Action("e", "existing", "existing pair", "read the two homes of an existing pair into a profile"),
    Action("o", "open_file", "open a file", "open a profile from any folder"),
    Action("f5", "again", "", "read the list again"),
    *EVERYWHERE,
)
DASHBOARD: Keys = (
    *SERVERS,
    Action("d", "drill", "failover drill", "begin the failover drill, or end it", 2, "Failover drill"),
    Action("w", "report", "report", "write the report, and name its file", 2, "Write the report"),
    Action("t", "pane", "time line", "switch between problems and time line, where only one fits"),
    Action("Up,Down", "", "", "scroll"),
    Action("q,ctrl+b,escape", "back", "back", "leave this screen; the servers keep running", 0),
    *EVERYWHERE,
)

APP: Keys = (
    Action("", "app.profiles", "", "back to the list of pairs; this one is saved", title="All pairs"),
    Action("", "app.runs", "", "who did what and when", title="Runs: history, roll back, next steps"),
    Action("", "app.verify", "", VERIFY.help, title="Verify"),
    Action("", "app.copy_path", "", "copy the path of the profile", title="Copy the profile's path"),
    Action("", "app.theme", "", "dark or light; it is remembered", title="Theme: dark or light"),
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
