"""The expected outcomes of the sample apps, and the static answer to compare with.

``python -m support.outcomes``, run in ``tests``, writes the cells that are missing or that differ, for somebody
to compare with the host's sheet and to complete; it changes nothing.
"""

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
def written() -> dict[str, Any]:
    """Return the file as it is; a cell that is text stands for the ``usual`` one of that name."""
    from predeploy.app.marked_yaml import load_marked

    text = (ROOT / "tests" / "expected" / "outcomes.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = load_marked(text, strict=True).data
    return data


@cache
def outcomes() -> dict[str, Any]:
    """Return the file with every cell written out."""
    data, usual = written(), written().get("usual", {})
    rows = {
        app: {name: usual[cell] if isinstance(cell, str) else cell for name, cell in row.items()}
        for app, row in data["apps"].items()
    }
    return {**data, "apps": rows}


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


def one_line(value: object) -> str:
    """Return a cell as a line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {one_line(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(one_line, value)) + "]"
    if value is None:
        return "null"
    text = str(value)
    return f'"{text}"' if isinstance(value, str) and text[:1].isdigit() else text


def main() -> None:
    """Write every cell that is missing, or whose static part is another one."""
    from support.cases import registry

    for app in sorted(path.name for path in SAMPLE_APPS.iterdir() if path.is_dir()):
        for platform in registry().ids():
            known = outcomes()["apps"].get(app, {}).get(platform, {})
            found = cell_of(static_answer(app, platform))
            if {key: value for key, value in known.items() if key not in {"basis", "built"}} != found:
                print(f"{app}:\n    {platform}: {one_line(found)}")  # noqa: T201 - the program's answer


if __name__ == "__main__":
    main()
