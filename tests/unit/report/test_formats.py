"""Every form of one mixed run: read by somebody else's reader, the same from a saved result, and harmless."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest

from predeploy.errors import UsageError
from predeploy.model.results import Report
from predeploy.option import FORMATS
from predeploy.profiles.registry import Registry
from predeploy.report.document import document, documents
from predeploy.report.findings import fingerprint, said_in
from predeploy.report.github import PER_STEP, SUMMARY_BYTES, summary
from predeploy.report.render import RENDERERS, Sheet, rendered
from predeploy.report.saved import merged_reports, read_results, reports_from
from support.results import HOSTILE, REJECTED, everywhere, hostile, mixed, platform, sarif_schema

SHEET = Sheet(width=100, exit_code=1, registry=Registry(plugins={}))


def form(name: str, *reports: Report, sheet: Sheet = SHEET) -> str:
    return rendered(name, reports or (mixed(),), sheet)


def reread(report: Report) -> Report:
    (again,) = reports_from(json.loads(json.dumps(document(report))), Path("x.json"))
    return again


def test_every_format_has_a_renderer() -> None:
    assert set(FORMATS) == set(RENDERERS)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("report", [mixed(), hostile()], ids=["mixed", "hostile"])
def test_a_saved_result_renders_as_the_run_did(name: str, report: Report) -> None:
    assert form(name, reread(report)) == form(name, report)


def test_a_document_is_read_back_whole() -> None:
    assert document(reread(mixed())) == document(mixed())


# --- somebody else's readers ------------------------------------------------------------------------


@pytest.mark.parametrize("report", [mixed(), hostile()], ids=["mixed", "hostile"])
def test_sarif_is_valid_by_the_official_schema(report: Report) -> None:
    log = json.loads(form("sarif", report))
    jsonschema.validate(log, sarif_schema())
    assert [run["automationDetails"]["id"].count("/") >= 2 for run in log["runs"]] == [True] * 4
    first = log["runs"][0]
    assert [result["level"] for result in first["results"]] == ["error", "warning", "note"]
    assert all(
        first["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in first["results"]
    )


def test_sarif_rules_carry_the_help_of_explain() -> None:
    rule = json.loads(form("sarif"))["runs"][0]["tool"]["driver"]["rules"][0]
    assert "from 2025-12-10: reject" in rule["help"]["text"]
    assert rule["helpUri"].startswith("https://")
    place = json.loads(form("sarif"))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "apps/shop/requirements.txt"
    assert place["region"] == {"startLine": 3, "snippet": {"text": "flask==3.0"}}


def test_fingerprints_last_when_lines_move_and_differ_between_findings() -> None:
    moved = replace(REJECTED, evidence=(replace(REJECTED.evidence[0], line=30),))
    before = replace(mixed(), platforms=(platform("heroku", "reject", REJECTED, REJECTED),))
    after = replace(mixed(), as_of="2027-01-01", platforms=(platform("heroku", "reject", moved, moved),))
    prints = [
        [fingerprint(said, seen) for said in said_in([r])]
        for r in (before, after)
        for seen in [dict[str, int]()]
    ]
    assert prints[0] == prints[1]
    assert len(set(prints[0])) == 2


@pytest.mark.parametrize("report", [mixed(), hostile()], ids=["mixed", "hostile"])
def test_junit_is_read_by_junitparser(report: Report, tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(form("junit", report), encoding="utf-8")
    suites = {suite.name: suite for suite in junitparser.JUnitXml.fromfile(str(tmp_path / "r.xml"))}
    counted = [(s.tests, s.failures, s.errors) for s in suites.values()]
    assert counted == [(4, 1, 0), (5, 1, 0), (3, 0, 1), (5, 0, 0)]
    for suite in suites.values():
        cases = list(suite)
        assert len(cases) == suite.tests
        assert sum(any(isinstance(r, junitparser.Failure) for r in c.result) for c in cases) == suite.failures


def test_gitlab_issues_have_gitlabs_shape() -> None:
    shape = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "fingerprint": {"pattern": "^[0-9a-f]{32}$"},
                "location": {
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^[^./]"},
                        "lines": {"required": ["begin"], "properties": {"begin": {"minimum": 1}}},
                    },
                },
            },
        },
    }
    issues = json.loads(form("gitlab"))
    jsonschema.validate(issues, shape)
    assert [issue["severity"] for issue in issues] == ["blocker", "blocker", "major", "minor", "info"]
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert issues[1]["location"] == {"path": "apps/shop/app.py", "lines": {"begin": 2}}


def test_concise_lines_are_clickable() -> None:
    lines = form("concise").splitlines()
    assert lines[0] == (
        "apps/shop/requirements.txt:3: heroku/multiple-package-managers "
        "Files of more than one package manager [reject]"
    )
    assert len(lines) == 5


def test_json_lines_end_with_the_whole() -> None:
    lines = [json.loads(line) for line in form("json-lines").splitlines()]
    assert [line["event"] for line in lines] == ["platform-result"] * 4 + ["result"]
    assert lines[-1]["statuses"]["streamlit-cloud"] == "unknown"


def test_the_schema_of_the_result_accepts_the_document() -> None:
    from predeploy.report.schema import schema_of

    jsonschema.validate(document(mixed()), schema_of("result"))


# --- GitHub -----------------------------------------------------------------------------------------


def test_annotations_are_worst_first_and_within_githubs_limit() -> None:
    many = tuple(replace(REJECTED, decisive=False, rule=f"heroku/r{n}") for n in range(30))
    warned = platform("heroku", "reject", *(replace(f, severity="warn") for f in many[:3]), *many, REJECTED)
    printed = form("github", replace(mixed(), platforms=(warned,)))
    commands = re.findall(r"^::(error|warning|notice) .*title=([^:]*)", printed, re.MULTILINE)
    assert [kind for kind, _ in commands] == ["error"] * PER_STEP + ["warning"] * 3
    assert commands[0][1].startswith("heroku/multiple-package-managers")
    assert "21 more findings" in printed


def test_paths_are_relative_to_the_checkout() -> None:
    report = mixed(app="/home/runner/work/shop/apps/shop")
    sheet = replace(SHEET, root="/home/runner/work/shop")
    assert "::error file=apps/shop/requirements.txt,line=3," in form("github", report, sheet=sheet)
    assert json.loads(form("gitlab", report, sheet=sheet))[0]["location"]["path"].startswith("apps/shop/")


def test_a_summary_is_cut_before_githubs_limit() -> None:
    long = replace(REJECTED, message="many words " * 20_000)
    report = replace(mixed(), platforms=(platform("heroku", "reject", *[long] * 10),))
    text = summary([report], SHEET)
    assert len(text.encode()) <= SUMMARY_BYTES
    assert "Cut here" in text
    assert "Cut here" not in summary([mixed()], SHEET)


# --- several ----------------------------------------------------------------------------------------


def test_results_of_one_app_and_day_become_one() -> None:
    first = replace(mixed(), platforms=mixed().platforms[:2])
    second = replace(mixed(), platforms=(platform("platformsh", "accept"), mixed().platforms[2]))
    other = mixed(app="apps/other")
    merged = merged_reports([first, second, other])
    assert [report.app for report in merged] == ["apps/shop", "apps/other"]
    assert {r.platform: r.status for r in merged[0].platforms} == {
        "heroku": "reject",
        "platformsh": "accept",
        "streamlit-cloud": "unknown",
    }


def test_several_reports_are_read_back(tmp_path: Path) -> None:
    both = (mixed(), mixed(app="apps/other"))
    (tmp_path / "all.json").write_text(json.dumps(documents(both, exit_code=1)))
    assert [document(r) for r in read_results(tmp_path / "all.json")] == [document(r) for r in both]
    for name in FORMATS:
        assert "apps/other" in form(name, *both).replace("\\", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "x.json:1: not valid JSON"),
        ("[]", "not a result of predeploy"),
        ('{"schema_version": 2}', "schema_version 2; this predeploy reads 1"),
        ('{"schema_version": 1, "app": 3}', "not a result of predeploy: "),
        ("\ufeff{}", "not a result of predeploy"),
        ("[" * 100_000, "nests deeper than we read"),
    ],
)
def test_what_is_not_a_result_is_one_clear_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(problem)):
        read_results(tmp_path / "x.json")


# --- hostile ----------------------------------------------------------------------------------------

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe]")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("width", [40, 200])
def test_nothing_hostile_reaches_the_reader(name: str, width: int) -> None:
    text = form(name, hostile(), sheet=replace(SHEET, width=width))
    assert UNSEEN.findall(text) == []
    if name in {"json", "json-lines"}:
        return  # data: every character that could act is escaped by JSON itself
    for command in re.findall(r"^\s*::.*", text, re.MULTILINE):
        assert name == "github", command
        assert re.match(r"::(?:error|warning|notice) file=|::group::|::endgroup::$", command), command
        assert "::" not in command.split("::", 2)[2] or "::group" not in command.split("::", 2)[2]
    if name in {"text", "concise", "github"}:
        assert not re.search(r"##(?:\[|vso\[)", text.replace("%0A", ""))
    if name == "markdown":  # code spans and blocks show what they hold
        text = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    if name in {"html", "markdown"}:
        assert "<script>window" not in text
        assert "<img" not in text
    if name == "markdown":
        assert "@someone" not in text
        assert "](" not in text.replace("\\]", "")


def test_a_hostile_name_does_not_break_a_table() -> None:
    lines = form("markdown", hostile()).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {10}


def test_a_hostile_log_does_not_leave_its_fence() -> None:
    report = everywhere(mixed(), lambda text: text + "\n```\n<b>out</b>\n````\n")
    text = form("markdown", report)
    fences = [line for line in text.splitlines() if re.fullmatch(r"`{3,}(text)?", line)]
    opened = [fence for fence in fences if fence.endswith("text")]
    assert opened
    assert {fence.removesuffix("text") for fence in opened} == {"`````"}


# --- secrets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_masked_results_show_no_secret_in_any_form(name: str) -> None:
    from predeploy.report.masking import masked
    from support.results import secrets_of

    secret = "s3cr3t&<'%:,>x"
    leaky: Any = everywhere(mixed(), lambda text: text)
    step = replace(
        leaky.platforms[1].execution.steps[1],
        tail=f"pulling https://user:{'pw0rd'}@host/simple\nTOKEN={secret}",
        shell=f"curl -H {secret} https://tok3n@host/",
    )
    finding = replace(
        REJECTED,
        message=f"set to {secret}",
        evidence=(replace(REJECTED.evidence[0], text=f"--index-url https://user:pw0rd@host/ {secret}"),),
    )
    run = replace(leaky.platforms[1].execution, steps=(step,))
    leaky = replace(leaky, platforms=(replace(leaky.platforms[1], execution=run, findings=(finding,)),))
    text = form(name, masked(leaky, secrets_of(secret)))
    for word in ("s3cr3t", "pw0rd", "tok3n"):
        assert word not in text
    assert len(HOSTILE) > 0
