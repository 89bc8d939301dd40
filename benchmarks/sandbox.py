"""What the sandbox costs: a whole build of the Flask sample with it against one without, as a ratio."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

SAMPLE = Path(__file__).parent.parent / "sample_apps" / "heroku-flask"
GOAL = 1.05


def build(cache: str, sandbox: str) -> float:
    argv = [sys.executable, "-m", "predeploy", "build", str(SAMPLE), "-p", "heroku", "-f", "json", "-q"]
    begun = perf_counter()
    done = subprocess.run(
        [*argv, "--sandbox", sandbox],
        env={**os.environ, "PREDEPLOY_CACHE_DIR": cache, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        check=False,
    )
    seconds = perf_counter() - begun
    platform = json.loads(done.stdout)["platforms"][0]
    if platform["sandbox"]["kind"] != sandbox or "boot" not in platform:
        sys.exit(f"the build with --sandbox {sandbox} did not come to its end: {platform['status']}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as cache:
        build(cache, "bwrap")  # fills the caches that both use
        taken: dict[str, list[float]] = {"bwrap": [], "none": []}
        for number in range(rounds):
            for sandbox in sorted(taken, reverse=bool(number % 2)):
                taken[sandbox].append(build(cache, sandbox))
    confined, open_ = median(taken["bwrap"]), median(taken["none"])
    ratio = median(a / b for a, b in zip(taken["bwrap"], taken["none"], strict=True))
    print(f"build of {SAMPLE.name} on heroku, {rounds} rounds, medians")
    print(f"  with the sandbox     {confined:6.2f} s")
    print(f"  without              {open_:6.2f} s")
    print(f"  ratio (of each pair) {ratio:6.3f}   (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
