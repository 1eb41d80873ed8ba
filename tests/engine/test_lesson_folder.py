"""A school's folder of lessons: read, read again, bounded, and never led out of."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.learn import folder
from engine.learn.authoring import written
from engine.learn.folder import Folder, Shelf, lesson_id, school
from engine.learn.lessons import Lesson
from engine.learn.reader import shipped
from engine.settings import settings
from tests.engine.test_authoring import GOOD


def shelf(path: Path) -> Shelf:
    return Folder(path).shelf()


def put(path: Path, name: str, title: str = "Ours") -> Path:
    file = path / name
    file.write_text(written(replace(GOOD, title=title)), "utf-8")
    return file


def test_good_files_are_shown_beside_wrong_ones_which_are_named(tmp_path: Path) -> None:
    put(tmp_path, "Week 10.toml", "Ten")
    put(tmp_path, "Week 2.toml", "Two")
    (tmp_path / "Week 3.toml").write_text(written(GOOD).replace("minutes = 3", "minutes = 300"))
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / ".hidden.toml").write_text("not ours")
    found = shelf(tmp_path)
    assert [one.title for one in found.lessons.values()] == ["Two", "Ten"]
    assert found.problems == ("Week 3.toml, line 2: `minutes` is a whole number from 1 to 30.",)
    for name, lesson in found.lessons.items():
        assert name == lesson.id and lesson.chapter == 9 and lesson.called == "Own lesson"


def test_a_file_named_like_a_lesson_of_the_course_takes_nothings_place(tmp_path: Path) -> None:
    put(tmp_path, "3.1.toml", "Not the course's")
    (name,) = shelf(tmp_path).lessons
    assert name not in shipped() and not name[0].isdigit()
    assert shipped()["3.1"].title != "Not the course's"


def test_a_change_is_seen_and_what_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    own = folder.read

    def noted(name: str, text: str, **given: object) -> Lesson:
        reads.append(name)
        return own(name, text, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(folder, "read", noted)
    file = put(tmp_path, "a.toml")
    one = Folder(tmp_path)
    assert len(one.shelf(every=0).lessons) == 1 and len(reads) == 1
    assert one.shelf(every=0) is one.shelf(every=0) and len(reads) == 1
    put(tmp_path, "b.toml")
    assert len(one.shelf(every=60).lessons) == 1  # it was looked at a moment ago
    assert len(one.shelf(every=0).lessons) == 2
    file.write_text("title = ")
    assert len(one.shelf(every=0).lessons) == 1 and "a.toml, line 1" in one.shelf().problems[0]
    file.unlink()
    assert one.shelf(every=0).problems == ()


def test_links_that_lead_out_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir(), inside.mkdir()
    put(outside, "secret.toml")
    put(inside, "real.toml")
    (inside / "escape.toml").symlink_to(outside / "secret.toml")
    (inside / "up.toml").symlink_to("../outside/secret.toml")
    (inside / "within.toml").symlink_to("real.toml")
    (inside / "nowhere.toml").symlink_to("gone.toml")
    (inside / "folder.toml").mkdir()
    os.mkfifo(inside / "pipe.toml")
    found = shelf(inside)
    assert set(found.lessons) == {lesson_id("real.toml"), lesson_id("within.toml")}
    told = {one.partition(",")[0]: one for one in found.problems}
    assert set(told) == {"escape.toml", "up.toml", "nowhere.toml", "folder.toml", "pipe.toml"}
    assert "leads out of the folder" in told["escape.toml"] + told["up.toml"]
    assert "no file" in told["pipe.toml"] and "no file" in told["folder.toml"]
    assert all(", line 1: " in one for one in found.problems)


def test_a_folder_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST", 3)
    for number in range(5):
        put(tmp_path, f"{number}.toml")
    (tmp_path / "0.toml").write_bytes(b"x" * 10_000_000)
    (tmp_path / "1.toml").write_bytes(bytes(range(256)) * 40)
    found = shelf(tmp_path)
    assert len(found.lessons) == 1 and len(found.problems) == 3
    assert "has 5 lessons; the first 3" in found.problems[0]
    assert "larger than 64,000 bytes" in found.problems[1]
    assert "no text in UTF-8" in found.problems[2]


def test_strange_names_are_shown_and_make_ids_that_are_no_paths(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "x")
    strange = b"\xff<b>\n.toml"
    (tmp_path / "x" / os.fsdecode(strange)).write_bytes(b"title = ")
    (problem,) = shelf(tmp_path / "x").problems
    assert problem.startswith("?<b>?.toml, line 1: ")
    for name in ("../../etc/passwd.toml", "a/b.toml", "Ä ü.toml", ".toml", "x" * 300 + ".toml"):
        made = lesson_id(name)
        assert made.startswith("school-") and len(made) < 60
        assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert lesson_id("week-3.toml") != lesson_id("Week 3.toml")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    found = shelf(tmp_path / "gone")
    assert not found.lessons and found.problems == (
        "The folder of ATLAS_LESSONS cannot be read: No such file or directory.",
    )


def test_the_setting_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert school() == Shelf()
    put(tmp_path, "ours.toml")
    monkeypatch.setenv("ATLAS_LESSONS", str(tmp_path))
    settings.cache_clear()
    try:
        assert list(school().lessons) == [lesson_id("ours.toml")]
    finally:
        settings.cache_clear()
