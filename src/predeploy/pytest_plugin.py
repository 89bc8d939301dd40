"""The pytest plugin: ``pytest --predeploy`` makes a test of every app and platform.

Nothing of predeploy is imported before it is asked for, since every pytest run of an environment that has
predeploy installed reads this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from predeploy.model.results import PlatformResult, Report

DEPLOYS = ("accept", "warn")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; all are off by default."""
    group = parser.getgroup("predeploy")
    group.addoption(
        "--predeploy",
        action="store_true",
        help="judge the apps of [tool.predeploy]: an item an app and platform",
    )
    group.addoption(
        "--predeploy-build", action="store_true", help="build and start them too, which runs their code"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that selects the items."""
    config.addinivalue_line("markers", "predeploy: an app judged on a platform by predeploy")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the items; every worker of xdist finds the same ones in the same order."""
    if config.getoption("--predeploy") or config.getoption("--predeploy-build"):
        items.extend(_items(session, config))


def _items(session: pytest.Session, config: pytest.Config) -> Iterator[PredeployItem]:
    from predeploy.api import registry_for, request_for
    from predeploy.apps import find_apps
    from predeploy.config import read_config
    from predeploy.errors import PredeployError

    root = config.rootpath
    build = bool(config.getoption("--predeploy-build"))
    try:
        own = read_config(root)
        for app in find_apps(root, own.apps):
            request = request_for("build" if build else "check", root / app, {})
            names = request.platforms or tuple(own.values.get("platforms", ()))
            registry = registry_for(request)
            for name in names or registry.default_ids():
                registry.located_or_error(name)
                nodeid = f"predeploy/{app.as_posix()}::{name}"
                yield PredeployItem.from_parent(
                    session, name=name, nodeid=nodeid, app=root / app, platform=name, build=build
                )
    except PredeployError as error:
        raise pytest.UsageError(f"predeploy: {error}") from None


class PredeployItem(pytest.Item):
    """One app on one platform."""

    def __init__(self, *, app: Path, platform: str, build: bool, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.app = app
        self.platform = platform
        self.build = build
        self.add_marker("predeploy")

    def runtest(self) -> None:
        """Judge the app; fail where the platform would not take it."""
        report = judged(self.app, self.platform, build=self.build)
        (result,) = report.platforms
        self.user_properties.append(("predeploy", result.status))
        text = as_text(report)
        if result.status in DEPLOYS:
            if result.findings:
                self.add_report_section("call", "predeploy", text)
            return
        if result.status == "unknown" and not report.strict:
            pytest.skip(f"unknown: {result.decisive.headline if result.decisive else 'not decided'}")
        raise Refused(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the findings for a refusal, and what pytest says for anything else."""
        if isinstance(excinfo.value, Refused):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return what a report calls the item."""
        return self.app, None, f"predeploy: {self.nodeid.removeprefix('predeploy/')}"


class Refused(Exception):  # noqa: N818 - the app is, nothing went wrong
    """The platform would not take the app; the text is the report."""


def judged(app: str | Path, platform: str, *, build: bool) -> Report:
    """Return the report of one app on one platform."""
    from predeploy import api

    return api.build(app, platforms=[platform]) if build else api.check(app, platforms=[platform])


def as_text(report: Report) -> str:
    """Return the findings as the command line shows them."""
    from predeploy.report.text import platform_text

    return platform_text(report.platforms[0], width=100, colour=False)


@pytest.fixture
def predeploy_check() -> Callable[..., PlatformResult]:
    """Return a function ``(path, platform, expect=None)`` that judges an app statically.

    It returns the platform's result, and fails the test where the platform would not take the app, or where
    the status is not the one that is expected.
    """

    def call(path: str | Path, platform: str, expect: str | None = None) -> PlatformResult:
        __tracebackhide__ = True
        report = judged(path, platform, build=False)
        (result,) = report.platforms
        wanted = (expect,) if expect else DEPLOYS
        if result.status not in wanted:
            pytest.fail(
                f"expected {' or '.join(wanted)}, got {result.status}\n{as_text(report)}", pytrace=False
            )
        return result

    return call
