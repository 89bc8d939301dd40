"""Streamlit Community Cloud: the recipe; the modules beside it hold its search, its files and its outcomes.

Source: the sheet ``hosts/streamlit-cloud.md``, made of build logs of 2026, the vendor's documentation of
2026-08-22, and runs with the pinned tools.
"""

from __future__ import annotations

import posixpath

from predeploy.hosts import (  # noqa: F401 - their functions register themselves
    streamlit_code,
    streamlit_libraries,
    streamlit_outcomes,
    streamlit_poetry,
    streamlit_projects,
    streamlit_python,
    streamlit_settings,
    streamlit_system,
)
from predeploy.hosts.streamlit_requirements import capped_below, specifiers
from predeploy.hosts.streamlit_selection import entrypoint, manifest_directory
from predeploy.installers import INSTALLERS, install_step, kind_of
from predeploy.installers.base import pinned
from predeploy.installers.checks import conflict_check
from predeploy.model.decisions import Boot, BuildPlan, Environment, Step
from predeploy.record import replace
from predeploy.rules.case import Case
from predeploy.rules.registry import recipe

UV_PIP = ("{tool:uv}/uv", "pip", "install")
UV_ENV = dict(INSTALLERS["uv"].environment)
INSTALL_SECONDS = 3600.0
"""Ours: the host let an install of 46 minutes end well, and no limit is known."""


@recipe("streamlit")
def streamlit(case: Case) -> BuildPlan:
    """Return the host's steps: one installer, what it adds of its own, and the start of the script."""
    snapshot, manifest, installer = case.snapshot, case.selection.manifest, case.selection.installer
    by_pip = installer in {None, "uv-pip"}
    name = installer or "uv-pip"
    kind = kind_of(name, snapshot.installers[name])
    used = {*kind.tools, *({"conda"} if installer == "conda" else ())}
    entry = entrypoint(case).path or ""
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(
            python=case.python.resolved or "",
            seeds={"pip": snapshot.tools["pip"]} if by_pip else {},
            made_by_step=installer == "conda",
        ),
        env=_caches(case, used | {"pip"} if by_pip else used),
        tools=pinned(kind.tools, snapshot.tools),
        steps=(*_steps(case), conflict_check()),
        boot=_boot(case, entry),
        processes={"app": f"streamlit run {entry}"},
        requirement_files=kind.requirement_files(manifest) if manifest and by_pip else (),
        requirements=("streamlit", "rich>=10.14.0") if by_pip else (),
        entry_modules=(entry,),
        import_roots=(posixpath.dirname(entry),),
        home_files=_secrets(case),
    )


def _caches(case: Case, used: set[str]) -> dict[str, str]:
    """Return the variables that keep the downloads of these tools for the next build."""
    return {
        name: value for name, value in case.snapshot.build_env.items() if name.split("_")[0].lower() in used
    }


def _secrets(case: Case) -> dict[str, str]:
    """Return the file of the secrets where the settings name one; streamlit finds it in the home."""
    given = case.setting("secrets")
    return {".streamlit/secrets.toml": given} if given else {}


def _steps(case: Case) -> tuple[Step, ...]:
    installer = case.selection.installer
    if installer is None:
        return _additions(case)
    if installer == "uv-pip":
        return (*_requirements(case), *_additions(case))
    declared = case.snapshot.installers[installer]
    return (
        install_step(
            kind_of(installer, declared),
            declared,
            step_id=installer if installer == "uv-sync" else f"{installer}-install",
            reason=case.selection.reason,
            cwd=_directory(case),
            timeout_seconds=INSTALL_SECONDS,
        ),
    )


def _directory(case: Case) -> str:
    directory = manifest_directory(case)
    return f"{{app}}/{directory}" if directory else "{app}"


def _by_uv(case: Case) -> bool:
    """Return whether the host tries uv first; before, pip did everything."""
    return case.snapshot.values.get("requirements-tool") == "uv"


def _requirements(case: Case) -> tuple[Step, ...]:
    manifest = case.selection.manifest or ""
    by_pip = ("{bin}/python", "-m", "pip", "install", "-r", manifest)
    if not _by_uv(case):
        only = Step(
            id="install-requirements",
            phase="install",
            reason=case.selection.reason,
            argv=by_pip,
            timeout_seconds=INSTALL_SECONDS,
        )
        return (only,)
    first = Step(
        id="install-requirements",
        phase="install",
        reason=case.selection.reason,
        argv=(*UV_PIP, "-r", manifest),
        env=UV_ENV,
        timeout_seconds=INSTALL_SECONDS,
    )
    second = Step(
        id="install-requirements-pip",
        phase="install",
        reason="the host tries the whole file again with pip when uv fails",
        argv=by_pip,
        timeout_seconds=INSTALL_SECONDS,
        fallback_of=first.id,
    )
    return first, second


def _additions(case: Case) -> tuple[Step, ...]:
    """Return what the host installs of its own; each is without effect when it is there already."""
    steps = [
        _addition(case, "install-streamlit", "streamlit", "the host adds streamlit where it is missing"),
        _addition(case, "install-rich", "rich>=10.14.0", "the host adds rich for its log of exceptions"),
    ]
    if capped_below(specifiers(case, "streamlit"), "1.20"):
        steps.append(
            _addition(
                case, "replace-altair", "altair<5", "the host keeps altair below 5 for streamlit < 1.20"
            )
        )
    replaced = case.snapshot.values.get("replaced-pyarrow")
    if replaced:
        reason = f"the host replaces pyarrow {replaced}, which crashes, whoever asked for it"
        step = _addition(case, "replace-pyarrow", "pyarrow<25", reason)
        steps.append(replace(step, only_if_installed=f"pyarrow=={replaced}"))
    return tuple(steps)


def _addition(case: Case, step_id: str, requirement: str, reason: str) -> Step:
    by_uv = _by_uv(case)
    return Step(
        id=step_id,
        phase="install",
        reason=reason,
        argv=(*(UV_PIP if by_uv else ("{bin}/python", "-m", "pip", "install")), requirement),
        env=UV_ENV if by_uv else {},
        timeout_seconds=600,
    )


def _boot(case: Case, entry: str) -> Boot:
    launch = case.snapshot.launch
    old = capped_below(specifiers(case, "streamlit"), "1.17.1")
    options = {
        "server.headless": "true",
        "server.port": "{port}",
        "server.address": "0.0.0.0",  # noqa: S104 - the host's proxy reaches the app from outside
        "browser.gatherUsageStats": "false",
        "server.scriptHealthCheckEnabled": "true",
        "server.fileWatcherType": "none",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    step = Step(
        id="streamlit",
        phase="boot",
        reason="the environment's own streamlit command, from the repository's root",
        argv=("{bin}/streamlit", "run", entry, *words),
        env={**launch.env, "HOME": "{home}", **case.env},
        timeout_seconds=launch.timeout_seconds,
    )
    return Boot(
        step=step,
        timeout_seconds=launch.timeout_seconds,
        # any port: the flag decides, and on 8501 an app that is running here might answer in its place
        public=True,
        # the _stcore paths came with 1.18; before, only the short ones answer
        probe="/healthz" if old else launch.probe,
        expect_body=launch.expect_body,
        script_probe="/script-health-check" if old else "/_stcore/script-health-check",
        script_timeout_seconds=60,
    )
