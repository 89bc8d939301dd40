"""Start-up of ``predeploy check`` as a ratio to importing pydantic and PyYAML, interleaved in one run.

Usage: python benchmarks/startup.py [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from predeploy.profiles.registry import Registry

ROOT = Path(__file__).resolve().parent.parent
GOAL = 1.5


def platforms() -> tuple[str, ...]:
    """Return every built-in platform; the sample app's own configuration names some of them only."""
    return Registry(plugins={}).default_ids()


def commands() -> dict[str, list[str]]:
    check = [str(Path(sys.executable).parent / "predeploy"), "check"]
    app = str(ROOT / "sample_apps" / "everywhere")
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import pydantic, yaml": [sys.executable, "-c", "import pydantic, yaml"],
        "check, one platform": [*check, app, "-p", "heroku"],
        "check, all platforms": [*check, app, *(word for name in platforms() for word in ("-p", name))],
    }


def measure(rounds: int) -> dict[str, float]:
    """Return the median wall seconds of each command, one of each per round."""
    times: dict[str, list[float]] = {name: [] for name in commands()}
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "PREDEPLOY_CACHE_DIR": cache}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(rounds + 1):
            for name, argv in commands().items():
                begun = perf_counter()
                subprocess.run(
                    argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
                )
                if number:  # the first round fills caches and is not counted
                    times[name].append(perf_counter() - begun)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    medians = measure(arguments.rounds)
    base = medians["import pydantic, yaml"]
    print(f"{'command':<24}{'median':>10}{'ratio':>8}")
    for name, seconds in medians.items():
        print(f"{name:<24}{seconds * 1000:>7.0f} ms{seconds / base:>8.2f}")
    ratio = medians["check, all platforms"] / base
    print(f"goal: check on all platforms at most {GOAL} times the import; here {ratio:.2f}")
    if arguments.json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        document = {"machine": machine, "rounds": arguments.rounds, "seconds": medians, "ratio": ratio}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
