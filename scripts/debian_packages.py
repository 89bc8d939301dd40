"""Write the package names of the host's Debian releases, which packages.txt is checked against.

Usage: python scripts/debian_packages.py [--mirror URL] [--security-mirror URL]

The mirrors are those of this machine's apt configuration unless they are given. The lists are fetched and
verified by apt-get itself, in a directory of its own, so nothing of this machine changes and no rights are
needed. A line of the result is ``NAME<TAB>STATES[<TAB>MASK]``: a letter a release (see ``STATES``), and for
packages of the newest release which of the libraries it brings, as hexadecimal bits.
"""

from __future__ import annotations

import argparse
import gzip
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from predeploy.hosts.streamlit_debian import DATA, STATES  # noqa: E402 - this checkout's own
from predeploy.profiles.registry import Registry  # noqa: E402

RELEASES = {"11": "bullseye", "12": "bookworm", "13": "trixie", "11-security": "bullseye-security"}
"""Name in the profile to apt's name. The last is the source that the host's newer image still has."""

NEWEST = "13"
BRINGING = ("Depends", "Pre-Depends", "Recommends")
"""What apt-get installs along, unless it is told otherwise."""
RELATIONS = (*BRINGING, "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces")


@dataclass
class Release:
    """The packages of one release, and what they say of others."""

    relations: dict[str, dict[str, str]] = field(default_factory=dict)
    """Package to its fields."""
    providers: dict[str, set[str]] = field(default_factory=dict)
    """Virtual name to the packages that provide it."""

    def state(self, name: str, mentioned: set[str]) -> str:
        """Return the letter of a name."""
        if name in self.relations:
            return STATES["real"]
        if name in self.providers:
            return STATES["virtual" if len(self.providers[name]) == 1 else "ambiguous"]
        return STATES["mentioned" if name in mentioned else "absent"]

    def mentioned(self) -> set[str]:
        """Return every name a relation holds: apt knows these, without a candidate."""
        return {
            name
            for fields in self.relations.values()
            for key in RELATIONS
            for group in alternatives(fields.get(key, ""))
            for name in group
        }


def main() -> None:
    """Fetch the lists and write the result."""
    parser = argparse.ArgumentParser(description="Write the package names of Debian's releases.")
    configured = configured_mirrors()
    parser.add_argument("--mirror", default=configured[0], help="mirror of the releases")
    parser.add_argument("--security-mirror", default=configured[1], help="mirror of the security updates")
    parser.add_argument("--output", type=Path, default=DATA)
    given = parser.parse_args()
    if not given.mirror or not given.security_mirror:
        parser.error("apt is configured with no Debian mirror here; give --mirror and --security-mirror")
    with tempfile.TemporaryDirectory(prefix="debian-lists-") as directory:
        releases = {
            key: read(fetch(name, given, Path(directory) / key), name) for key, name in RELEASES.items()
        }
    lines = list(rows(releases, libraries()))
    head = [f"releases {' '.join(releases)}", f"libraries {' '.join(libraries())}"]
    text = "\n".join([*head, "", *lines, ""])
    given.output.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    size = given.output.stat().st_size
    sys.stdout.write(f"{given.output}: {len(lines)} names, {size // 1000} kB\n")


def configured_mirrors() -> tuple[str | None, str | None]:
    """Return the mirror of releases and that of security updates that apt is configured with."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    addresses = list(dict.fromkeys(address.rstrip("/") for address in printed))
    security = next((address for address in addresses if address.endswith("-security")), None)
    return next((address for address in addresses if address.endswith("/debian")), None), security


def fetch(release: str, given: argparse.Namespace, directory: Path) -> Path:
    """Let apt-get fetch and verify the list of one release, and return its file."""
    for place in ("lists/partial", "cache/archives/partial"):
        (directory / place).mkdir(parents=True)
    mirror = given.security_mirror if release.endswith("-security") else given.mirror
    sources = directory / "sources.list"
    sources.write_text(f"deb [arch=amd64] {mirror} {release} main\n", encoding="utf-8")
    options = {
        "Dir::State::lists": directory / "lists",
        "Dir::Cache": directory / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", *words, "--error-on=any", "update"], check=True, stdout=sys.stderr)
    (found,) = (directory / "lists").glob("*_Packages*")
    return found


def read(path: Path, release: str) -> Release:
    """Return the packages of a list, whatever it is compressed with."""
    argv = ["/usr/lib/apt/apt-helper", "cat-file", str(path)]
    text = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
    found = Release()
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+): (.*)$", paragraph))
        if "Package" in fields:
            name = fields["Package"]
            found.relations[name] = fields
            for provided, *_ in alternatives(fields.get("Provides", "")):
                found.providers.setdefault(provided, set()).add(name)
    if len(found.relations) < 1000:
        sys.exit(f"{release}: only {len(found.relations)} packages, which cannot be all")
    return found


def alternatives(relation: str) -> Iterator[list[str]]:
    """Yield the names of each part of a relation, without versions and architectures."""
    for part in relation.split(","):
        names = [re.split(r"[ (\[:]", word.strip(), maxsplit=1)[0] for word in part.split("|")]
        if names[0]:
            yield names


def libraries() -> tuple[str, ...]:
    """Return the packages of the libraries in the profile's own table."""
    table = Registry(plugins={}).profile("streamlit-cloud").extra["libraries"]
    return tuple(dict.fromkeys(table.values()))


def rows(releases: dict[str, Release], wanted: tuple[str, ...]) -> Iterator[str]:
    """Yield a line a name; virtual names of Rust crates, half of all, are left out."""
    mentioned = {key: release.mentioned() for key, release in releases.items()}
    names = {name for key, release in releases.items() for name in (*release.relations, *mentioned[key])}
    names |= {n for release in releases.values() for n in release.providers if not n.startswith("librust-")}
    masks = brought(releases[NEWEST], wanted)
    for name in sorted(names):
        states = "".join(release.state(name, mentioned[key]) for key, release in releases.items())
        yield f"{name}\t{states}" + (f"\t{masks[name]:x}" if name in masks else "")


def brought(release: Release, wanted: Iterable[str]) -> dict[str, int]:
    """Return for each package the bits of the wanted ones that come along with it."""
    users: dict[str, list[str]] = {}
    for name, fields in release.relations.items():
        for key in BRINGING:
            for group in alternatives(fields.get(key, "")):
                for chosen in [first(release, group)] if first(release, group) else []:
                    users.setdefault(str(chosen), []).append(name)
    masks: dict[str, int] = {}
    for bit, target in enumerate(wanted):
        if target not in release.relations:
            sys.exit(f"{target}: Debian {NEWEST} has no such package; correct the profile's table")
        seen, waiting = {target}, [target]
        while waiting:
            fresh = set(users.get(waiting.pop(), ())) - seen
            seen |= fresh
            waiting += fresh
        for name in seen:
            masks[name] = masks.get(name, 0) | 1 << bit
    return masks


def first(release: Release, group: list[str]) -> str | None:
    """Return the package apt-get takes for a part of a relation."""
    for name in group:
        if name in release.relations:
            return name
        if name in release.providers:
            return min(release.providers[name])
    return None


if __name__ == "__main__":
    main()
