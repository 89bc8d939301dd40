"""Which files of the app a start command runs, for the hosts that are given one."""

from __future__ import annotations

import re

from predeploy.rules.case import Case


def entry_modules(case: Case, command: str) -> tuple[str, ...]:
    """Return the files a start command names: ``module:object`` of a server, or a script of ``python``."""
    files: list[str] = []
    for word in command.replace("'", " ").replace('"', " ").split():
        module = word.partition(":")[0].partition("(")[0]
        candidates = [word.removeprefix("./")] if word.endswith(".py") else []
        if re.fullmatch(r"[A-Za-z_][\w.]*", module):
            candidates += [f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"]
        files += [path for path in candidates if case.tree.is_file(path)]
    return tuple(dict.fromkeys(files))
