"""Stand-ins for real distributions: their names, a local version, and just enough behaviour to start."""

from __future__ import annotations

from pathlib import Path

from support.index import LocalIndex
from support.wheels import Distribution

LOCAL = "+standin"
"""Local version of every stand-in: 3.0.3+standin satisfies ==3.0.3."""

_CODE = Path(__file__).parent / "standin_code"

_FILES: dict[str, dict[str, str]] = {
    "flask": {"flask/__init__.py": "flask_main.py"},
    "gunicorn": {"gunicorn/_server.py": "gunicorn_server.py", "gunicorn/app/wsgiapp.py": "gunicorn_main.py"},
    "functions-framework": {"functions_framework/__init__.py": "functions_framework_main.py"},
    "firebase-functions": {"firebase_functions/private/serving.py": "firebase_serving.py"},
    "streamlit": {"streamlit/__init__.py": "streamlit_main.py", "streamlit/web/cli.py": "streamlit_cli.py"},
}
"""Path in the wheel to source file, for the stand-ins that behave."""

_EXTRA_FILES: dict[str, dict[str, str]] = {
    "gunicorn": {
        "gunicorn/__init__.py": "",
        "gunicorn/app/__init__.py": "",
        "gunicorn/__main__.py": "from gunicorn.app.wsgiapp import run\n\nrun()\n",
    },
    "firebase-functions": {
        "firebase_functions/__init__.py": "",
        "firebase_functions/private/__init__.py": "",
        "firebase_functions/https_fn.py": (
            "def on_request(**options):\n"
            "    def declare(function):\n"
            "        function.__firebase_endpoint__ = options\n"
            "        return function\n\n"
            "    return declare\n"
        ),
    },
    "functions-framework": {
        "functions_framework/__main__.py": "from functions_framework import main\n\nmain()\n"
    },
    "streamlit": {
        "streamlit/__main__.py": "from streamlit.web.cli import main\n\nmain()\n",
        "streamlit/web/__init__.py": "",
        "streamlit/components/__init__.py": "",
        "streamlit/components/v1/__init__.py": "from streamlit import __getattr__\n",
    },
}

_SCRIPTS: dict[str, dict[str, str]] = {
    "gunicorn": {"gunicorn": "gunicorn.app.wsgiapp:run"},
    "functions-framework": {"functions-framework": "functions_framework:main"},
    "streamlit": {"streamlit": "streamlit.web.cli:main"},
}

_REQUIRES: dict[str, tuple[str, ...]] = {
    "flask": ("Werkzeug>=3.0.0", "Jinja2>=3.1.2", "click>=8.1.3"),
    "werkzeug": ("MarkupSafe>=2.1.1",),
    "jinja2": ("MarkupSafe>=2.0",),
    "gunicorn": ("packaging",),
    "cloudevents": ("packaging",),
    "uvicorn": ("click>=7.0",),
    "uvicorn-worker": ("uvicorn>=0.14.0", "gunicorn>=20.1.0"),
    "starlette": ("anyio>=3.4.0,<5",),
    "anyio": ("idna>=2.8",),
    "functions-framework": (
        *(
            "flask>=2.0,<4.0",
            "click>=7.0,<9.0",
            "watchdog>=1.0.0",
            "gunicorn>=22.0.0",
            "cloudevents<2,>=1.2.0",
        ),
        *("Werkzeug>=0.14,<4.0.0", "starlette>=0.37.0", "uvicorn>=0.18.0", "uvicorn-worker>=0.2.0"),
    ),
    "firebase-functions": ("flask>=2.1.2", "functions-framework>=3.0.0"),
    "streamlit": ("rich>=10", "click>=7.0,<9", "packaging>=20"),
}

_SPELLING = {"flask": "Flask", "werkzeug": "Werkzeug", "jinja2": "Jinja2", "markupsafe": "MarkupSafe"}

REAL: tuple[tuple[str, str], ...] = (
    *(("flask", "3.0.3"), ("werkzeug", "3.0.6"), ("jinja2", "3.1.6"), ("markupsafe", "2.1.5")),
    *(("gunicorn", "22.0.0"), ("gunicorn", "23.0.0"), ("gunicorn", "26.0.0")),
    *(("functions-framework", "3.10.2"), ("firebase-functions", "0.6.0")),
    *(("cloudevents", "1.11.0"), ("uvicorn", "0.33.0"), ("uvicorn-worker", "0.2.0"), ("watchdog", "4.0.2")),
    *(("starlette", "0.44.0"), ("starlette", "0.49.1"), ("starlette", "1.3.1")),
    *(("click", "8.1.8"), ("anyio", "4.5.2"), ("idna", "3.15"), ("packaging", "25.0")),
    *(("streamlit", "1.67.0"), ("rich", "14.0.0"), ("requests", "2.32.0")),
)
"""Name and version of every stand-in of `standard_index`; each is served with `LOCAL` appended."""

PLAIN: tuple[Distribution, ...] = (
    Distribution(name="alpha", version="1.0"),
    Distribution(name="alpha", version="2.0"),
    Distribution(name="beta", version="1.0", requires=("alpha<2",)),
    Distribution(name="needs-new", version="1.0", requires_python=">=3.99"),
    Distribution(name="sdistonly", version="1.0", sdist_only=True),
    Distribution(name="brokensdist", version="1.0", broken_sdist=True),
    Distribution(name="withdrawn", version="1.0"),
    Distribution(name="withdrawn", version="1.1", yanked="was wrong"),
    Distribution(name="with-extra", version="1.0", extras={"more": ("alpha",)}),
    Distribution(name="with-script", version="1.0", scripts={"with-script": "builtins:print"}),
    Distribution(name="dangling", version="1.0", requires=("no-such-distribution",)),
    Distribution(name="conflicted-left", version="1.0", requires=("conflicted-base<2",)),
    Distribution(name="conflicted-right", version="1.0", requires=("conflicted-base>=2",)),
    Distribution(name="conflicted-base", version="1.0"),
    Distribution(name="conflicted-base", version="2.0"),
)
"""Made-up projects; the conflicted pair cannot be resolved, and leaves ``pip check`` unhappy when forced."""


def standin(name: str, version: str, *, local: str = LOCAL) -> Distribution:
    """Return the stand-in of a real distribution; a name without behaviour is one empty module."""
    version = version + local
    files = {
        path: (_CODE / source).read_text(encoding="utf-8") for path, source in _FILES.get(name, {}).items()
    }
    files |= _EXTRA_FILES.get(name, {})
    module = name.replace("-", "_")
    if files:
        top = f"{module}/__init__.py"
        files[top] = f'{files[top]}\n__version__ = "{version.removesuffix(local)}"\n'
    return Distribution(
        name=_SPELLING.get(name, name),
        version=version,
        requires=_REQUIRES.get(name, ()),
        files=files,
        scripts=_SCRIPTS.get(name, {}),
    )


def standard_index() -> LocalIndex:
    """Return an index, not started yet, that holds every stand-in and every plain distribution."""
    index = LocalIndex()
    for name, version in REAL:
        index.add(standin(name, version))
    for dist in PLAIN:
        index.add(dist)
    return index
