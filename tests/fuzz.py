"""Run the properties again and again, each time from another seed; ``make fuzz MINUTES=n``.

What failed stays in ``.fuzz``: the output of its round, and the inputs, which the next round tries first.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROPERTIES = (
    "tests/hostile/test_parsers.py",
    "tests/hostile/test_random_trees.py",
    "tests/hostile/test_secrets.py",
)
LEFT = ROOT / ".fuzz"


def round_of(seed: int, jobs: str, seconds: float) -> bool | None:
    """Run every property once; return whether all held, ``None`` when the time was over before."""
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-n", jobs, "-k", "not bombs", *PROPERTIES),
                *("--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}"),
            ],
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    print(f"seed {seed}: {(done.stdout + done.stderr).strip().splitlines()[-1]}", flush=True)
    if done.returncode:
        (LEFT / f"seed-{seed}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", default="2")
    arguments = parser.parse_args()
    LEFT.mkdir(exist_ok=True)
    end = time.monotonic() + arguments.minutes * 60
    results: list[bool | None] = []
    while (left := end - time.monotonic()) > 0:
        results.append(round_of(random.randrange(2**32), arguments.jobs, left))
    failed = results.count(False)
    print(
        f"{len(results)} rounds, the last maybe cut off; {failed} failed"
        + (f", see {LEFT}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
