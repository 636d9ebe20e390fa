"""What is sent of a recipe, its inputs and its labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import RecipeError, UsageError
from winnow.client.submission import absolute, body_of, labels_of


def test_a_preset_is_sent_by_name_and_paths_of_this_machine_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getcwd", lambda: "/home/ada")
    body = body_of(
        "fineweb", ["crawl/*.parquet", "/data/x", "s3://b/c"], {"output": "out/", "changes": ("a.b=1",)}, True
    )
    assert body == {
        "recipe": "fineweb", "inputs": ["/home/ada/crawl/*.parquet", "/data/x", "s3://b/c"], "output": "/home/ada/out/", "changes": ["a.b=1"],
    }  # fmt: skip
    assert absolute("../x") == "/home/x"


def test_paths_of_another_machine_are_left_as_they_are() -> None:
    assert body_of("fineweb", "crawl/", {"output": "out"}, False) == {
        "recipe": "fineweb",
        "inputs": ["crawl/"],
        "output": "out",
    }


def test_a_tree_and_its_paths_are_sent() -> None:
    tree = {"name": "x", "input": {"paths": ["crawl", "s3://b"], "text": "content"}}
    sent = body_of(tree, (), {"labels": {"team": "en"}}, True)
    assert sent["labels"] == {"team": "en"}
    assert sent["recipe"]["input"] == {"paths": [str(Path.cwd() / "crawl"), "s3://b"], "text": "content"}
    assert tree["input"] == {"paths": ["crawl", "s3://b"], "text": "content"}  # the caller's own is as it was


def test_yaml_text_is_sent_as_it_is() -> None:
    text = "name: x\nscore: [gopher]\n"
    assert body_of(text, (), {}, True) == {"recipe": text}


def test_a_file_that_is_not_there_is_said_before_anything_is_sent() -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        body_of("none.yaml", (), {}, True)


def test_labels_are_names_and_values() -> None:
    assert labels_of(["team=en", "run=a=b", "empty="]) == {"team": "en", "run": "a=b", "empty": ""}
    with pytest.raises(UsageError, match="expected name=value"):
        labels_of(["team"])
