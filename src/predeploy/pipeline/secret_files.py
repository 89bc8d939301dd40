"""Files with secrets that the host keeps outside the tree, put into the home of the started app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from predeploy.errors import ToolError, at
from predeploy.model.decisions import BuildPlan

SIZE_LIMIT = 1024 * 1024


def copied(plan: BuildPlan, app: Path, home: Path) -> tuple[str, ...]:
    """Copy the plan's files into ``home`` and return the secret values in them, which no output may show.

    Raise :class:`ToolError` for a file that is not there or not TOML.
    """
    values: list[str] = []
    for place, given in plan.home_files.items():
        source = app / given
        if not source.resolve().is_relative_to(app.resolve()):  # what an app's own settings name, it gets
            raise ToolError(at(source, None, "lies outside of the app"))
        text = _text(source)
        target = home / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o600)
        values += _values(_parsed(source, text))
    return tuple(dict.fromkeys(values))


def _text(source: Path) -> str:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ToolError(at(source, None, (error.strerror or "cannot be read").lower())) from None
    if len(data) > SIZE_LIMIT:
        raise ToolError(at(source, None, "is too large for secrets"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ToolError(at(source, 1, "is not UTF-8")) from None


def _parsed(source: Path, text: str) -> Mapping[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ToolError(at(source, None, "is not valid TOML")) from None  # the text itself is secret


def _values(table: Mapping[str, object]) -> Iterator[str]:
    for value in table.values():
        yield from _leaves(value)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _values(value)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
