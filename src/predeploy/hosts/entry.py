"""Which files of the app a start command runs, for the hosts that are given one."""

from __future__ import annotations

import re

from predeploy.app.imports import executed
from predeploy.rules.case import Case


def entry_modules(case: Case, command: str) -> tuple[str, ...]:
    """Return the files a start command names: ``module:object`` of a server, or a script of ``python``."""
    files: list[str] = []
    for word in command.replace("'", " ").replace('"', " ").split():
        script = word.removeprefix("./")
        if script.endswith(".py") and case.tree.is_file(script):
            files.append(script)
        module = word.partition(":")[0].partition("(")[0]
        if re.fullmatch(r"[A-Za-z_][\w.]*", module):
            files += executed(case.tree, module)
    return tuple(dict.fromkeys(files))
