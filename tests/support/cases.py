"""Inline trees with the verdict a host gives: the contract of a profile, one case a statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from predeploy.app.tree import Tree
from predeploy.model.decisions import Detection
from predeploy.model.profile import Profile
from predeploy.pipeline.detect import detect
from predeploy.pipeline.source import ignore_lines, placed
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot
from predeploy.rules.case import Case
from predeploy.settings import checked_settings

TODAY = date(2026, 11, 20)
CONTRACT = Path(__file__).parent.parent / "contract"


@dataclass(frozen=True, kw_only=True)
class ContractCase:
    """One tree on one platform and day, with what must come out."""

    name: str
    platform: str
    files: dict[str, Any]
    expect: dict[str, Any]
    statement: str = ""
    as_of: date = TODAY
    settings: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


@cache
def registry() -> Registry:
    """Return the built-in profiles, read once a session."""
    return Registry(plugins={})


@cache
def profile(name: str) -> Profile:
    """Return a built-in profile."""
    return registry().profile(name)


def load_cases(path: Path) -> list[ContractCase]:
    """Return the cases of a file.

    A file is ``{platform: ID, cases: [...]}``. A file's content may be text, ``{base64: …}`` for bytes, or
    null for one that cannot be read.
    """
    from predeploy.app.marked_yaml import load_marked

    data = load_marked(path.read_text(encoding="utf-8"), strict=True).data
    return [_case(data["platform"], raw) for raw in data["cases"]]


def _case(platform: str, raw: dict[str, Any]) -> ContractCase:
    import base64

    files = {
        name: base64.b64decode(content["base64"]) if isinstance(content, dict) else content
        for name, content in (raw.get("files") or {}).items()
    }
    unknown = set(raw) - {"name", "files", "expect", "statement", "as_of", "set", "env", "platform"}
    assert not unknown, f"{raw.get('name')}: unknown keys {unknown}"
    return ContractCase(
        name=raw["name"],
        platform=raw.get("platform", platform),
        files=files,
        expect=raw["expect"],
        statement=raw.get("statement", ""),
        as_of=raw.get("as_of", TODAY),
        settings={key: str(value) for key, value in raw.get("set", {}).items()},
        env={key: str(value) for key, value in raw.get("env", {}).items()},
    )


def case_of(contract: ContractCase, *, as_of: date | None = None) -> Case:
    """Return the input of the rules for one contract case."""
    from predeploy.app.ignore import IgnorePolicy

    facts = snapshot(profile(contract.platform), as_of or contract.as_of)
    everything = Tree.of(contract.files)
    lines = ignore_lines(facts, everything)
    policy = IgnorePolicy(lines, negation=facts.upload.ignore_file != ".slugignore")
    tree = everything.with_policy(policy)
    case = Case(
        snapshot=facts,
        tree=tree,
        everything=everything,
        settings=checked_settings(facts, contract.settings),
        env=contract.env,
    )
    return placed(case)


def judge_case(contract: ContractCase, *, as_of: date | None = None) -> Detection:
    """Return the static answer for one contract case."""
    return detect(case_of(contract, as_of=as_of))


def actual(detection: Detection, expect: dict[str, Any]) -> dict[str, Any]:
    """Return what came out, in the words of the case, for the keys it states."""
    from predeploy.pipeline.detect import status_of

    decisive = next((f for f in detection.findings if f.decisive), None)
    found: dict[str, Any] = {
        "status": status_of(detection.findings),
        "rule": decisive.rule.partition("/")[2] if decisive else None,
        "upstream_id": decisive.upstream_id if decisive else None,
        "manifest": detection.selection.manifest,
        "installer": detection.selection.installer,
        "ignored": list(detection.selection.ignored),
        "python": detection.python.resolved,
        "requested": detection.python.requested,
        "origin": detection.python.origin,
        "findings": sorted(f.rule.partition("/")[2] for f in detection.findings),
        "warnings": sorted(f.rule.partition("/")[2] for f in detection.findings if f.severity == "warn"),
        "line": next((p.line for p in decisive.evidence if p.line), None) if decisive else None,
        "steps": [step.id for step in detection.plan.steps] if detection.plan else None,
        "start": _start(detection),
    }
    unknown = set(expect) - set(found)
    assert not unknown, f"a case expects unknown things: {unknown}"
    return {key: found[key] for key in expect}


def _start(detection: Detection) -> str | None:
    if detection.plan is None or detection.plan.boot is None:
        return None
    step = detection.plan.boot.step
    return step.shell if step.shell is not None else " ".join(step.argv)


def expected(expect: dict[str, Any]) -> dict[str, Any]:
    """Return what a case states, with lists whose order does not matter sorted."""
    return {key: sorted(value) if key in {"findings", "warnings"} else value for key, value in expect.items()}
