"""How large a build is, and the estimate of its archive."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from predeploy.pipeline import sizes
from predeploy.pipeline.sizes import PIECE, measure


def test_text_shrinks_and_noise_does_not(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text/a").write_bytes(b"abcdefgh" * 100_000)
    (tmp_path / "noise").write_bytes(random.Random(1).randbytes(1_000_000))
    total, text = measure(tmp_path / "text")
    assert total == 800_000
    assert text < 20_000
    total, both = measure(tmp_path)
    assert total == 1_800_000
    assert 980_000 < both < 1_100_000


def test_links_and_absent_directories_count_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "loop").symlink_to(".")
    assert measure(tmp_path)[0] == 10
    assert measure(tmp_path / "nothing") == (0, 0)


def test_an_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert measure(tmp_path) == (0, 0)


def test_a_sample_stands_for_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = random.Random(2)
    for number in range(40):
        content = noise.randbytes(PIECE) if number % 2 else bytes(PIECE)
        (tmp_path / f"{number:02}").write_bytes(content)
    whole = measure(tmp_path, seconds=60)
    monkeypatch.setattr(sizes, "SAMPLE_BYTES", 10 * PIECE)
    sampled = measure(tmp_path, seconds=60)
    assert sampled[0] == whole[0] == 40 * PIECE
    assert 0.7 < sampled[1] / whole[1] < 1.3


def test_no_time_at_all_still_gives_an_estimate(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(random.Random(3).randbytes(3 * PIECE))
    _, estimate = measure(tmp_path, seconds=-1)
    assert estimate == pytest.approx(3 * PIECE, rel=0.05)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_does_not_stop_the_count(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "b").write_bytes(b"x" * 10)
    (tmp_path / "a").chmod(0)
    assert measure(tmp_path)[0] == 20


def test_far_below_the_limit_a_rough_estimate_will_do(tmp_path: Path) -> None:
    noise = random.Random(4)
    for number in range(20):
        (tmp_path / f"{number:02}").write_bytes(noise.randbytes(PIECE // 2) + bytes(PIECE // 2))
    exact = measure(tmp_path, seconds=60)
    rough = measure(tmp_path, seconds=60, limit=1000 * PIECE)
    assert rough[0] == exact[0] == 20 * PIECE
    assert 0.8 < rough[1] / exact[1] < 1.2
    assert measure(tmp_path, seconds=60, limit=30 * PIECE) == exact
