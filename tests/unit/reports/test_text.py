"""Tables: the spec's piped form where it fits, narrower ones where it does not."""

from duroxide_stress.reports.text import Heading, table

HEADINGS: list[Heading] = [("Provider", "Prov."), ("Config", "Conf."), ("Orch/sec", "O/s")]
ROWS = [["In-Memory SQLite", "1/1", "4.43"], ["File", "2/2", "15.24"], ["File", "1/1", "-"]]
PIPED = """\
| Provider         | Config | Orch/sec |
|------------------|--------|----------|
| In-Memory SQLite | 1/1    | 4.43     |
| File             | 2/2    | 15.24    |
| File             | 1/1    | -        |"""
TIGHT = """\
Prov.            Conf.   O/s
In-Memory SQLite   1/1  4.43
File               2/2 15.24
File               1/1     -"""
STACKED = """\
Prov.
 Conf.   O/s
In-Memory SQLite
   1/1  4.43
File
   2/2 15.24
   1/1     -"""


def test_the_form_follows_the_width() -> None:
    """Piped without a terminal and where it fits, then tight, then with the names above."""
    for width in (None, 500, 40):
        assert table(HEADINGS, ROWS, width) == PIPED
    for width in (39, 28):
        assert table(HEADINGS, ROWS, width) == TIGHT
    for width in (27, 1):
        assert table(HEADINGS, ROWS, width) == STACKED


def test_a_table_without_rows_has_its_headings() -> None:
    """Nothing was judged, which is no error."""
    assert table(HEADINGS, [], None).splitlines()[0] == "| Provider | Config | Orch/sec |"
    assert table(HEADINGS, [], 10) == "Prov.\n Conf. O/s"
