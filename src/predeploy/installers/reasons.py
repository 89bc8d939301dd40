"""What pip or uv says about an install that failed, in one sentence that names the requirement."""

from __future__ import annotations

import re

from predeploy.lazy import pattern

LIMIT = 400
"""Characters of a reason."""

_FRAME = dict.fromkeys(map(ord, "\u2500\u25b6\u2502\u256d\u256e\u256f\u2570\u251c"), " ")
_COLLECTING = pattern(r"^\s*(?:Collecting|Processing) (\S.*?)(?: \(from .*)?$")
_SOURCE = pattern(r"^\s*(?:Downloading|Using cached) \S+\.(?:tar\.gz|zip|tar\.bz2)\b")
_NOTHING_FITS = pattern(
    r"^ERROR: Could not find a version that satisfies the requirement (.+?) \(from versions: (.*)\)"
)
_NOT_BUILT = pattern(
    r"^\s*ERROR: (?:Failed to build '([^']+)' when |Failed building wheel for (\S+)|"
    r"Failed to build installable wheels for .*\(([^)]+)\)|Could not build wheels for ([^,]+),)"
)
_CAUSE = pattern(
    r"(?:^|[\s.])(?P<shown>(?:[A-Z]\w*)?(?:Error|Exception|Unavailable)\b: \S.*|fatal error: \S.*|"
    r"error: (?!subprocess-exited|metadata-generation|legacy-install|command '?\S*(?:gcc|cc)\b)\S.*)"
)
_UV_BUILD = pattern(r"Failed to (?:download and )?build `([^`]+)`")
_BLOCK_END = ("hint:", "[stdout]", "[stderr]", "--- std")
_LACKING = pattern(
    r"can not find valid pkg-config name|pkg-config(?::| for machine .*) not found|"
    r"(?:pg_config executable|mysql_config|xml2-config|curl-config|"
    r"(?<![\w.+-])[\w.+-]++ library) (?:was )?not found|"
    r"did not find pkg-config|dependency lookup for \S+ with method .pkgconfig. failed|"
    r"fatal error: (?!python\.h|sqlite3\.h)\S+\.h(?:pp)?: no such file or directory|"
    r"cannot find -l\w+|command '?\S*(?:gcc|cc|g\+\+|c\+\+)'? failed: no such file|"
    r"unable to execute '?\S*(?:gcc|cc|g\+\+|c\+\+)'?:|unknown compiler\(s\)",
    re.IGNORECASE,
)
"""Not here: Heroku's own builds end the same way on ``sqlite3.h`` and ``gdal-config``."""


def lacking(output: str) -> str:
    """Return the line of a build that misses a compiler or a system library, empty when there is none.

    The host's image may well have it, so such a failure says nothing about the host.
    """
    return next((line.strip()[:200] for line in output.splitlines() if _LACKING.search(line)), "")


def reason(output: str) -> str:
    """Return why an install failed, empty when its output is none that is known here."""
    lines = output.splitlines()
    text = _of_uv(lines) or _of_pip(lines)
    return text if len(text) <= LIMIT else text[: LIMIT - 1].rstrip() + "\u2026"


def _of_uv(lines: list[str]) -> str:
    starts = [number for number, line in enumerate(lines) if line.strip().startswith("\u00d7 ")]
    for start in reversed(starts):
        said = []
        for line in lines[start:]:
            text = line.translate(_FRAME).strip().lstrip("\u00d7 ")
            if not text or text.startswith(_BLOCK_END):
                break
            said.append(text)
        whole = " ".join(said)
        build = _UV_BUILD.search(whole)
        if build is not None:
            return _not_built(build[1], lines[start:], source=True)
        if "No solution found" in whole:
            because = whole.partition(": ")[2] or whole
            return because.rstrip(".") + _hint(lines[start:])
    return ""


def _hint(lines: list[str]) -> str:
    found = next((line.strip() for line in lines if line.strip().startswith("hint: ")), "")
    return f" ({found.removeprefix('hint: ').rstrip('.')})" if found else ""


def _of_pip(lines: list[str]) -> str:
    for line in lines:
        fit = _NOTHING_FITS.match(line)
        if fit is not None:
            return _nothing_fits(fit[1], fit[2])
    for number, line in enumerate(lines):
        if line.strip() == "The conflict is caused by:":
            said = [text.strip() for text in lines[number + 1 :]]
            said = said[: said.index("")] if "" in said else said
            return "these contradict each other: " + ", ".join(said)
    for line in lines:
        built = _NOT_BUILT.match(line)
        if built is not None:
            name = next(group for group in built.groups() if group)
            return _not_built(_collected(name, lines), lines, source=_from_source(name, lines))
    collected = _last_collected(lines)
    if collected:
        return _not_built(collected, lines, source=_from_source(collected, lines))
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return "" if not errors or errors[-1] == "Exception:" else errors[-1]


def _last_collected(lines: list[str]) -> str:
    """Return what pip had just collected when its build failed without naming it, or pip itself broke."""
    collected = ""
    for line in lines:
        match = _COLLECTING.match(line)
        collected = match[1] if match is not None else collected
        if line.strip() == "error: subprocess-exited-with-error":
            return collected
    last = next((line for line in reversed(lines) if line.strip()), "")
    return collected if "pyproject_hooks" in last else ""


def _nothing_fits(requirement: str, versions: str) -> str:
    if versions.strip() in {"", "none"}:
        return f"the index has nothing for {requirement} that this Python and Linux can install"
    newest = versions.split(", ")[-1]
    return f"no version fits {requirement}: the newest that this Python can install is {newest}"


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _collected(name: str, lines: list[str]) -> str:
    """Return the requirement as it was asked for, such as ``numpy==1.24.0``."""
    for line in lines:
        match = _COLLECTING.match(line)
        if match is not None and _name(match[1]) == _name(name):
            return match[1]
    return name


def _from_source(requirement: str, lines: list[str]) -> bool:
    for number, line in enumerate(lines):
        match = _COLLECTING.match(line)
        if match is not None and _name(match[1]) == _name(requirement):
            return any(_SOURCE.match(after) for after in lines[number + 1 : number + 3])
    return False


def _not_built(requirement: str, lines: list[str], *, source: bool) -> str:
    """Say that a source distribution could not be built, with the last error it gave."""
    causes = [match["shown"] for line in lines if (match := _CAUSE.search(line.translate(_FRAME).rstrip()))]
    why = f": {causes[-1].strip().rstrip('.')}" if causes else ""
    local = "://" in requirement or requirement.startswith((".", "/"))
    if source and not local:
        return f"{requirement} has no wheel for this Python, and its source could not be built{why}"
    return f"{requirement} could not be built{why}"
