"""Start, stop and restart on the screen: a question where a node goes down, how far the nodes are, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from screens.dialogs.ask import Box
from screens.dialogs.questions import WRITING
from screens.model.background import beside
from screens.signs import finding_content, plain, sign
from wizard.command_line.run import servers
from wizard.command_line.run.servers import NodeState, ServersResult, Setting
from wizard.command_line.text import ending, worth_showing
from wizard.command_line.verify import masker_of
from wizard.profile.files import called
from wizard.profile.store import load
from wizard.system.errors import Cancel, WizardError

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from screens.app import WizardApp
    from screens.model.pair import OpenPair
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile

Verb = Literal["start", "stop", "restart"]
VERBS: tuple[Verb, ...] = ("start", "stop", "restart")
Command = tuple[str, str, Callable[[], Any]]
"""What the command palette offers: a title, a line of help, and what is called."""
PERIOD = 0.2
"""Seconds between two pictures of the nodes."""


def title(verb: Verb, names: Sequence[str]) -> str:
    return f"{verb.capitalize()} {names[0] if len(names) == 1 else 'both nodes'}"


def ask(
    app: WizardApp,
    verb: Verb,
    names: Sequence[str],
    make: Callable[[], Setting],
    ended: Callable[[ServersResult | None], None] = lambda result: None,
) -> None:
    """Start, stop or restart the nodes of these names; what stops a node is asked about first."""

    async def run() -> None:
        heading = title(verb, names)
        question = what_stops(verb, names)
        if verb == "start" or await app.ask(f"{heading}?", question, no="no", **{verb: verb}) == verb:
            ended(await app.push_screen_wait(ServersRun(verb, heading, make)))

    app.run_worker(run(), group="servers", exclusive=True)


def what_stops(verb: Verb, names: Sequence[str]) -> str:
    """Return what it means that these nodes go down."""
    if len(names) == 1:
        return f"{names[0]} is down then, and the other node takes over."
    if verb == "stop":
        return "The pair is down then: it receives no events until a node is started again."
    return "One node after the other, the passive one first, and only while the pair is healthy."


def ask_for_pair(
    app: WizardApp, pair: OpenPair, verb: Verb, ended: Callable[[ServersResult | None], None]
) -> None:
    """The same for the profile that is open, as it is saved; a node that is done elsewhere is left out."""
    only_node, names = pair.progress.only_node, pair.draft.node_names()
    if pair.profile is None:
        app.say("The profile is not complete yet: its servers are not known.")
    else:
        here = [only_node] if only_node else names
        ask(app, verb, here, lambda: setting_of(*as_saved(pair), only_node), ended)


def commands(app: WizardApp, pair: OpenPair, look: Callable[[], None]) -> Iterator[Command]:
    """How it is run: which nodes are written from here, which errors count as warnings; and the servers."""

    def note(**changes: Any) -> None:
        pair.note(**changes)
        look()

    for name in pair.draft.node_names():
        if pair.progress.only_node != name:
            text = f"as --node {name} does: the other one is shown, not written"
            yield f"Only {name} is on this machine", text, partial(note, only_node=name)
    if pair.progress.only_node is not None:
        yield "Both nodes are on this machine", "both homes are written", partial(note, only_node=None)
    if pair.progress.ignore:
        yield "Ignore no check any more", ", ".join(pair.progress.ignore), partial(note, ignore=[])
    if pair.profile is not None:
        for verb in VERBS:
            act = partial(ask_for_pair, app, pair, verb, lambda result: look())
            yield f"{verb.capitalize()} the servers", "of the nodes on this machine", act


def as_saved(pair: OpenPair) -> tuple[LoadedProfile, Resolver]:
    """Return the profile of a pair as its file holds it, with its resolver; called in a thread, since it waits."""
    pair.draft.keeper.settled(5.0)
    loaded, resolver = load(pair.draft.target), pair.passwords.resolver()
    resolver.trusted = loaded.is_agreed  # the file may have been replaced since it was shown
    return loaded, resolver


def setting_of(loaded: LoadedProfile, resolver: Resolver, only_node: str | None) -> Setting:
    return Setting(loaded, resolver, only_node, mask=masker_of(loaded.profile, resolver).mask)


class ServersRun(Box[ServersResult | None]):
    """Runs the command in a thread; Escape cancels it, and the servers keep running."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "close", "cancel", show=False)]

    def __init__(self, verb: Verb, title: str, make: Callable[[], Setting]) -> None:
        super().__init__(title, [("close", "cancel: the servers keep running")])
        self._verb, self._make = verb, make
        self._states: Sequence[NodeState] = ()
        self._elsewhere = ""
        self._cancel = Cancel()
        self._since = monotonic()
        self.result: ServersResult | None = None

    def content(self) -> ComposeResult:
        yield Static(id="nodes")
        with VerticalScroll(id="found"):
            yield Static(id="said")

    def on_mount(self) -> None:
        self.query_one("#found").display = False
        self._paint()
        self._timer = self.set_interval(PERIOD, self._paint)
        self.run_worker(self._run(), group=WRITING)

    def _work(self) -> ServersResult:
        def progress(nodes: Sequence[NodeState]) -> None:
            self._states = nodes

        try:
            setting = self._make()
            if setting.only_node is not None:
                profile = setting.loaded.profile
                other = profile.partner(profile.node(setting.only_node))
                name = called(setting.loaded.name, setting.loaded.path)
                self._elsewhere = (
                    f"{other.name} is on another machine; on {other.host}:\n"
                    f"  apimha-wizard {self._verb} {name} --node {other.name}"
                )
            return servers.run(self._verb, setting, progress=progress, cancel=self._cancel)
        except WizardError as problem:
            return ServersResult("refused", problem.exit_code, error=str(problem))

    async def _run(self) -> None:
        result = self.result = await beside(self._work, self._verb)
        self._timer.stop()
        self._states = result.nodes or self._states
        self._paint()
        found = worth_showing(result)
        parts = [Content.styled(plain(line), "$error") for line in (result.error or "").split("\n") if line]
        parts += [finding_content(one) for one in found]
        if text := ending(result, self._seconds):
            parts.insert(0, Content.styled(plain(text), "$success" if result.exit_code == 0 else "bold"))
        self.query_one("#said", Static).update(Content("\n").join(parts))
        self.query_one("#found").display = True
        button = self.query_one("#close", Button)
        button.label = "close"
        (self.query_one("#found") if found else button).focus()

    @property
    def _seconds(self) -> str:
        return f"{monotonic() - self._since:.0f} s"

    def _paint(self) -> None:
        wanted = "stopped" if self._verb == "stop" else "running"
        signs = {"stopped": "untouched", wanted: "done", "failed": "error"}
        lines = [
            Content.assemble((f"{sign(signs.get(node.state, 'checking'))} ", "$primary"), (node.name, "bold"))
            + f"  {plain(node.text)}"
            for node in self._states
        ]
        lines += [Content(plain(line)) for line in self._elsewhere.split("\n") if line]
        if self.result is None:
            now = "cancelling" if self._cancel.is_set() else "checking" if not lines else "waiting"
            lines.append(Content.styled(plain(f"… {now}, {self._seconds}"), "$quiet"))
        self.query_one("#nodes", Static).update(Content("\n").join(lines))

    async def put_back(self) -> None:
        """Cancel; leaving waits until no launch is under way."""
        self._cancel.set()

    def action_close(self) -> None:
        """Cancel; once it has ended: close."""
        if self.result is not None:
            self.dismiss(self.result)
        self._cancel.set()

    on_button_pressed = action_close
