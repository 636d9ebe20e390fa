"""What lies beside an export: figures that are the export's, a recipe that can be run, metadata that machines read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

import winnow
from pipeline.card.card import cell
from pipeline.recipe_file import load_recipe
from tests.corpora import documents

CARDS = ("README.md", "recipe.lock.yaml", "croissant.json")
RECIPE: dict[str, Any] = {
    "name": "small",
    "score": ["exact", {"words": {"use": "gopher", "definition": "datatrove"}}, {"minhash": {"num_perm": 128}}],
    "rules": {
        "word_count": {"column": "words.word_count", "min": 50, "why": "too | short"},
        "alpha_words": {"column": "words.alpha_word_frac", "min": 0.5},
    },
    "dedup": {"exact": "raw", "fuzzy": {"on": "minhash", "jaccard": 0.8}, "guard": {"max_source_loss": 1.0}},
}


def write_input(folder: Path, licenses: tuple[str, ...]) -> Path:
    folder.mkdir()
    rows = [d | {"license": licenses[i % len(licenses)]} for i, d in enumerate(documents())]
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    return folder


def run(recipe: Any, source: Path, workspace: Path, output: Path) -> winnow.Result:
    return winnow.run(recipe, [str(source)], workspace=str(workspace), output=str(output), executor="local", workers=1)


def front_matter(readme: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(readme.split("---\n")[1])
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, winnow.Result]:
    folder = tmp_path_factory.mktemp("card")
    write_input(folder / "in", ("CC-BY-4.0",))
    return folder, run(RECIPE, folder / "in", folder / "ws", folder / "out")


def test_front_matter_is_what_the_hub_reads(done: tuple[Path, winnow.Result]) -> None:
    front = front_matter((done[0] / "out" / "README.md").read_text())
    assert front == {
        "pretty_name": "small",
        "license": "cc-by-4.0",
        "task_categories": ["text-generation"],
        "size_categories": ["n<1K"],
        "tags": ["winnow", "pretraining"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
    }


def test_mixed_licences_are_counted(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", ("MIT", "<b>weird|licence</b>"))
    run(RECIPE, source, tmp_path / "ws", tmp_path / "out")
    readme = (tmp_path / "out" / "README.md").read_text()
    assert front_matter(readme)["license"] == "other"
    table = pq.read_table(tmp_path / "out" / "data", columns=["license"]).column("license").to_pylist()
    assert f"| MIT | {table.count('MIT')} |" in readme
    assert f"| &lt;b&gt;weird\\|licence&lt;/b&gt; | {len(table) - table.count('MIT')} |" in readme


def test_copies_of_a_document_are_told_as_rows(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", ("CC-BY-4.0",))
    result = run({**RECIPE, "mix": {"rehydrate": "fineweb2"}}, source, tmp_path / "ws", tmp_path / "out")
    readme = (tmp_path / "out" / "README.md").read_text()
    licenses = pq.read_table(tmp_path / "out" / "data", columns=["license"]).column("license").to_pylist()
    assert len(licenses) > result.funnel["kept"]
    assert f"{result.funnel['kept']} documents, kept from 240" in readme
    assert f"is one document, some of them several times: {len(licenses)} rows." in readme
    assert f"| Licence | rows |\n|---|---:|\n| CC-BY-4.0 | {len(licenses)} |" in readme


def test_the_card_has_the_exports_figures(done: tuple[Path, winnow.Result]) -> None:
    folder, result = done
    readme = (folder / "out" / "README.md").read_text()
    removed = pq.read_table(folder / "out" / "removed").to_pylist()
    short_bytes = sum(r["text_bytes"] for r in removed if r["rule"] == "word_count")
    kept_bytes = sum(len(t.encode()) for t in pq.read_table(folder / "out" / "data").column("text").to_pylist())
    assert result.funnel == {"kept": 168, "judge.word_count": 24, "dedup.exact": 24, "dedup.fuzzy": 24}
    assert f"| word\\_count | judge | 24 | 10.0 % | {short_bytes:,} | 216 |" in readme
    assert f"| kept | kept | 168 | 70.0 % | {kept_bytes:,} | 168 |" in readme
    assert "- word\\_count: words.word\\_count min 50 — too \\| short" in readme
    assert "21 bands of 6 rows" in readme
    assert "| 0.8 | 0.9983 |" in readme


def test_the_locked_recipe_runs_and_finds_everything_done(done: tuple[Path, winnow.Result]) -> None:
    folder, result = done
    lock = folder / "out" / "recipe.lock.yaml"
    again = load_recipe(str(lock))
    assert again.input.paths == (str(folder / "in"),)
    assert list(again.rules) == ["word_count", "alpha_words"]
    repeated = winnow.run(
        str(lock), [], workspace=str(folder / "ws"), output=str(folder / "out2"), executor="local", workers=1
    )
    assert repeated.tables == result.tables
    for name in CARDS:
        assert (folder / "out2" / name).read_bytes() == (folder / "out" / name).read_bytes(), name


def test_the_lock_names_what_it_was_locked_to(done: tuple[Path, winnow.Result]) -> None:
    text = (done[0] / "out" / "recipe.lock.yaml").read_text()
    comment = "\n".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    lock = YAML(typ="safe").load(comment.partition("\n")[2])["lock"]
    assert list(lock["scorers"]) == ["exact", "words", "minhash"]
    assert lock["scorers"]["words"]["scorer"] == "gopher"
    assert lock["input"]["rows"] == 240
    assert len(lock["input"]["digest"]) == 64


def test_the_same_input_elsewhere_gives_the_same_card(done: tuple[Path, winnow.Result], tmp_path: Path) -> None:
    shutil.copytree(done[0] / "in", tmp_path / "in")
    (tmp_path / "in" / "a.parquet").touch()
    run(RECIPE, tmp_path / "in", tmp_path / "ws", tmp_path / "out")
    there, here = done[0] / "out", tmp_path / "out"
    assert (here / "README.md").read_bytes() == (there / "README.md").read_bytes()
    moved = (here / "recipe.lock.yaml").read_text().replace(str(tmp_path / "in"), str(done[0] / "in"))
    assert _without_digest(moved) == _without_digest((there / "recipe.lock.yaml").read_text())


def _without_digest(lock: str) -> list[str]:
    """A recipe's digest covers its paths."""
    return [line for line in lock.splitlines() if "recipe_digest" not in line]


def test_croissant_names_every_file_and_column(done: tuple[Path, winnow.Result]) -> None:
    told = json.loads((done[0] / "out" / "croissant.json").read_text())
    files = [f for f in told["distribution"] if f["@type"] == "cr:FileObject"]
    manifest = json.loads((done[0] / "out" / "manifest.json").read_text())
    assert {f["@id"]: f["sha256"] for f in files} == {
        p["path"]: p["sha256"] for p in manifest["parts"] if p["path"].startswith("data/")
    }
    fields = [f["source"]["extract"]["column"] for f in told["recordSet"][0]["field"]]
    assert fields[:4] == ["text", "id", "url", "file_path"]
    assert told["conformsTo"] == "http://mlcommons.org/croissant/1.1"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<script>", "&lt;script&gt;"),
        ("a\n# b", "a \\# b"),
        ("[x](http://y)", "\\[x\\](http://y)"),
        (None, "None"),
    ],
)
def test_outside_text_in_markdown_is_only_text(given: object, shown: str) -> None:
    assert cell(given) == shown
