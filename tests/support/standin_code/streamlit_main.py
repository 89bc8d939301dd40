"""Stand-in for streamlit: every element is a no-op, so that a script runs to its end."""
# ruff: noqa: N818 -- the names, arguments and habits of the real one

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROWS = {"columns", "tabs"}


class StopException(Exception):
    """Ends a script on purpose."""


class Anything:
    """Answers to every call, attribute, ``with`` and loop; false in conditions."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        decorates = len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], Anything)
        return args[0] if decorates else Anything()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return row if name in _ROWS else Anything()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False


class SessionState(dict[str, Any]):
    """A dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class Secrets:
    """Values of .streamlit/secrets.toml in the home or the working directory; a missing file or key raises."""

    def _load(self) -> dict[str, Any]:
        import tomllib

        paths = [place / ".streamlit" / "secrets.toml" for place in (Path.home(), Path.cwd())]
        texts = [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
        if not texts:
            raise FileNotFoundError(f"No secrets found: {paths[-1]}")
        return tomllib.loads("\n".join(texts))

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._load()[name]

    def get(self, key: str, default: Any = None) -> Any:
        return self._load().get(key, default)


def row(spec: Any = 1, *args: Any, **kwargs: Any) -> list[Any]:
    """Return as many elements as were asked for."""
    return [Anything() for _ in (range(spec) if isinstance(spec, int) else spec)]


def stop() -> None:
    raise StopException


columns = tabs = row
secrets = Secrets()
session_state = SessionState()


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return Anything()
