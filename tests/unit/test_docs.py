"""The generated pages are those of the code, and the architecture page shows the real rooms."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from test_architecture import ALLOWED

ROOT = Path(__file__).resolve().parent.parent.parent


def test_reference_pages_are_up_to_date() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()
    written = {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")
    }
    assert written == made, "run make docs"


def test_the_architecture_page_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for room in ALLOWED:
        assert f"`{room}" in text, f"docs/architecture.md does not speak of {room}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
