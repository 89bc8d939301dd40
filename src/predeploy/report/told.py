"""What package managers tell while they work: how many packages, how many bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from predeploy.lazy import pattern

_SIZE = pattern(r"\((\d+(?:\.\d+)?) ?(B|bytes|kB|KB|KiB|MB|MiB|GB|GiB)\)")
_UNITS = {
    "B": 1,
    "bytes": 1,
    "kB": 1e3,
    "KB": 1e3,
    "KiB": 1024,
    "MB": 1e6,
    "MiB": 1024**2,
    "GB": 1e9,
    "GiB": 1024**3,
}
_DOWNLOAD = pattern(r"^\s*(?:Downloading|Using cached) (\S+)")
_PACKAGE = pattern(r"^\s*(?:Collecting|- Installing|- Downloading|Building|Prepared|• Installing) (\S+)")
_TOTAL = pattern(
    r"^(?:Resolved|Prepared|Installed|Audited) (\d+) packages?\b|^Package operations: (\d+) install"
)


@dataclass
class Told:
    """What one step has told so far."""

    packages: set[str] = field(default_factory=set)
    total: int = 0
    size: float = 0.0

    def hear(self, line: str) -> None:
        """Take a line of a package manager's output; any other line changes nothing."""
        total = _TOTAL.match(line)
        if total:
            self.total = max(self.total, int(total[1] or total[2]))
            return
        download, package = _DOWNLOAD.match(line), _PACKAGE.match(line)
        if package:
            self.packages.add(package[1])
        if download:
            size = _SIZE.search(line)
            self.size += float(size[1]) * _UNITS[size[2]] if size else 0.0

    def __str__(self) -> str:
        """Return what is known, for people; empty when nothing is."""
        count = self.total or len(self.packages)
        words = [f"{count} package{'s' if count != 1 else ''}"] if count else []
        return ", ".join(words + ([bytes_text(self.size)] if self.size else []))


def bytes_text(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
