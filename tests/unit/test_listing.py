"""What input.paths stands for: stable names, sorted files, and words for what is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import PlanError
from pipeline.sources.formats import by_content, by_name, codec_of
from pipeline.sources.listing import list_files, list_input, partitions
from pipeline.storage.files import file_stamp


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _names(*paths: str | Path, format: str = "auto") -> list[str]:
    return [f.name for f in list_files([str(p) for p in paths], format)]


def test_a_folder_gives_its_usable_files_sorted_and_relative(tmp_path: Path) -> None:
    _touch(tmp_path, "b.parquet", "a/c.pq", "a/d.jsonl.gz", "e.NDJSON", "f.txt", "g.md", "h.json.zst", "i.jsonl.bz2")
    _touch(tmp_path, "_SUCCESS", "_temporary/x.parquet", ".hidden.parquet", ".git/x.txt")
    assert _names(tmp_path) == [
        "a/c.pq", "a/d.jsonl.gz", "b.parquet", "e.NDJSON", "f.txt", "g.md", "h.json.zst", "i.jsonl.bz2",
    ]  # fmt: skip


def test_unknown_extensions_in_a_folder_are_counted(tmp_path: Path) -> None:
    _touch(tmp_path, "a.parquet", "x.csv", "y.warc", "z", "w.parquet.gz")
    listing = list_input([str(tmp_path)])
    assert [f.name for f in listing.files] == ["a.parquet"]
    (warning,) = listing.warnings
    assert warning.startswith("left out of the given folders: 4 files without a known extension, such as ")


def test_a_given_format_picks_its_files_of_a_folder_and_overrules_the_name_of_a_file(tmp_path: Path) -> None:
    _touch(tmp_path, "a.parquet", "b.txt", "c.jsonl", "data.bin")
    assert _names(tmp_path, format="text") == ["b.txt"]
    (file,) = list_files([str(tmp_path / "data.bin")], "jsonl")
    assert (file.name, file.format) == ("data.bin", "jsonl")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.txt", ["a.txt"]),
        ("**/*.txt", ["a.txt", "s/b.txt", "s/t/c.txt"]),
        ("s/*", ["b.txt", "t/c.txt"]),
        ("s/**", ["b.txt", "t/c.txt"]),
        ("[as]*", ["a.txt", "s/b.txt", "s/t/c.txt"]),
        ("s/?.txt", ["b.txt"]),
    ],
)
def test_globs_name_files_from_their_fixed_part(tmp_path: Path, pattern: str, names: list[str]) -> None:
    _touch(tmp_path, "a.txt", "s/b.txt", "s/t/c.txt")
    assert _names(tmp_path / pattern) == names


def test_names_do_not_depend_on_where_the_input_lies_or_how_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _touch(tmp_path / "one" / "in", "s/a.txt")
    _touch(tmp_path / "two" / "in", "s/a.txt")
    monkeypatch.chdir(tmp_path / "one")
    assert _names("in") == _names("./in/") == _names(tmp_path / "two" / "in") == _names("in/**/*.txt") == ["s/a.txt"]
    assert _names(f"file://{tmp_path}/one/in") == ["s/a.txt"]


def test_names_that_collide_get_longer(tmp_path: Path) -> None:
    _touch(tmp_path, "x/2023/a.txt", "x/2024/a.txt", "x/2024/b.txt")
    assert _names(tmp_path / "x/2023", tmp_path / "x/2024") == ["2023/a.txt", "2024/a.txt", "b.txt"]


def test_a_file_given_twice_is_one(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt", "b.txt")
    assert _names(tmp_path / "a.txt", tmp_path, tmp_path / "*.txt") == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    "name",
    ["a b.txt", "a\nb.txt", "100%25.txt", "ü.txt", "u\u0308.txt", "a[1].txt", "*.txt", "k=v.txt", "日本.txt", "#?.txt"],
)
def test_any_name_is_found_by_path_and_by_folder(tmp_path: Path, name: str) -> None:
    _touch(tmp_path, name)
    assert _names(tmp_path / name) == _names(tmp_path) == [name]


def test_names_equal_but_for_case_or_normal_form_are_two_files(tmp_path: Path) -> None:
    _touch(tmp_path, "A.txt", "a.txt", "\u00fc.txt", "u\u0308.txt")
    assert len(_names(tmp_path)) == 4


def test_a_name_that_is_not_utf8_is_a_problem_of_that_file(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"x")
    (file,) = list_files([str(tmp_path)])
    assert (file.problem, file.name) == ("name_not_utf8", "caf\\xe9.txt")


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    _touch(tmp_path / "data", "a.txt", "s/b.txt")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "s" / "up").symlink_to("..")
    (tmp_path / "data" / "link.txt").symlink_to("a.txt")
    os.link(tmp_path / "data" / "a.txt", tmp_path / "data" / "hard.txt")
    assert _names(tmp_path / "data") == ["a.txt", "hard.txt", "link.txt", "s/b.txt"]


def test_a_broken_link_is_a_problem_of_that_file(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    assert {f.name: f.problem for f in list_files([str(tmp_path)])} == {"a.txt": "", "gone.txt": "unreadable"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders_are_problems_of_their_own(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt", "b.txt", "shut/c.txt")
    (tmp_path / "b.txt").chmod(0)
    (tmp_path / "shut").chmod(0)
    found = {f.name: f.problem for f in list_files([str(tmp_path)])}
    (tmp_path / "shut").chmod(0o700)
    assert found == {"a.txt": "", "b.txt": "unreadable", "shut": "unreadable"}


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> str:
    """Part of the name of folders that this user may not look into; root is told so, too."""
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "shut" not in Path(path).name and allowed(path, mode))
    return "shut"


@pytest.mark.parametrize(
    ("pattern", "names"),
    {
        "**/*.txt": ["a/shut", "b/shut", "shut"],
        "**": ["a/shut", "b/shut", "shut"],
        "*/*.txt": ["shut"],
        "a/*/x.txt": ["shut"],
        "*.txt": [],
    }.items(),
)
def test_a_folder_that_a_glob_cannot_look_into_is_a_problem_of_its_own(
    tmp_path: Path, shut: str, pattern: str, names: list[str]
) -> None:
    _touch(
        tmp_path, f"{shut}/x.txt", f"a/{shut}/x.txt", f"b/{shut}/x.txt", f"_left/{shut}/x.txt", "open.txt", "a/b/x.txt"
    )
    problems = [f.name for f in list_files([f"{tmp_path}/{pattern}"]) if f.problem and f.path.endswith(shut)]
    assert problems == names


def test_a_folder_that_is_given_and_cannot_be_looked_into_has_its_own_name(tmp_path: Path, shut: str) -> None:
    (tmp_path / shut).mkdir()
    assert [(f.name, f.problem) for f in list_files([f"{tmp_path}/{shut}/*.txt"])] == [(shut, "unreadable")]
    with pytest.raises(PlanError, match="shut may not be looked into by this user"):
        list_files([f"{tmp_path}/{shut}/a.txt"])


def test_what_is_not_there_is_told_with_its_neighbours(tmp_path: Path) -> None:
    _touch(tmp_path, "crawl/part-0.parquet", "crawl/part-1.parquet")
    there = str(tmp_path / "crawl")
    for given, said in {
        f"{there}/part-9.parquet": rf"path '.*' finds no file; {there} has part-0\.parquet, part-1\.parquet\. Did you mean",
        f"{tmp_path}/crwal": rf"{tmp_path} has crawl\. Did you mean 'crawl'\?",
        f"{there}/*.jsonl": rf"glob '.*' finds no file; {there} has part-0",
        "/nonexistent-anywhere/x/*.txt": "no folder on its way exists",
    }.items():
        with pytest.raises(PlanError, match=said):
            list_files([given])


def test_a_folder_without_usable_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        PlanError, match=r"folder '.*' has no Parquet, JSONL .* or text .* files; it is empty\. Name the files"
    ):
        list_files([str(tmp_path / "empty")])
    _touch(tmp_path, "full/a.csv")
    with pytest.raises(PlanError, match=r"it has 1 other file, such as a\.csv"):
        list_files([str(tmp_path / "full")])
    with pytest.raises(PlanError, match="no paths"):
        list_files([])


def test_a_named_file_without_extension_is_looked_into(tmp_path: Path) -> None:
    for name, content in {"p": b"PAR1...", "j": b'\xef\xbb\xbf {"text": 1}', "g": b"\x1f\x8b\x08"}.items():
        (tmp_path / name).write_bytes(content)
    assert [f.format for f in list_files([str(tmp_path / n) for n in "pjg"])] == ["jsonl", "jsonl", "parquet"]
    (tmp_path / "u").write_bytes(b"who knows")
    with pytest.raises(PlanError, match=r"cannot tell the format of .* Set input\.format to parquet, jsonl or text"):
        list_files([str(tmp_path / "u")])


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1))
    assert file_stamp(str(path)) == "3-1"
    assert list_files([str(path)])[0].stamp == "3-1"
    os.utime(path, ns=(1, 2))
    assert file_stamp(str(path)) == "3-2"


def test_hive_folders_of_provenance_are_read_from_paths() -> None:
    assert partitions("/x/dump=CC%2F1/shard=3/source=__HIVE_DEFAULT_PARTITION__/license=a=b/url=x.txt") == {
        "dump": "CC/1", "source": None, "license": "a=b",
    }  # fmt: skip


def test_formats_by_name_and_by_content() -> None:
    assert by_name("a.JSONL.GZ") == "jsonl"
    assert by_name("a.parquet.gz") is None
    assert by_name("README") is None
    assert by_content(b"PARE") == "parquet"
    assert by_content(b"") is None
    assert codec_of(b"\x28\xb5\x2f\xfd..") == "zstd"
    assert codec_of(b"BZh9") == "bz2"
