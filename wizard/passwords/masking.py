"""Passwords hidden in texts: those of a run wherever they are, others by where or how they are written.

`PASSWORD` is the one rule for the names of passwords: of elements, attributes, properties, variables and parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from wizard.passwords.secret import MASK

URL_VALUE = "-._~$!*'(),;:@=/[]{}|^"
"""What the value of a URL's parameter holds as it is; the rest is percent-encoded.

It ends at `&`, its name at the first `=`: another `=` is part of the value (`sessionVariables=a=1`).
"""

PASSWORD = (
    r"(?:passw(?:or)?[dt]|passphrase|passcode|pwd|secret(?!alias)|token|credential"
    r"|(?<!by)(?<!com)pass(?![^\W\d_]))s?"
)
"""What the name of a password holds, in any case: `DB_PASS`, `keyStorePassword`, `client_secret`; but not `bypass`,
nor `secretAlias`, which names an entry of the product's vault."""

_ONLY_SPEAK_OF_IT = {"passwordcharacterencoding", "disconnectonexpiredpasswords", "credentialtype"}
"""Parameters of Connector/J and of MariaDB's driver that are not passwords, whatever their names hold."""


def is_password(name: str) -> bool:
    """Whether what has this name is a password, such as `trustCertificateKeyStorePassword` or `DB_PASS`."""
    return name.lower() not in _ONLY_SPEAK_OF_IT and re.search(PASSWORD, name, re.IGNORECASE) is not None


def holds_password(name: str, value: str) -> bool:
    """Whether a parameter of a URL is a password, or one hides in its value (`true&password=…`)."""
    return any(map(is_password, [name, *(part.partition("=")[0] for part in value.split("&")[1:])]))


# --- in files: elements, attributes, URLs, lines of properties and of shells ---------------------------------

# What an element holds: text, comments and CDATA, of a length that a password can have, so that a file full of tags
# that are never closed takes no time without end.
_CONTENT = r"((?:[^<]|<!--.{0,500}?-->|<!\[CDATA\[.{0,5000}?\]\]>)*+)"
_ELEMENT = re.compile(
    rf"(<((?:[\w.-]+:)?[\w.-]*{PASSWORD}[\w.-]*)(?:\s[^<>]*)?(?<!/)>){_CONTENT}(</\2\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_NAMED_ELEMENT = re.compile(
    rf"(<([\w:.-]+)\s[^<>]*(?:name|key)\s*=\s*[\"'][^\"'<>]*{PASSWORD}[\"'][^<>]*(?<!/)>){_CONTENT}(</\2\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(rf"((?<![\w.-])[\w.-]*{PASSWORD}\s*=\s*([\"']))(.*?)(\2)", re.IGNORECASE | re.DOTALL)
_VALUE = r"(?:[^&<;\s\"]|;(?![\w.]+=))*"  # a `;` ends a parameter of an H2 URL, but not one of MySQL's
_PARAMETER = re.compile(rf"((?:[?&;]|&amp;)[\w.]*{PASSWORD}[\w.]*=){_VALUE}", re.IGNORECASE)
_PROPERTY = re.compile(
    rf"^([ \t#!]*(?=[\w-]+\.)[\w.-]*{PASSWORD}[\w.-]*[ \t]+)(?![=:\s]|\*{{8}}).+",
    re.IGNORECASE | re.MULTILINE,
)
"""A key with a dot in it and its value behind blanks, as in `spark-defaults.conf`."""


class Masker:
    """Hides passwords: by where they stand, and the run's own by their text too, wherever that may have got to.

    The run's own are hidden in plain and in each form that a file can hold them; a very short one is left to the places
    alone, since it would hide half of the file.  `parameters` are the URL's: a value that is no text is hidden.
    """

    def __init__(self, secrets: Iterable[str] = (), parameters: Mapping[str, object] | None = None) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) >= 4:
                in_url = quote(secret, safe=URL_VALUE)
                texts = {secret, in_url, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
                forms |= texts | {_escaped(text) for text in texts}
                escaped = _escaped(secret)
                forms.add(escaped.replace('"', "&quot;").replace("'", "&apos;"))
                # A file in ISO-8859-1 holds other characters as numeric references.
                forms.add(escaped.encode("iso-8859-1", "xmlcharrefreplace").decode("iso-8859-1"))
        self._forms = sorted(forms, key=len, reverse=True)
        self._parameters = [key for key, value in (parameters or {}).items() if not isinstance(value, str)]

    def mask(self, text: str) -> str:
        """The text with every password as ********, with as many lines as before."""
        # First the whole ones: a rule for a place might leave a piece of one that no other rule knows.
        for form in self._forms:
            text = text.replace(form, "\n".join([MASK] * (form.count("\n") + 1)))
        for pattern in (_ELEMENT, _NAMED_ELEMENT, _ATTRIBUTE):
            text = pattern.sub(_keep_lines, text)
        text = _PARAMETER.sub(rf"\g<1>{MASK}", text)
        for name in self._parameters:
            text = re.sub(rf"((?:[?&;]|&amp;){re.escape(name)}=){_VALUE}", rf"\g<1>{MASK}", text)
        text = _PROPERTY.sub(rf"\g<1>{MASK}", text)
        return "\n".join(map(without_passwords, text.split("\n")))


def _escaped(text: str) -> str:
    """Text as XML holds it.  (The module `html` would be imported while a run works, perhaps from a broken disk.)"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _keep_lines(found: re.Match[str]) -> str:
    hidden = "\n".join(MASK if line.strip() else line for line in found[3].split("\n"))
    return f"{found[1]}{hidden}{found[4]}"


# --- in lines of a log, in values, in what a server says ---------------------------------------------------

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*(?:"|$)|\\+"[^"]*(?:"|$)|'(?:[^'\\]|\\.|'')*(?:'|$))"""
_QUOTED += rf"(?:\s{{1,20}}replace\s{{1,20}}{_QUOTED})?"
"""A text in quotes; a truncated line may lack the last one.  And the password that it replaces, as SQL writes that."""
_BARE = r"(?:[^\s&;<]|<(?![/!])|;(?!\s|$|[\w.]+=))+"
_ASSIGNED = re.compile(
    rf"""({PASSWORD}[\w.]{{0,60}}\\*["']?
          \s{{0,20}}(?:(?:is|was)\s{{0,20}})?(?>[=-]>|[=:])\s{{0,20}})
         (?!["']?\*{{8}}|""|''|(?:yes|no|null|true|false)(?:[\s,;&)\]}}"']|$))
         (?:{_QUOTED}|{_BARE})""",
    re.IGNORECASE | re.VERBOSE,
)
_USER_INFO = re.compile(
    r"(//[^/\s:@]*:)(?!\d{1,5}(?:[/?\s]|$))[^\s@]{1,200}(?:@[^\s@/]{1,200})*@"
    r"|(\bjdbc:[\w:]{1,40}:[\w.$-]{1,100}[:/])[^\s@/?]{1,200}@"
)
_IDENTIFIED = re.compile(
    rf"(\bidentified\s{{1,20}}(?:(?:with|via)\s{{1,20}}\S{{1,100}}\s{{1,20}})?(?:by|as|using)\s{{1,20}}"
    rf"(?:password\s{{1,20}})?|\bauthorization\W{{1,20}}(?:basic|bearer)\s{{1,20}})(?:{_QUOTED}|[^\s;]+)"
    rf"|(\bpassword\s?\(\s?|\bpassword\s{{1,20}}(?:for\s{{1,20}}\S{{1,200}}\s{{0,20}}|(?:(?:is|was|has\sbeen)\s{{1,20}})?"
    rf"(?:set|reset|changed)\s{{1,20}})?(?:=|to\b)\s{{0,20}}){_QUOTED}",
    re.IGNORECASE,
)
_ORDINARY = """
    is was are were be been being has had have must should shall can cannot could may might will would does did do
    not no for of to from in on at by with without and or but nor as if when while than that this which who using
    use used file files field fields hash hashes policy callback property provider encoder encryption decryption
    digest type types manager reset change changed expired expiration expires expiry validation validator invalid
    incorrect wrong bad missing empty null required set given provided supplied mismatch mismatched failed failure
    fails check authentication authenticator login prompt protected plugin store key input value alias entry column
    table parameter attribute option options length history rotation recovery verification mechanism grant contains
    needs matches yes true false now too
"""
"""Words that follow "password" and are none: "password is wrong"."""
_SPOKEN = re.compile(
    rf"""((?:(?<![^\W_])(?:password|passwd|passphrase|pwd|storepass|keypass)|(?<=-)pass(?:in|out)?)\s{{1,20}})
         (?:((?:is|was)\s{{1,20}})?{_QUOTED}
           |(?!(?:{"|".join(_ORDINARY.split())}|\w{{1,9}}n't)(?:[\s.,:;!?)\]'"]|$)|[=:(\[{{-]|\*{{8}})\S+)""",
    re.IGNORECASE | re.VERBOSE,
)
_OPTION = re.compile(
    r"((?<![^\s'\"(\[])-p\s{0,20})"
    r"(?!(?:ort|ath|rops?|roperties|id|rofile|ackage|arallel|rint|lugin|rocess|roject|refix|ass(?:word|in|out)?|wd)\b"
    rf"|-|\*{{8}})(?:{_QUOTED}|[^\s'\"]+)"
)
"""`-p` of a database's or an archiver's client; options of one dash and a whole word are none."""


def without_passwords(value: str) -> str:
    """Return a value without the passwords that its form shows: `password=…`, `user:…@host`, `IDENTIFIED BY …`."""
    value = _ASSIGNED.sub(rf"\g<1>{MASK}", value)
    value = _USER_INFO.sub(lambda found: f"{found[1] or found[2]}{MASK}@", value)
    return _IDENTIFIED.sub(lambda found: f"{found[1] or found[2]}{MASK}", value)


def without_quoted_passwords(line: str) -> str:
    """Return a line of a log, where people and programs also write `password X`, `-p X`, `<password>X</password>`.

    A word that follows "password" in ordinary sentences stays; whatever else does may be one.
    """
    line = without_passwords(_NAMED_ELEMENT.sub(_keep_lines, _ELEMENT.sub(_keep_lines, line)))
    line = _SPOKEN.sub(lambda found: f"{found[1]}{found[2] or ''}{MASK}", line)
    return _OPTION.sub(rf"\g<1>{MASK}", line)
