"""The passwords of the open pair: what was typed for this session, what is still to be typed, and the resolver."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from screens.model import values
from wizard.passwords.resolver import Resolver
from wizard.passwords.secret import Secret
from wizard.system.errors import SecretError

if TYPE_CHECKING:
    from screens.app import WizardApp
    from screens.model.draft import OpenDraft


class SessionPasswords:
    """The passwords of a draft, as far as this session knows them; nothing of it is stored."""

    def __init__(self, draft: OpenDraft, app: WizardApp) -> None:
        self._draft, self._app = draft, app
        self.typed: dict[str, Secret] = {}
        """What was typed for this session, by the key of the password."""
        self.trusted = draft.keeper.draft.trusted
        """The user has agreed to the profile: what it names may run."""
        self._resolver: Resolver | None = None
        self._asked: set[str] = set()
        """What was asked for, and is not asked for again unless the user wants it."""

    def resolver(self) -> Resolver:
        """What turns references into passwords; it knows what was typed, and asks nothing."""
        if self._resolver is None:
            self._resolver = Resolver(
                trusted=self.trusted,
                folder=self._draft.folder,
                called=self._draft.called,
                interactive=True,
                typed=self.typed,
                ask=_not_typed,
            )
        return self._resolver

    def forget(self) -> None:
        """Resolve every reference anew."""
        self._resolver = None

    def type(self, key: str, password: str) -> None:
        """Use a password until the wizard is left."""
        self.typed[key] = Secret(password)
        self.forget()

    def untyped(self) -> list[str]:
        """The keys of the passwords that only the user has: *ask me*, or a variable that is not set."""
        return [
            key
            for key in values.PASSWORDS
            if key not in self.typed
            and isinstance(reference := self._draft.value(tuple(key.split("."))), dict)
            and ("prompt" in reference or reference.get("env", "PATH") not in os.environ)
        ]

    async def ask(self, *, again: bool = False) -> bool:
        """Ask for each password that *ask me* leaves to the user; return whether they gave one.

        `again`: also if they gave none before.
        """
        from screens.dialogs.password import Typed

        before = len(self.typed)
        for key in self.untyped():
            if "prompt" in self._draft.value(tuple(key.split("."))) and (again or key not in self._asked):
                self._asked.add(key)
                typed = await self._app.push_screen_wait(Typed(key))
                if typed is not None:
                    self.type(key, typed)
        return len(self.typed) > before


def _not_typed(text: str) -> str:
    key = text.removeprefix("Password for ")
    raise SecretError("not typed yet", place=key, fix="press F7 in the field and type it")
