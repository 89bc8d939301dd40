"""Which files of the app a start command runs, for the hosts that are given one."""

from __future__ import annotations

import posixpath
import re

from predeploy.app.imports import executed
from predeploy.rules.case import Case


def entry_modules(case: Case, command: str, root: str = "") -> tuple[str, ...]:
    """Return the files a start command names: ``module:object`` of a server, or a script of ``python``.

    ``root`` is the directory the command runs in.
    """
    files: list[str] = []
    for word in command.replace("'", " ").replace('"', " ").split():
        script = posixpath.normpath(posixpath.join(root, word))
        if word.endswith(".py") and not script.startswith("..") and case.tree.is_file(script):
            files.append(script)
        module = word.partition(":")[0].partition("(")[0]
        if re.fullmatch(r"[A-Za-z_][\w.]*", module):
            files += executed(case.tree, module, (root,))
    return tuple(dict.fromkeys(files))
