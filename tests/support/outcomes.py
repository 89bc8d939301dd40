"""The expected outcomes of the sample apps, and the static answer to compare with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from predeploy.app.ignore import IgnorePolicy
from predeploy.app.tree import Tree
from predeploy.model.decisions import Detection
from predeploy.pipeline.detect import detect, status_of
from predeploy.pipeline.source import ignore_lines, placed
from predeploy.profiles.timeline import snapshot
from predeploy.rules.case import Case
from predeploy.settings import checked_settings, read_config
from support.cases import profile

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE_APPS = ROOT / "sample_apps"


@cache
def outcomes() -> dict[str, Any]:
    """Return the file with every cell."""
    from predeploy.app.marked_yaml import load_marked

    text = (ROOT / "tests" / "expected" / "outcomes.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = load_marked(text, strict=True).data
    return data


def cells() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (app, platform, cell) for every cell."""
    return [
        (app, platform, cell) for app, row in outcomes()["apps"].items() for platform, cell in row.items()
    ]


def static_answer(app: str, platform: str) -> Detection:
    """Return the static answer for a sample app, as if all its files were committed."""
    directory = SAMPLE_APPS / app
    facts = snapshot(profile(platform), outcomes()["as_of"])
    everything = Tree.on_disk(directory)
    policy = IgnorePolicy(ignore_lines(facts, everything), negation=facts.upload.ignore_file != ".slugignore")
    settings = checked_settings(facts, read_config(directory).settings.get(platform, {}))
    tree = everything.with_policy(policy)
    return detect(placed(Case(snapshot=facts, tree=tree, everything=everything, settings=settings)))


def cell_of(detection: Detection) -> dict[str, Any]:
    """Return an answer in the words of a cell."""
    decisive = next((finding for finding in detection.findings if finding.decisive), None)
    return {
        "status": status_of(detection.findings),
        "reason": {"rule": decisive.rule.partition("/")[2], "upstream_id": decisive.upstream_id}
        if decisive
        else None,
        "manifest": detection.selection.manifest,
        "installer": detection.selection.installer,
        "python": detection.python.resolved,
        "findings": sorted(finding.rule.partition("/")[2] for finding in detection.findings),
    }
