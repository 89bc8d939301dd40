"""Which application of a project is judged, and everything its configuration gives reason to say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from predeploy.hosts.platformsh_build import Circumstances, check_build, check_folder
from predeploy.hosts.platformsh_checks import Facts, check_folders
from predeploy.hosts.platformsh_config import (
    APP_FILE,
    APPLICATIONS,
    DIRECTORY,
    UPSUN,
    App,
    ConfigProblem,
    Project,
    app_files,
    read_project,
)
from predeploy.hosts.platformsh_hook import Hook
from predeploy.hosts.platformsh_links import check_submodules, validate
from predeploy.hosts.platformsh_start import check_deployment, check_routes, check_start
from predeploy.hosts.platformsh_upsun import read_upsun, upsun_files
from predeploy.rules.case import Case

NEAR_MISSES = (".platform.app.yml", "platform.app.yaml", ".platform/app.yaml", ".platform/applications.yml")


def is_upsun(case: Case) -> bool:
    """Return whether the product is Upsun, which has files of its own."""
    return bool(case.snapshot.extra.get("product") == "upsun")


def project(case: Case) -> Project:
    """Return what the configuration files say, read once."""
    read = read_upsun if is_upsun(case) else read_project
    return case.once("platformsh.project", lambda: read(case.tree, hidden=_ignored_by_git(case)))


def _ignored_by_git(case: Case) -> frozenset[str]:
    """Return the configuration files that a commit of this directory would leave out.

    Where there is a repository, git was asked and such files are not in the tree any more.
    """
    if case.everything.exists(".git") or not case.tree.is_file(".gitignore"):
        return frozenset()
    from predeploy.app.ignore import IgnorePolicy

    lines = case.tree.read(".gitignore").decode("utf-8", "replace").splitlines()
    policy = IgnorePolicy(lines)
    files = upsun_files(case.tree) if is_upsun(case) else _fixed_files(case)
    return frozenset(path for path in files if not _kept(policy, path))


def _kept(policy: object, path: str) -> bool:
    from predeploy.app.ignore import IgnorePolicy

    assert isinstance(policy, IgnorePolicy)  # noqa: S101 - narrows for the type checker
    parts = path.split("/")
    parents = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    return policy.keeps(path, directory=False) and all(policy.keeps(p, directory=True) for p in parents)


def chosen_app(case: Case) -> App | None:
    """Return the application that is judged: the one the setting names, else the first that runs Python."""
    apps = project(case).apps
    name = case.setting("app")
    if name is not None:
        return next((app for app in apps if app.name == name), None)
    return next((app for app in apps if app.runtime == "python"), apps[0] if apps else None)


def hook_of(case: Case, app: App | None = None) -> Hook | None:
    """Return an application's build hook, the chosen one's by default; ``None`` where none can be judged."""
    one = app or chosen_app(case)
    if one is None or one.runtime != "python":
        return None
    return case.once(f"platformsh.hook {one.part.file} {one.part.name}", lambda: Hook(one, case.tree))


def judged_apps(case: Case) -> tuple[App, ...]:
    """Return the applications whose hooks and start are judged: the one the setting names, else all.

    A push builds every application, and is given up when one of them fails.
    """
    if case.setting("app") is not None:
        app = chosen_app(case)
        return (app,) if app is not None else ()
    return project(case).apps


def problems(case: Case) -> tuple[ConfigProblem, ...]:
    """Return everything the configuration of the project gives reason to say."""
    return case.once("platformsh.problems", lambda: tuple(dict.fromkeys(_problems(case))))


def _problems(case: Case) -> Iterator[ConfigProblem]:
    missing = _missing(case)
    if missing is not None:
        yield missing
        return
    facts, app = facts_of(case), chosen_app(case)
    yield from validate(project(case), facts, case.tree)
    yield from check_submodules(case.tree)
    for other in project(case).apps:
        if app is not None and other is not app:
            yield other.part.says("other-applications", f"{other.name or 'one without a name'}")
    for one in judged_apps(case):
        hook = hook_of(case, one)
        if hook is None:
            continue
        yield from check_folders(one, case.tree)
        yield from check_folder(one, case.tree)
        yield from check_build(hook, _circumstances(case, one))
        yield from check_start(hook)
        yield from check_deployment(hook)
        yield from check_routes(one, project(case))
        status = case.snapshot.python_status.get(one.version)
        if one is not app and status in ("deprecated", "retired"):
            yield one.part.get("type").says(f"python-version-{status}", f"{one.name}: {one.version}")


def _missing(case: Case) -> ConfigProblem | None:
    """Return the problem that leaves nothing else to judge."""
    tree = case.tree
    found = project(case)
    if tree.is_dir(UPSUN):
        both = _fixed_files(case) or [DIRECTORY] * tree.is_dir(DIRECTORY)
        if both:
            return ConfigProblem("mixed-config-formats", UPSUN, None, f"{UPSUN} beside {both[0]}")
    if found.apps or found.problems or found.unreadable:
        return None
    if is_upsun(case):
        return _upsun_missing(case)
    fixed = _fixed_files(case)
    hidden = [path for path in fixed if path in _ignored_by_git(case)]
    hidden += [p for p in (APP_FILE, APPLICATIONS) if case.everything.is_file(p) and not tree.is_file(p)]
    if hidden:
        return ConfigProblem("config-not-committed", hidden[0], None, "")
    if tree.is_dir(UPSUN):
        return ConfigProblem("config-missing", UPSUN, None, "only Upsun reads it")
    near = next((name for name in NEAR_MISSES if tree.is_file(name)), None)
    empty = APPLICATIONS if tree.is_file(APPLICATIONS) else None
    detail = "this name is not read" if near else "it is empty" if empty else "it is not there"
    return ConfigProblem("config-missing", near or empty or APP_FILE, None, detail)


def _upsun_missing(case: Case) -> ConfigProblem:
    hidden = [path for path in upsun_files(case.everything) if path not in upsun_files(case.tree)]
    hidden += sorted(_ignored_by_git(case))
    if hidden:
        return ConfigProblem("config-not-committed", hidden[0], None, "")
    if not case.tree.is_dir(UPSUN):
        return ConfigProblem("config-dir-missing", UPSUN, None, "it is not there")
    return ConfigProblem("upsun-applications-missing", UPSUN, None, "no file that ends in .yaml")


def _fixed_files(case: Case) -> list[str]:
    return [path for path in (*app_files(case.tree), APPLICATIONS) if case.tree.is_file(path)]


def by_id(case: Case) -> dict[str, list[ConfigProblem]]:
    """Return the problems by reason id, grouped once."""

    def grouped() -> dict[str, list[ConfigProblem]]:
        groups: dict[str, list[ConfigProblem]] = {}
        for problem in problems(case):
            groups.setdefault(problem.id, []).append(problem)
        return groups

    return case.once("platformsh.by_id", grouped)


def facts_of(case: Case) -> Facts:
    """Return the registry of the day."""
    snapshot = case.snapshot
    status = {word: snapshot.lists.get(f"services-{word}", ()) for word in _SERVICE_WORDS}
    storage = case.setting("storage")
    return Facts(
        upsun=is_upsun(case),
        unread=snapshot.lists.get("unread-keys", ()),
        commands=snapshot.lists.get("web-commands", ()),
        short_relationships=bool(snapshot.values.get("short_relationships", True)),
        source_path_optional=bool(snapshot.values.get("source_path_optional", True)),
        runtimes=snapshot.lists.get("runtimes", ()),
        pythons=frozenset(snapshot.releases),
        channels=snapshot.lists.get("composable-channels", ()),
        mount_sources=snapshot.lists.get("mount-sources", ()),
        storage=int(storage) if storage else None,
        services=snapshot.extra.get("services", {}),
        service_status=status,
    )


_SERVICE_WORDS = ("decommissioned", "retired", "deprecated")


def _circumstances(case: Case, app: App) -> Circumstances:
    minor = app.version if re.fullmatch(r"\d+\.\d+", app.version) else ""
    python = tuple(int(part) for part in minor.split(".")) if minor else ()
    poetry = str(case.snapshot.values.get("newest_poetry", "2"))
    return Circumstances(python=python, poetry_major=int(poetry.split(".")[0]))
