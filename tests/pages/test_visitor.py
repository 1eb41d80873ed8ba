"""Who sits at this computer and who does not, from what their connection says."""

from __future__ import annotations

import pytest

from pages.shell.client.visitor import is_here

LOCAL = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize(
    ("address", "headers", "served_as"),
    [
        (None, LOCAL, ["", "localhost"]),
        (None, {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"}, []),
        ("::ffff:127.0.0.1", {"Host": "[::1]:8501"}, [""]),
        (None, {"Host": "atlas.localhost"}, ["http://localhost:8501"]),
    ],
)
def test_who_is_here(address: str | None, headers: dict[str, str], served_as: list[str]) -> None:
    assert is_here(address, headers, served_as)


@pytest.mark.parametrize(
    ("address", "headers", "served_as"),
    [
        ("192.168.1.7", LOCAL, []),
        (None, {"Host": "192.168.1.5:8501", "Origin": "http://192.168.1.5:8501"}, []),
        (None, LOCAL | {"X-Forwarded-For": "1.2.3.4"}, []),
        (None, LOCAL | {"Forwarded": "for=1.2.3.4"}, []),
        (None, LOCAL | {"Origin": "https://school.example"}, []),  # a proxy that says nothing
        (None, LOCAL | {"Origin": "null"}, []),
        (None, LOCAL, ["https://school.example"]),
        (None, LOCAL, ["", "school.example"]),
        (None, {"Host": "localhost.evil.example"}, []),
        (None, {}, []),
        ("nonsense", LOCAL, []),
    ],
)
def test_who_is_not(address: str | None, headers: dict[str, str], served_as: list[str]) -> None:
    assert not is_here(address, headers, served_as)
