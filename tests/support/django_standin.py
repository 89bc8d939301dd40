"""Stand-ins for Django, NLTK and psycopg2: just enough for what a host runs of them during a build."""

from __future__ import annotations

from support.index import LocalIndex
from support.wheels import Distribution

MANAGE = """\
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""
"""What every Django project has in its manage.py, in short."""

_MANAGEMENT = '''\
"""collectstatic: write one file into STATIC_ROOT."""
import importlib
import os
import sys


def execute_from_command_line(argv):
    settings = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    assert argv[1:] == ["collectstatic", "--noinput", "--traceback"], argv
    if not getattr(settings, "STATIC_ROOT", None):
        from django.core.exceptions import ImproperlyConfigured

        raise ImproperlyConfigured("STATIC_ROOT is not set")
    os.makedirs(settings.STATIC_ROOT, exist_ok=True)
    with open(os.path.join(settings.STATIC_ROOT, "base.css"), "w") as file:
        file.write("a {}")
    print("1 static file copied to", settings.STATIC_ROOT)
'''

_DOWNLOADER = '''\
"""Prints what the real one prints, and ends as it ends."""
import os
import sys


def main(argv):
    assert argv[0] == "-d", argv
    os.makedirs(argv[1], exist_ok=True)
    for name in argv[2:]:
        if name == "offline":
            print("[nltk_data] Error loading a_data_set_with_a_long_name: <urlopen")
            print("[nltk_data]     error [Errno -3] Temporary trouble>")
        elif name != "punkt":
            print(f"[nltk_data] Error loading {name}: Package {name!r} not found in index")
        else:
            with open(os.path.join(argv[1], name), "w") as file:
                file.write(os.environ.get("SAID", ""))
            print(f"[nltk_data] Downloading package {name} to {argv[1]}...")
            continue
        print("Error installing package. Retry? [n/y/e]")
        input()


if __name__ == "__main__":
    main(sys.argv[1:])
'''

DJANGO = Distribution(
    name="django",
    version="5.2",
    files={
        "django/__init__.py": "",
        "django/core/__init__.py": "",
        "django/core/exceptions.py": "class ImproperlyConfigured(Exception):\n    pass\n",
        "django/core/management/__init__.py": _MANAGEMENT,
    },
)
NLTK = Distribution(
    name="nltk", version="3.10.4", files={"nltk/__init__.py": "", "nltk/downloader.py": _DOWNLOADER}
)
PSYCOPG2 = Distribution(name="psycopg2", version="2.9.10")


def add_to(index: LocalIndex) -> None:
    """Serve all of them."""
    for dist in (DJANGO, NLTK, PSYCOPG2):
        index.add(dist)
