"""A folder of `winnow score` or `winnow dedup`: one command's own, to be finished by the same command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import StorageError, UsageError
from pipeline.storage import table_folder
from pipeline.storage.store import Store

MINE, OTHER = {"text": ["a"], "notes": ["b"]}, {"text": ["a"], "notes": ["c"]}


def test_the_same_command_finishes_what_it_began(tmp_path: Path) -> None:
    folder = Store(str(tmp_path / "notes"))
    table_folder.check(folder, "r1")
    table_folder.claim(folder, "r1", MINE)
    (tmp_path / "notes" / "notes-00000-of-00002.parquet").touch()
    table_folder.check(folder, "r1")
    table_folder.claim(folder, "r1", MINE)


def test_what_an_attempt_left_before_its_claim_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "notes" / "tmp").mkdir(parents=True)
    table_folder.check(Store(str(tmp_path / "notes")), "r1")


def test_what_is_not_planned_makes_no_folder(tmp_path: Path) -> None:
    table_folder.check(Store(str(tmp_path / "a" / "notes")), "r1")
    assert [*tmp_path.iterdir()] == []


def test_another_recipe_other_input_and_other_files_are_refused(tmp_path: Path) -> None:
    folder = Store(str(tmp_path / "notes"))
    table_folder.claim(folder, "r1", MINE)
    with pytest.raises(UsageError, match="holds what another command"):
        table_folder.check(folder, "r2")
    with pytest.raises(UsageError, match="other input"):
        table_folder.claim(folder, "r1", OTHER)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(UsageError, match="not empty; choose another folder"):
        table_folder.check(Store(str(tmp_path / "full")), "r1")


def test_a_file_in_the_folders_place_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(StorageError, match="a part of this path is a file"):
        table_folder.check(Store(str(tmp_path / "notes")), "r1")


def test_of_commands_at_once_one_has_the_folder(tmp_path: Path) -> None:
    folder = Store(str(tmp_path / "notes"))

    def claimed(recipe: str) -> bool:
        try:
            table_folder.claim(folder, recipe, MINE)
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claimed, map(str, range(8)))) == 1
