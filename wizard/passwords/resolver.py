"""From references to passwords: each read where it is kept, once, as late as can be.  And keeping a typed one."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shlex import join, quote
from typing import Any

from wizard.passwords.references import (
    CommandReference,
    EnvReference,
    FileReference,
    KeyringReference,
    PromptReference,
    Reference,
)
from wizard.passwords.secret import Secret
from wizard.system import bounded, locations
from wizard.system.durable import make_folder, write_durably
from wizard.system.errors import SecretError, os_errors_as_failures
from wizard.system.finding import AGREE, ANY_PROFILE
from wizard.system.printable import escaped

# More than any password, and little enough that a wrong path (a log, /dev/zero) does no harm.
MOST_BYTES = 64 * 1024


class NotAgreedError(SecretError):
    """The reference needs the user's agreement to the profile."""


@dataclass(kw_only=True, eq=False)
class Resolver:
    """Turns references into passwords, each once."""

    trusted: bool = False
    """The user has agreed to the profile, or to this run of it (`--allow-commands`): its commands may run, and its
    entries of the keyring and its files be read."""
    folder: Path | None = None
    """The profile's folder, whose files may be read in any case."""
    called: str = ANY_PROFILE
    """What a fix calls the profile."""
    interactive: bool = False
    """There is a user at a terminal, who can be asked for passwords and for consent to commands."""
    typed: Mapping[str, Secret] = field(default_factory=dict)
    """Passwords that the user has typed already, by key: for `prompt`, and for a variable that is not set."""
    ask: Callable[[str], str] | None = None
    """Shows the text and returns the password that was typed; None: `getpass` on the terminal."""
    confirm: Callable[[str], bool] | None = None
    """Asks whether a command may run for a profile that is not trusted; None: it does not."""
    time_limit: float = 60.0
    """Seconds that a command may take; long enough to type a passphrase."""
    _known: dict[tuple[Reference, str], Secret] = field(default_factory=dict, init=False, repr=False)
    _consent: dict[tuple[str, ...], bool] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def resolve(self, reference: Reference, purpose: str) -> Secret:
        """The password that `reference` leads to; the same one for the same reference in later calls.

        Args:
            purpose: the key of the profile, such as `mysql.password`: the place that errors name.  Two keys
                that are asked for on the terminal are two passwords.

        Raises:
            SecretError: with the key and what to do; never with a value.
        """
        key = (reference, purpose if isinstance(reference, PromptReference) else "")
        with self._lock:
            try:
                if not self._consented(reference, purpose):
                    self.require_trust(reference, purpose)
                if key not in self._known:
                    self._known[key] = Secret(_usable(self._text(reference, purpose), reference))
            except SecretError as problem:
                problem.place = purpose
                raise
            return self._known[key]

    def require_trust(self, reference: Reference, purpose: str) -> None:
        """Raise a `NotAgreedError` if `reference` may be resolved only for a profile that the user has agreed to."""
        is_local = isinstance(reference, FileReference) and self._is_beside(reference.file)
        if self.trusted or is_local or isinstance(reference, EnvReference | PromptReference):
            return
        used = "used" if isinstance(reference, CommandReference) else "read"
        raise NotAgreedError(
            f"{reference.describe()} is {used} only for a profile that you have agreed to",
            place=purpose,
            fix=self.how_to_agree,
        )

    @property
    def how_to_agree(self) -> str:
        """The fix for whoever has to agree to the profile first."""
        return AGREE.for_profile(self.called).text

    def _is_beside(self, file: Path) -> bool:
        """Whether a file is in the profile's folder or below it; where that is the user's home, only if directly.

        A profile that was downloaded into the home folder has no right to the keys and passwords in its subfolders.
        """
        if self.folder is None:
            return False
        folder, path, home = (
            Path(os.path.realpath(os.path.expanduser(one))) for one in (self.folder, file, "~")
        )
        return path.parent == folder or (path.is_relative_to(folder) and folder != home)

    def _text(self, reference: Reference, purpose: str) -> str:
        match reference:
            case EnvReference() if purpose not in self.typed or reference.env in os.environ:
                return _from_environment(reference)
            case EnvReference() | PromptReference() if purpose in self.typed:
                return self.typed[purpose].reveal()
            case FileReference():
                return _from_file(reference)
            case KeyringReference():
                return _from_keyring(reference)
            case CommandReference():
                return _decoded(_output_of(reference.command, self.time_limit), reference)
        return self._from_prompt(purpose)

    def _from_prompt(self, purpose: str) -> str:
        if not self.interactive:
            raise SecretError(
                "no terminal to ask for the password",
                fix=f"run it on a terminal, or use env, file, keyring or command for {purpose}",
            )
        from getpass import getpass

        text = f"Password for {purpose}"
        try:
            return self.ask(text) if self.ask is not None else getpass(f"{text}: ")
        except EOFError:
            raise SecretError("no password was typed", fix="run it again and type one") from None

    def _consented(self, reference: Reference, purpose: str) -> bool:
        """Whether the person at the terminal lets the command of a profile run that is not trusted."""
        if not isinstance(reference, CommandReference) or self.trusted or not self.interactive:
            return False
        command = reference.command
        if command not in self._consent and self.confirm is not None:
            text = f"{purpose} is the output of this command: {shown(command)}\nRun it?"
            self._consent[command] = self.confirm(text)
        return self._consent.get(command, False)


def shown(command: tuple[str, ...]) -> str:
    """A command as a person has to see it: a control character could hide a part of it on a terminal."""
    return escaped(join(command))


# In the functions below no variable holds a password where an error is raised: a traceback may show variables.


def _usable(text: str, reference: Reference) -> str:
    """`text`, if a configuration file can hold it: XML has no way to write most control characters."""
    if all(c >= " " or c in "\t\n\r" for c in text) and not any(c in "\ufffe\uffff" for c in text):
        return text
    del text
    raise SecretError(
        f"{reference.describe()} holds a character that is not allowed in XML",
        fix="remove the NUL or other control character from it",
    )


def _from_environment(reference: EnvReference) -> str:
    if reference.env in os.environ:
        return _decoded(os.fsencode(os.environ[reference.env]), reference, drop_newline=False)
    raise SecretError(
        f"{reference.describe()} is not set",
        fix=f"export {reference.env}=…   (a shell variable that is not exported is not passed on)",
    )


def _from_file(reference: FileReference) -> str:
    path = reference.file
    try:
        with open(bounded.open_regular(path), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid not in (os.geteuid(), 0):  # root can read every file
                raise SecretError(
                    f"the file {path} belongs to another user, who can read it",
                    fix=f"sudo chown {os.geteuid()} {quote(str(path))}",
                )
            if status.st_mode & 0o077:
                raise SecretError(
                    f"the file {path} is open to others (mode {stat.S_IMODE(status.st_mode):04o})",
                    fix=f"chmod 600 {quote(str(path))}",
                )
            if status.st_size > MOST_BYTES:
                raise SecretError(
                    f"{reference.describe()} is too large for a password", fix="correct its path"
                )
            return _decoded(file.read(MOST_BYTES), reference)
    except OSError as failure:
        raise SecretError(
            f"{reference.describe()} cannot be read: {failure.strerror}",
            fix=f"put the password into {path} and: chmod 600 {quote(str(path))}",
        ) from None


def _from_keyring(reference: KeyringReference) -> str:
    service, _, user = reference.keyring.rpartition("/")
    try:
        import keyring

        text = keyring.get_password(service, user)
    except Exception as failure:  # every backend has its own errors; their texts might quote what they read
        raise SecretError(
            f"the keyring failed ({type(failure).__name__})",
            fix="unlock or install a keyring, or use env, file or command",
        ) from None
    if text is None:
        raise SecretError(
            f"the keyring has no entry {reference.keyring}",
            fix=f"keyring set {quote(service)} {quote(user)}",
        )
    return text


def _output_of(command: tuple[str, ...], time_limit: float) -> bytes:
    """What the command prints on standard output; standard input is closed.  No error shows an argument or output."""
    from wizard.system import program

    try:
        ended = program.run(command, time_limit=time_limit, most_bytes=MOST_BYTES, errors=False)
    except TimeoutError:
        message = f"did not end within {time_limit:g} s"
        fix = "run it by hand, and unlock what it asks for"
    except (OSError, ValueError) as failure:
        message = f"cannot be run: {getattr(failure, 'strerror', 'an argument holds a NUL')}"
        fix = "correct the command: it is a list of program and arguments, and no shell takes part"
    else:
        code, is_long = ended.code, len(ended.output) > MOST_BYTES
        if not code and not is_long:
            return ended.output
        del ended
        message, fix = "prints more than a password", "correct the command"
        if not is_long:
            message = f"failed with exit code {code}"
            fix = "run it by hand to see why: what it prints is not shown here"
    raise SecretError(f"the command {command[0]!r} {message}", fix=fix)


def _decoded(content: bytes, reference: Reference, *, drop_newline: bool = True) -> str:
    """The text of `content`, without the one newline that editors and programs put at the end."""
    if drop_newline and content.endswith(b"\n"):
        content = content[:-1].removesuffix(b"\r")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass  # it carries the bytes: what is raised below must not have it in its chain
    del content
    raise SecretError(f"{reference.describe()} is not UTF-8", fix="store the password as UTF-8 text")


# --- keeping a password ---------------------------------------------------------------------------------


def keep(password: Secret, name: str) -> dict[str, str]:
    """Keep a typed password under a name, such as `analytics.mysql.password`; returns the reference to it.

    In the keyring where there is one, else in a file that only this user can read: never beside the profile, where it
    would be committed with it.

    Raises:
        Failed: neither the keyring nor the folder of the passwords can be written.
    """
    if _in_keyring(password, name):
        return {"keyring": f"{locations.APPLICATION}/{name}"}
    folder = locations.passwords()
    with os_errors_as_failures():
        make_folder(folder, mode=0o700)
        folder.chmod(0o700)
        write_durably(folder / name, f"{password.reveal()}\n".encode(), mode=0o600)
    return {"file": str(folder / name)}


def is_kept(reference: Any) -> bool:
    """Whether a reference, as a profile holds it, leads to where `keep` puts a password."""
    match reference:
        case {"keyring": str(entry)}:
            return entry.startswith(f"{locations.APPLICATION}/")
        case {"file": str(path)}:
            return Path(path).parent == locations.passwords()
    return False


def _in_keyring(password: Secret, name: str) -> bool:
    """Whether the keyring has the password now; a backend that only pretends, or stores in clear, does not count."""
    with suppress(Exception):  # every backend has its own errors; their texts might quote what they store
        import keyring

        if keyring.get_keyring().priority < 1:
            return False
        keyring.set_password(locations.APPLICATION, name, password.reveal())
        return keyring.get_password(locations.APPLICATION, name) == password.reveal()
    return False
