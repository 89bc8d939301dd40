"""What a host receives of a directory: git's tracked files or the directory, minus the host's ignore file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.app.tree import Policy, Tree, Unreadable
from predeploy.errors import UsageError
from predeploy.model.snapshot import HostSnapshot
from predeploy.rules.case import Case
from predeploy.rules.registry import ROOTS, lookup

if TYPE_CHECKING:
    from predeploy.env.ask import Question

Remarks = tuple[tuple[str, str], ...]

MAX_REMARKS = 20
MANIFESTS = frozenset({"Procfile", "Pipfile", "runtime.txt", ".python-version"})
STAYS_BEHIND = frozenset({"predeploy.toml", "venv", "env", "node_modules", "__pycache__", "dist", "build"})
"""Environments, caches and our own settings are meant to stay here; nobody is told about them."""

GIT_NEEDS = ("PATH", "HOME", "XDG_CONFIG_HOME")
GIT_RUNS_NOTHING = ("-c", "core.fsmonitor=false")
"""The repository's own configuration may name a program there, and git would run it before it answers."""


class AppSource:
    """The app's directory; git is asked once, and only where there is a repository."""

    def __init__(
        self,
        directory: Path,
        environ: Mapping[str, str] | None = None,
        *,
        on_read: Callable[[bytes], None] | None = None,
    ) -> None:
        self.directory = checked_directory(directory)
        self.everything = Tree.on_disk(self.directory, on_read=on_read)
        self._environ = {name: value for name, value in (environ or {}).items() if name in GIT_NEEDS}
        self._tracked: bytes | None = None
        self._asked = False
        self._question: Question | None = None

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.directory.resolve().name or "app"

    def expect(self, snapshot: HostSnapshot) -> None:
        """Let git begin to answer where a host will need it, while the other profiles are read."""
        if self._asked or snapshot.upload.policy != "git-tracked":
            return
        self._asked = True
        if _inside_repository(self.directory):
            from predeploy.env.ask import Question

            listing = ("ls-files", "-z", "--cached", "--", ".")
            argv = ("git", "-C", str(self.directory), *GIT_RUNS_NOTHING, *listing)
            self._question = Question(argv, timeout=20, env=self._environ)

    def uploaded(self, snapshot: HostSnapshot) -> tuple[Tree, Remarks]:
        """Return the tree a host receives, and what is worth saying about the difference."""
        policies: list[Policy] = []
        remarks: Remarks = ()
        if snapshot.upload.policy == "git-tracked":
            self.expect(snapshot)
            tracked, remarks = self._git_policy()
            policies += [tracked] if tracked else []
        policies.append(self._ignore_policy(snapshot))
        if len(policies) == 1:
            return self.everything.with_policy(policies[0]), remarks
        from predeploy.app.ignore import Both

        return self.everything.with_policy(Both(*policies)), remarks

    def _git_policy(self) -> tuple[Policy | None, Remarks]:
        output = self._ls_files()
        if output is None:
            return None, (("git-silent", self.name),) if _inside_repository(self.directory) else ()
        from predeploy.app.ignore import GitTracked

        tracked = GitTracked(output)
        if not output:
            return None, (("untracked-directory", self.name),)
        untracked = [name for name in self.everything.names() if not self._kept(tracked, name)]
        candidates = [name for name in untracked if self._worth_saying(name)]
        return tracked, tuple(("not-tracked", name) for name in candidates[:MAX_REMARKS])

    def _kept(self, policy: Policy, name: str) -> bool:
        return name == ".git" or policy.keeps(name, directory=self.everything.is_dir(name))

    def _worth_saying(self, name: str) -> bool:
        if name in STAYS_BEHIND or name.startswith(".env"):
            return False
        return name in MANIFESTS or name.endswith((".py", ".txt", ".toml", ".lock", ".yaml", ".yml"))

    def _ls_files(self) -> bytes | None:
        question, self._question = self._question, None
        if question is not None:
            output = question.answer()
            self._tracked = None if output is None else output.encode("utf-8", "surrogateescape")
        return self._tracked

    def _ignore_policy(self, snapshot: HostSnapshot) -> Policy:
        lines = ignore_lines(snapshot, self.everything)
        if all(line == ".git" for line in lines):
            return _WithoutGit()
        from predeploy.app.ignore import IgnorePolicy

        return IgnorePolicy(lines, negation=snapshot.upload.ignore_file != ".slugignore")


def ignore_lines(snapshot: HostSnapshot, everything: Tree) -> list[str]:
    """Return the patterns of what a host does not receive, includes followed."""
    from predeploy.app.ignore import expand_includes

    def read(path: str) -> str | None:
        try:
            return everything.read(path).decode("utf-8", "replace")
        except Unreadable:
            return None

    upload = snapshot.upload
    lines: tuple[str, ...] = upload.without_ignore_file
    if upload.ignore_file and everything.is_file(upload.ignore_file):
        lines = tuple((read(upload.ignore_file) or "").splitlines())
    return [*upload.always_ignored, *expand_includes(lines, read)]


def placed(case: Case) -> Case:
    """Return the case of what the host receives, for a host that takes one directory of the app only."""
    name = case.snapshot.upload.root
    if name is None:
        return case
    from predeploy.app.ignore import IgnorePolicy

    directory, patterns = lookup(ROOTS, "upload root", name)(case)
    below = case.everything.below(directory) if directory else case.everything
    return case.within(directory, below.with_policy(IgnorePolicy(patterns)), below)


class _WithoutGit:
    """The policy that leaves out git's own directory."""

    def keeps(self, path: str, *, directory: bool) -> bool:  # noqa: ARG002 - the interface
        """See :class:`predeploy.app.tree.Policy`."""
        return path != ".git"


def checked_directory(directory: Path) -> Path:
    """Return the directory, or raise :class:`UsageError` when it is none or cannot be listed."""
    try:
        os.stat(f"{directory}/.")  # noqa: PTH116 - a Path drops the dot, which asks whether it may be searched
        next(directory.iterdir(), None)
    except FileNotFoundError:
        raise UsageError(f"{directory}: no such directory") from None
    except NotADirectoryError:
        raise UsageError(f"{directory}: is a file; predeploy takes the app's directory") from None
    except OSError as error:
        raise UsageError(f"{directory}: {(error.strerror or 'cannot be listed').lower()}") from None
    return directory


def _inside_repository(directory: Path) -> bool:
    resolved = directory.resolve()
    return any(_is_repository(parent) for parent in (resolved, *resolved.parents))


def _is_repository(directory: Path) -> bool:
    # A .git file belongs to a worktree or submodule; a .git directory without HEAD is no repository.
    # These functions never raise, also not for a parent that must not be searched.
    git = directory / ".git"
    return os.path.isfile(git) or os.path.isfile(git / "HEAD")  # noqa: PTH113
