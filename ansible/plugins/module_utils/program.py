"""The one call of the installed program that every module of the collection makes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule

CHECKS = {
    "content": {"type": "str"},
    "offline": {"type": "bool", "default": False},
    "only": {"type": "list", "elements": "str", "default": []},
    "skip": {"type": "list", "elements": "str", "default": []},
    "ignore": {"type": "list", "elements": "str", "default": []},
}
LOG = {"log": {"type": "dict", "default": {}}}


class Program:
    """The program on this host, called with the options that the task gives."""

    def __init__(self, *, supports_check_mode: bool = True, **options: Any) -> None:
        self.module = AnsibleModule(
            {
                "profile": {"type": "path", "required": True},
                "node": {"type": "str"},
                "executable": {"type": "str", "default": "apimha-wizard"},
                "secrets": {"type": "dict", "default": {}, "no_log": True},
                "allow_commands": {"type": "bool", "default": False},
                **options,
            },
            supports_check_mode=supports_check_mode,
        )
        self.given = self.module.params

    @contextmanager
    def planned_profile(self) -> Iterator[str]:
        """Yield the path of the profile; in check mode that of a temporary copy with the option `content`, if given."""
        profile, content = self.given["profile"], self.given["content"]
        if not self.module.check_mode or content is None:
            yield profile
            return
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, os.path.basename(profile))
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
            yield path

    def call(
        self, command: str, subject: str | None, *more: str, only: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Run a command on `subject`, with `--json`, the arguments `more` and the options named in `only`.

        Returns its exit code and its object, which is empty where it printed none.  Fails the module where the program
        is not installed.
        """
        words = [self.given["executable"], command, *([subject] if subject else []), "--json", *more]
        for name in only.split():
            value, option = self.given[name], "--" + name.replace("_", "-")
            if isinstance(value, dict):
                value = [f"{key}={one}" for key, one in value.items()]
            if value is True:
                words.append(option)
            elif isinstance(value, list):
                words += [word for one in value for word in (option, one)]
            elif value not in (None, False):
                words += [option, str(value)]
        secrets = {name: str(value) for name, value in self.given["secrets"].items()}
        code, out, err = self.module.run_command(words, environ_update=secrets, expand_user_and_vars=False)
        try:
            result = json.loads(out)
        except ValueError:
            result = {}
        self.said = err.strip()
        return code, result

    def end(self, code: int, result: dict[str, Any], *, succeeded: bool, **more: Any) -> None:
        """End the module with the program's object; failed unless `succeeded`."""
        result = {key: value for key, value in result.items() if key != "version"}
        error = result.pop("error", None)
        if succeeded and result:
            self.module.exit_json(**result, **more)
        for key in result.keys() & {"checks", "findings"}:  # what passed would hide what did not
            result[key] = [one for one in result[key] if one["status"] not in ("ok", "skipped")]
        wrong = [
            one for key in ("checks", "findings") for one in result.get(key, ()) if one["status"] == "error"
        ]
        lines = [f"{one['id']} {one['node'] or ''}: {one['message']}; fix: {one['fix']}" for one in wrong]
        if any(one["id"] == "prerequisites.secret" for one in wrong):  # the fix is for a shell
            names = ", ".join(sorted(self.given["secrets"])) or "none"
            lines.append(f"with Ansible: the option secrets, or apimha_secrets of the pair (given: {names})")
        message = error or "\n".join(lines) or self.said or "it printed nothing"
        ended = f"ended with exit code {code}: {message}" if code >= 0 else f"was killed by signal {-code}"
        self.module.fail_json(msg=f"apimha-wizard {ended}", rc=code, **result, **more)
