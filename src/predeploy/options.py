"""Every option of a run, declared once.

A row here becomes a flag, an environment variable, a key of ``[tool.predeploy]``, a property of the
configuration's JSON schema and a line of the reference. An option whose ``name`` is a field of
:class:`predeploy.settings.RunRequest` arrives there without further code.
"""

from __future__ import annotations

import os

from predeploy.option import FORMATS, Option

JUDGES = frozenset({"check", "plan", "build", "forecast", "matrix"})
"""Commands that choose apps, platforms and days."""
RUNS = frozenset({"build", "matrix"})
"""Commands that run a build."""
ANSWERS = frozenset({"check", "build", "matrix"})
"""Commands whose answer is a result document."""


OPTIONS: tuple[Option, ...] = (
    Option(
        name="platforms",
        flag="--platform",
        short="-p",
        kind="texts",
        metavar="ID",
        key="platforms",
        commands=JUDGES,
        help="Platform to judge; repeatable. Default: all built-in ones.",
    ),
    Option(
        name="platform_directories",
        flag="--platform-dir",
        kind="paths",
        metavar="DIR",
        key="platform-dirs",
        variable="PREDEPLOY_PLATFORM_PATH",
        separator=os.pathsep,
        commands=JUDGES,
        help="Directory with further profiles; one may override a built-in.",
    ),
    Option(
        name="as_of",
        flag="--as-of",
        kind="day",
        metavar="DAY",
        commands=JUDGES - {"matrix"},
        help="Day to answer for, such as 2027-01-06 (default: today).",
    ),
    Option(
        name="build",
        flag="--build",
        kind="switch",
        default=False,
        configurable=False,  # looking at apps must not run them because one of them says so
        commands=frozenset({"matrix"}),
        help="Build the apps, up to --until, instead of judging them statically.",
    ),
    Option(
        name="days",
        flag="--day",
        kind="texts",
        metavar="DAY",
        key="days",
        commands=frozenset({"matrix"}),
        help="Day to answer for; repeatable (default: today).",
    ),
    Option(
        name="sets",
        flag="--set",
        kind="texts",
        metavar="PLATFORM.KEY=VALUE",
        tabular=True,
        commands=JUDGES,
        help="What the host keeps outside the tree; [tool.predeploy.platform.PLATFORM] in the configuration.",
    ),
    Option(
        name="cached_python",
        flag="--cached-python",
        metavar="X.Y.Z",
        commands=JUDGES,
        help="Python of the previous build, which some hosts keep; as --set PLATFORM.cached_python=X.Y.Z.",
    ),
    Option(
        name="env_pairs",
        flag="--env",
        kind="texts",
        metavar="NAME=VALUE",
        tabular=True,
        commands=JUDGES,
        help="A config var of the app; [tool.predeploy.env] in the configuration.",
    ),
    Option(
        name="env_files",
        flag="--env-file",
        kind="paths",
        metavar="FILE",
        key="env-files",
        separator=os.pathsep,
        commands=JUDGES,
        help="File of NAME=VALUE lines; repeatable.",
    ),
    Option(
        name="current_packages",
        flag="--current-packages",
        kind="switch",
        default=False,
        commands=frozenset({"plan", "build", "matrix"}),
        help="With --as-of in the past, install the packages of today all the same.",
    ),
    Option(
        name="strict",
        flag="--strict",
        kind="switch",
        negative=True,
        commands=ANSWERS | {"report"},
        help="Exit 3 when something is unknown (default: when CI is set).",
    ),
    Option(
        name="until",
        flag="--until",
        kind="choice",
        choices=("install", "verify", "boot"),
        default="boot",
        commands=RUNS,
        help="Last phase to run (default: boot).",
    ),
    Option(
        name="jobs",
        flag="--jobs",
        short="-j",
        kind="integer",
        minimum=1,
        metavar="N",
        commands=RUNS,
        help="Platforms at the same time (default: cores).",
    ),
    Option(
        name="keep",
        flag="--keep",
        kind="switch",
        default=False,
        commands=RUNS,
        help="Keep the work directories of successful builds too.",
    ),
    Option(
        name="work_dir",
        flag="--work-dir",
        kind="path",
        metavar="DIR",
        configurable=False,
        commands=RUNS,
        help="Where to make the work directories (default: the system's temporary directory).",
    ),
    Option(
        name="sandbox",
        flag="--sandbox",
        kind="choice",
        choices=("auto", "bwrap", "none"),
        default="auto",
        configurable=False,  # it is there to protect from the app
        commands=RUNS,
        help="What keeps the build apart from this machine (default: auto, bubblewrap where it works).",
    ),
    Option(
        name="network",
        flag="--network",
        kind="choice",
        choices=("auto", "host", "none"),
        default="auto",
        configurable=False,
        commands=RUNS,
        help="Network of the build (default: auto, this machine's for the install and the app's own loopback "
        "after it; host: this machine's all along).",
    ),
    Option(
        name="expose",
        flag="--expose",
        kind="paths",
        metavar="PATH",
        separator=os.pathsep,
        configurable=False,
        commands=RUNS,
        help="File or directory of this machine that the sandbox shows too, read-only: a local repository, "
        "say, that the app installs from.",
    ),
    Option(
        name="services",
        flag="--service",
        kind="texts",
        metavar="NAME=URL",
        variable="PREDEPLOY_SERVICES",
        separator=" ",
        configurable=False,  # a foreign app must not name servers that its reader's machine reaches
        commands=RUNS,
        help="A running service for the app's hooks and its start, by the name of its relationship or of the "
        "service, such as database=postgresql://user:password@127.0.0.1/main; repeatable. They then have "
        "this machine's network.",
    ),
    Option(
        name="limits",
        flag="--limit",
        kind="texts",
        metavar="[PHASE.]KIND=VALUE",
        configurable=False,
        commands=RUNS,
        help="Most that a step may use: time=600, memory=2G, processes=200, output=64M, disk=5G; of one "
        "phase with install., verify. or boot. in front. Repeatable.",
    ),
    Option(
        name="boot_timeout",
        flag="--boot-timeout",
        kind="number",
        minimum=0.1,
        metavar="SECONDS",
        commands=RUNS,
        help="Give up on a start earlier than the host would.",
    ),
    Option(
        name="fetch_python",
        flag="--fetch-python",
        kind="switch",
        negative=True,
        default=True,
        commands=RUNS,
        help="Ask uv for a Python that is not here (default: yes).",
    ),
    Option(
        name="exact",
        flag="--exact",
        kind="switch",
        default=False,
        commands=RUNS,
        help="Install with the host's tools alone: nothing placed by uv, no decision used again.",
    ),
    Option(
        name="refresh",
        flag="--refresh",
        kind="switch",
        default=False,
        commands=RUNS,
        help="Forget what was decided in earlier runs: every package manager decides anew.",
    ),
    Option(
        name="quiet",
        flag="--quiet",
        short="-q",
        kind="switch",
        default=False,
        commands=RUNS,
        help="No progress, only the answer.",
    ),
    Option(
        name="verbose",
        flag="--verbose",
        short="-v",
        kind="switch",
        default=False,
        commands=RUNS,
        help="Show what every step prints.",
    ),
    Option(
        name="output_format",
        flag="--format",
        short="-f",
        kind="choice",
        choices=FORMATS,
        commands=ANSWERS | {"report"},
        help="Form of the answer (default: text; github in GitHub Actions).",
    ),
    Option(
        name="reports",
        flag="--report",
        kind="texts",
        metavar="FORMAT:FILE",
        key="reports",
        commands=ANSWERS | {"report"},
        help="Write the answer in a further form to FILE; repeatable. Configured files lie below the app.",
    ),
    Option(
        name="output_file",
        flag="--output-file",
        short="-o",
        kind="path",
        metavar="FILE",
        configurable=False,
        commands=ANSWERS | {"plan", "forecast", "report"},
        help="Write the answer there instead of to stdout.",
    ),
)


def options_of(command: str) -> tuple[Option, ...]:
    """Return the options a command has, in the order of the table."""
    return tuple(option for option in OPTIONS if command in option.commands)
