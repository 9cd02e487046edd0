"""The report of the records, and when it is published."""

import pytest

from .conftest import run


@pytest.mark.slow
def test_report_of_an_empty_folder_is_written_and_lists_what_is_missing(tmp_path, monkeypatch):
    from dkg.paper import COMPARISONS

    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    result = run("report", status=1)
    page = tmp_path / "report" / "report.html"
    assert result.stdout == f"{page}\n"
    assert page.is_file()
    assert (tmp_path / "front.png").is_file()
    assert result.stderr.startswith("Error: no record: ")
    assert result.stderr.count("\n") == 1
    listed = result.stderr.removeprefix("Error: no record: ").strip().split(", ")
    assert sorted(listed) == sorted(COMPARISONS)


@pytest.mark.slow
@pytest.mark.parametrize("problems", [{}, {"no record": ["table-III"]}])
def test_report_is_published_only_when_asked_and_complete(tmp_path, monkeypatch, problems):
    from dkg.reproduction import report

    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    monkeypatch.setattr(report, "write", lambda draw: problems)
    monkeypatch.setattr(report, "publish", lambda: [tmp_path / "README.md"])
    status = 1 if problems else 0
    assert "README.md" not in run("report", status=status).stdout
    published = "README.md" in run("report", "--publish", status=status).stdout
    assert published == (not problems)
