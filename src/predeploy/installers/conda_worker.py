"""A stand-in for ``conda env create``: solves an environment.yml for linux-64 and links it, by py-rattler.

It runs as a process of its own, like every tool, and takes conda's own words and variables:
``conda env create --prefix DIR --file FILE``, ``CONDA_CHANNEL_ALIAS``, ``CONDA_PKGS_DIRS``,
``CONDA_OVERRIDE_GLIBC``. Of conda's behaviour it keeps what decides whether an environment comes about: the
channels in their order, pip as a part of Python, link scripts, and the pip section last, by the environment's
own pip. Errors begin with a word that the profile's rules look for.

It imports nothing of predeploy: a sandbox shows it alone, beside the interpreter that has py-rattler.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

SUBDIR: Final = "linux-64"
EXCLUDE_NEWER = "PREDEPLOY_CONDA_EXCLUDE_NEWER"
"""Our own variable, since conda has none: packages from that moment on are not seen."""


@dataclass(frozen=True)
class Wanted:
    """What an environment.yml asks for."""

    channels: tuple[str, ...]
    packages: tuple[str, ...]
    pip: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> None:
    """Be the program."""
    parser = argparse.ArgumentParser(prog="conda")
    parser.add_argument("words", nargs=2, metavar="env create")
    parser.add_argument("--prefix", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args(argv)
    if given.words != ["env", "create"]:
        parser.error("only env create is here")
    wanted = read(given.file)
    _create(wanted, given.prefix)
    if wanted.pip:
        _pip(wanted.pip, given.prefix, given.file)


def read(path: Path) -> Wanted:
    """Return what a file asks for; end the program on one that conda does not take."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise _failed("EnvironmentFileInvalid", str(error)) from None
    if not isinstance(data, dict) or not isinstance(data.get("dependencies", []), list):
        raise _failed("EnvironmentFileInvalid", "it is not a mapping with a list of dependencies")
    packages, pip = [], []
    for item in data.get("dependencies") or []:
        if isinstance(item, dict):
            pip += [str(line) for line in item.get("pip") or []]
        else:
            packages.append(str(item))
    return Wanted(tuple(str(name) for name in data.get("channels") or []), tuple(packages), tuple(pip))


def _create(wanted: Wanted, prefix: Path) -> None:
    import asyncio

    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    specs = []
    for text in wanted.packages:
        try:
            specs.append(MatchSpec(text))
        except InvalidMatchSpecError as error:
            raise _failed("InvalidMatchSpec", f"{text!r}: {_first_line(error)}") from None
    asyncio.run(_solved_and_linked(wanted, specs, prefix))


async def _solved_and_linked(wanted: Wanted, specs: list[Any], prefix: Path) -> None:
    import rattler

    cache = Path(os.environ.get("CONDA_PKGS_DIRS") or prefix.parent / "conda-packages")
    cache.mkdir(parents=True, exist_ok=True)
    channels = [_channel(name) for name in wanted.channels if name != "nodefaults"]
    gateway = rattler.Gateway(cache_dir=cache / "repodata")
    _say(f"Channels: {', '.join(wanted.channels)}; platform: {SUBDIR}")
    names = await _known(gateway, channels, specs)
    records = await _solution(gateway, channels, specs, with_pip="pip" in names)
    for record in sorted(records, key=lambda record: record.name.normalized):
        _say(f"  {record.name.normalized} {record.version} {record.build}")
    try:
        await rattler.install(
            records,
            target_prefix=prefix,
            cache_dir=cache,
            platform=rattler.Subdir(SUBDIR),
            execute_link_scripts=True,
            show_progress=False,
        )
    except Exception as error:  # noqa: BLE001 - whatever py-rattler raises ends this program with its text
        raise _failed("PackagesNotLinked", str(error)) from None
    _say(f"Linked {len(records)} packages into {prefix}")


def _channel(name: str) -> Any:
    from rattler import Channel, ChannelConfig

    alias = os.environ.get("CONDA_CHANNEL_ALIAS")
    try:
        return Channel(name, ChannelConfig(channel_alias=alias.rstrip("/") + "/")) if alias else Channel(name)
    except Exception as error:  # noqa: BLE001 - a channel that is neither a name nor an address
        raise _failed("ChannelInvalid", f"{name}: {_first_line(error)}") from None


async def _known(gateway: Any, channels: list[Any], specs: list[Any]) -> frozenset[str]:
    """Return the names the channels have; end the program when one that is asked for is not among them."""
    wanted = {spec.name.normalized for spec in specs if spec.name is not None}
    names = sorted(wanted | {"pip"})
    try:
        found = await gateway.query(channels, [SUBDIR, "noarch"], names, recursive=False)
    except Exception as error:  # noqa: BLE001 - py-rattler has no one error for channels
        raise _failed("ChannelUnavailable", str(error)) from None
    records = [record for repository in found for record in repository]
    known = frozenset(record.name.normalized for record in records)
    missing = sorted(wanted - known)
    if missing:
        raise _failed("PackagesNotFound", f"no channel has {', '.join(missing)} for {SUBDIR}")
    for spec in specs:
        own = [record for record in records if record.name.normalized == spec.name.normalized]
        if own and not any(spec.matches(record) for record in own):
            newest = max(own, key=lambda record: record.version)
            raise _failed(
                "VersionNotFound", f"nothing matches {spec}; the newest is {newest.version} {newest.build}"
            )
    return known


async def _solution(gateway: Any, channels: list[Any], specs: list[Any], *, with_pip: bool) -> Any:
    """Return the records of the environment, the earlier channel first, then with all channels alike."""
    import rattler
    from rattler import ChannelPriority

    problem = ""
    for priority in (ChannelPriority.Strict, ChannelPriority.Disabled):
        try:
            return await rattler.solve(
                channels,
                specs,
                gateway=gateway,
                platforms=[SUBDIR, "noarch"],
                virtual_packages=_virtual_packages(),
                channel_priority=priority,
                exclude_newer=_moment(),
                timestamp_policy="allow-missing",
                add_pip_as_python_dependency=with_pip,
            )
        except Exception as error:  # noqa: BLE001 - the solver's reasons are texts
            problem = problem or str(error)
    raise _failed("Unsatisfiable", problem)


def _virtual_packages() -> list[Any]:
    """Return what the host is, not what this machine is."""
    from rattler import BuildString, GenericVirtualPackage, PackageName, Version

    glibc = os.environ.get("CONDA_OVERRIDE_GLIBC") or "2.36"
    facts = {
        "__linux": ("6.1", "0"),
        "__unix": ("0", "0"),
        "__glibc": (glibc, "0"),
        "__archspec": ("1", "x86_64"),
    }
    return [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
        for name, (version, build) in facts.items()
    ]


def _moment() -> Any:
    from datetime import datetime

    text = os.environ.get(EXCLUDE_NEWER)
    return datetime.fromisoformat(text) if text else None


def _pip(lines: tuple[str, ...], prefix: Path, file: Path) -> NoReturn:
    """Become the environment's own pip, in the directory of the file, as conda has it."""
    python = prefix / "bin/python"
    if not python.exists():
        raise _failed(
            "PipNotFound", "there is a pip section, and no package brings Python into the environment"
        )
    wanted = prefix / "conda-meta/pip-section.txt"
    wanted.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    _say("Installing the pip section: " + ", ".join(lines))
    os.chdir(file.parent)
    os.execv(python, [str(python), "-m", "pip", "install", "-U", "-r", str(wanted)])  # noqa: S606


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _failed(kind: str, text: str) -> SystemExit:
    """Print what ended the program, and return the way out."""
    _say(f"{kind}: {text}")
    return SystemExit(1)


def _run() -> None:
    """Be the program, and leave without Python's own tidying up.

    py-rattler's threads may still be on their way back into Python then, which ends in a crash now and again.
    """
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - shown as it would be
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _run()
