"""docs/fidelity.md says what is built, and cannot be stale."""

from pathlib import Path

from fakecloud.fidelity import page

DOCUMENT = Path(__file__).parents[3] / "docs" / "fidelity.md"


def test_the_document_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text() == page(), "make docs"
