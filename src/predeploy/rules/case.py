"""One app on one host on one day: everything a rule may ask about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from predeploy.app.tree import Tree
from predeploy.model.decisions import PythonChoice, Selection
from predeploy.model.snapshot import HostSnapshot
from predeploy.rules.registry import SELECTORS, lookup

if TYPE_CHECKING:
    from datetime import date

    from predeploy.model.execution import Execution

Value = TypeVar("Value")


class Case:
    """The input of every predicate, selector, grammar and recipe.

    ``tree`` holds what the host receives, ``everything`` the same directory before any upload policy;
    ``project`` is the app's whole directory and ``root`` says where in it the others lie, usually at its top.
    ``settings`` and ``env`` are what the host keeps outside the tree; ``services`` are addresses of running
    services by the name that the app knows them by. ``packages_as_of`` is the past day
    whose packages are installed, ``None`` for today's. ``execution`` is ``None`` until steps have run.
    """

    def __init__(
        self,
        *,
        snapshot: HostSnapshot,
        tree: Tree,
        everything: Tree | None = None,
        settings: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "app",
        remarks: tuple[tuple[str, str], ...] = (),
        services: Mapping[str, str] | None = None,
        packages_as_of: date | None = None,
        project: Tree | None = None,
        root: str = "",
    ) -> None:
        self.snapshot = snapshot
        self.tree = tree
        self.everything = everything or tree
        self.project = project or self.everything
        self.root = root
        self.settings = dict(settings or {})
        self.env = dict(env or {})
        self.name = name
        self.remarks = remarks
        self.services = dict(services or {})
        self.packages_as_of = packages_as_of
        self.execution: Execution | None = None
        self._memory: dict[str, Any] = {}

    def on(self, snapshot: HostSnapshot) -> Case:
        """Return the same app on another day of the same host."""
        return Case(
            snapshot=snapshot,
            tree=self.tree,
            everything=self.everything,
            settings=self.settings,
            env=self.env,
            name=self.name,
            remarks=self.remarks,
            services=self.services,
            project=self.project,
            root=self.root,
        )

    def within(self, root: str, tree: Tree, everything: Tree) -> Case:
        """Return the same app for a host that receives one of its directories only."""
        return Case(
            snapshot=self.snapshot,
            tree=tree,
            everything=everything,
            settings=self.settings,
            env=self.env,
            name=self.name,
            remarks=self.remarks,
            services=self.services,
            packages_as_of=self.packages_as_of,
            project=self.everything,
            root=root,
        )

    def setting(self, key: str) -> str | None:
        """Return a host setting: given, else its build variable, else the profile's default."""
        if key in self.settings:
            return self.settings[key]
        declared = self.snapshot.settings.get(key)
        if declared is None:
            return None
        if declared.variable and declared.variable in self.env:
            return self.env[declared.variable]
        return declared.default

    @cached_property
    def selection(self) -> Selection:
        """The manifest that wins."""
        choose = lookup(SELECTORS, "selector", self.snapshot.select)
        selection: Selection = choose(self)
        return selection

    @cached_property
    def python(self) -> PythonChoice:
        """The Python the host takes."""
        from predeploy.rules.choice import choose_python

        return choose_python(self)

    def once(self, key: str, make: Callable[[], Value]) -> Value:
        """Return what ``make`` returned the first time: a host's own facts, parsed once per case."""
        if key not in self._memory:
            self._memory[key] = make()
        value: Value = self._memory[key]
        return value
