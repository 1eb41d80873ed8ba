"""The benchmark finds the controls it turns; its figures are not judged here."""

from bench import app
from bench.measure import Times, table


def test_the_controls_that_it_times_are_there() -> None:
    rows = app.clicks(quick=True)
    assert len(rows) == 3
    assert all(row.what in table("Clicks", rows) for row in rows)


def test_times_are_a_median_with_its_spread() -> None:
    assert str(Times((0.003, 0.001, 0.002))) == "2.0 ms (1.0-3.0)"
