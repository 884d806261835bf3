"""Pages of docs/ that are made from the code are those that the code makes."""

import pytest

from tasks import reference

PAGES = reference.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_not_stale(path):
    assert path.read_text("utf-8") == PAGES[path](), "run `python -m tasks.reference` and commit what it writes"


def test_what_has_changed_is_written_and_named(tmp_path, monkeypatch, capsys):
    fresh, stale = tmp_path / "docs" / "fresh.md", tmp_path / "docs" / "stale.md"
    fresh.parent.mkdir()
    fresh.write_text("as it is")
    stale.write_text("as it was")
    files = dict.fromkeys([fresh, stale, tmp_path / "new" / "a"], lambda: "as it is")
    monkeypatch.setattr(reference, "pages", lambda: files)
    assert reference.main() == 0
    assert stale.read_text() == "as it is"
    assert capsys.readouterr().out.split() == [str(stale), str(tmp_path / "new" / "a")]
    assert reference.main() == 0
    assert capsys.readouterr().out == ""
