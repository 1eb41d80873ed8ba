"""The bench of hosting tells parts of a run apart and keeps the proxy's own configuration."""

from __future__ import annotations

from bench.hosting import configuration
from bench.sessions import Act, Tally


def test_parts_of_a_run_are_told_apart_and_answers_from_what_is_none() -> None:
    acts = [Act("open", 1, 9.0), Act("move", 1, 0.1), Act("type", 2, 0.3), Act("move", 3, 0.5)]
    tally = Tally([*acts, Act("back again", 2, 8.0)])
    assert tally.seconds(since=2, until=3) == {"type": [0.3], "back again": [8.0]}
    assert "all but opening: 3 acts, median 300 ms" in tally.report(settled=0)
    assert "all but opening: 2 acts, median 200 ms" in tally.report(settled=0, until=3)


def test_the_slope_of_memory_is_that_of_the_settled_part() -> None:
    memory = [(0.0, 100.0), *((float(at), 400 + at / 60) for at in range(60, 360, 60))]
    assert "401 MB after 60 s, 405 at the end, 405 at most; +1.0 MB a minute" in Tally(
        memory=memory
    ).report(settled=60)


def test_the_proxy_is_the_projects_own_with_these_servers() -> None:
    text = configuration(8099, ["http://127.0.0.1:8601", "http://127.0.0.1:8602"])
    assert "bind 127.0.0.1:8099" in text and "resolvers docker" not in text
    assert "    server replica0 127.0.0.1:8601\n    server replica1 127.0.0.1:8602" in text
    assert "cookie ATLAS insert" in text and "del-header X-Forwarded-For" in text
