"""The Python interface: typed results, the configuration of the app, and no state between calls."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import predeploy
from predeploy.errors import UsageError
from support.apps import write_tree

APP = {"requirements.txt": "flask\n", "poetry.lock": "", "Procfile": "web: x\n", ".python-version": "3.13\n"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "app", APP)


def test_check_returns_the_typed_result(app: Path) -> None:
    report = predeploy.check(app, platforms=["heroku"], as_of=date(2026, 11, 20), environ={})
    (result,) = report.platforms
    assert isinstance(report, predeploy.Report)
    assert isinstance(result, predeploy.PlatformResult)
    assert (result.status, report.exit_code, report.as_of) == ("reject", 1, "2026-11-20")
    assert result.decisive is not None
    assert result.decisive.rule == "heroku/multiple-package-managers"


def test_a_call_leaves_nothing_for_the_next(app: Path) -> None:
    before = predeploy.check(app, platforms=["heroku"], as_of="2025-12-09", environ={})
    predeploy.check(app, platforms=["heroku"], as_of="2026-01-01", env={"A": "secret-value"}, environ={})
    after = predeploy.check(app, platforms=["heroku"], as_of="2025-12-09", environ={})
    assert [f.rule for f in before.platforms[0].findings] == [f.rule for f in after.platforms[0].findings]
    assert after.platforms[0].status == "warn"


def test_settings_and_configuration_are_merged(app: Path) -> None:
    (app / "predeploy.toml").write_text('platforms = ["heroku"]\nplatform.heroku.stack = "heroku-18"\n')
    old = predeploy.check(app, environ={})
    new = predeploy.check(app, settings={"heroku": {"stack": "heroku-24"}}, environ={})
    assert [r.platform for r in old.platforms] == ["heroku"]
    rules = [{f.rule for f in report.platforms[0].findings} for report in (old, new)]
    assert rules[0] != rules[1]


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        ({"platforms": ["herku"]}, "did you mean 'heroku'"),
        ({"as_of": "soon"}, "expected a day"),
        ({"settings": {"heroku": {"stak": "x"}}, "platforms": ["heroku"]}, "did you mean 'stack'"),
    ],
)
def test_a_wrong_call_is_an_exception(app: Path, keywords: dict[str, object], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        predeploy.check(app, environ={}, **keywords)  # type: ignore[arg-type]


def test_an_option_that_build_does_not_have_is_an_exception(app: Path) -> None:
    with pytest.raises(UsageError, match="build has no option 'job'; did you mean 'jobs'"):
        predeploy.build(app, job=2, environ={})


def test_a_refused_app_is_not_built_and_says_so(app: Path) -> None:
    report = predeploy.build(app, platforms=["heroku"], jobs=1, until="install")
    assert (report.platforms[0].status, report.platforms[0].phase) == ("reject", "plan")


def test_the_package_offers_what_it_says() -> None:
    for name in predeploy.__all__:
        assert getattr(predeploy, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = predeploy.nonsense
