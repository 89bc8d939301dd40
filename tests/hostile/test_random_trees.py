"""Any tree gets an answer on every platform, in every format, with a bounded number of looks at it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from hostile.mutations import Files, files
from predeploy.app.ignore import IgnorePolicy
from predeploy.app.tree import Entry, MemoryStorage, Tree
from predeploy.model.results import Report
from predeploy.pipeline.detect import detect, status_of
from predeploy.pipeline.source import ignore_lines
from predeploy.pipeline.static import static_result
from predeploy.profiles.timeline import snapshot
from predeploy.report.document import document
from predeploy.report.plan import as_json, as_text
from predeploy.report.shell import as_script
from predeploy.report.text import render
from predeploy.rules.case import Case
from support.cases import TODAY, profile, registry

LOOKS = 400
"""Files read and directories listed for each that is there: every parser may look several times, none in a loop."""


class Counted(MemoryStorage):
    """Counts what is asked of it."""

    def __init__(self, made: Files) -> None:
        super().__init__(made)
        self.looks = 0

    def listing(self, directory: str) -> dict[str, Entry]:
        self.looks += 1
        return super().listing(directory)

    def read(self, path: str) -> bytes:
        self.looks += 1
        return super().read(path)


@pytest.mark.parametrize("platform", registry().default_ids())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(made=files())
def test_there_is_always_an_answer(platform: str, made: Files) -> None:
    facts = snapshot(profile(platform), TODAY)
    storage = Counted(made)
    everything = Tree(storage)
    negation = facts.upload.ignore_file != ".slugignore"
    tree = everything.with_policy(IgnorePolicy(ignore_lines(facts, everything), negation=negation))
    case = Case(snapshot=facts, tree=tree, everything=everything)
    detection = detect(case)
    result = static_result(case, detection)
    assert result.status == status_of(detection.findings)
    assert storage.looks <= LOOKS * (len(made) + 5)
    assert result.status in {"accept", "warn", "reject", "fail", "unknown"}
    if result.status in {"reject", "fail", "unknown"}:
        assert result.decisive is not None
        assert result.decisive.headline
    report = Report(tool_version="0", as_of=TODAY.isoformat(), app="app", platforms=(result,), exit_code=0)
    text = render(report, width=80, colour=False)
    assert json.loads(json.dumps(document(report)))["platforms"][0]["status"] == result.status
    assert json.loads(as_json((result,), (detection,)))
    text += as_text((result,), (detection,), width=80, colour=False)
    script = as_script((result,), (detection,), Path("app"))
    assert not [c for c in text if c < " " and c not in "\n\t"]
    assert "\x1b" not in text
    assert script.startswith("#!/bin/sh\n")
