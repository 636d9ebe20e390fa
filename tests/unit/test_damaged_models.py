"""Model files and cards that no writer wrote: refused in words, whatever a byte of them says; never read past their end."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.train.classifier import Examples, Shape, fit
from pipeline.train.fasttext_writer import bin_bytes, ftz_bytes
from scorers import models
from scorers.models.card import FOLDER_VARIABLE, Card, ModelError
from scorers.models.fasttext_classifier import classifier_of
from scorers.models.fasttext_file import FastTextError, FastTextFile, parse
from scorers.models.ngram_file import MAGIC, Entries, Header, NgramError, TextSettings, new_table, put, write_table
from scorers.models.ngram_model import read
from scorers.text import TextBatch

TEXTS = ["good fine lovely été", "bad awful evil", "good hello there", "bad terrible </s> rest"]
WORD_NGRAMS, BUCKETS, LONGEST = 28, 40, 48
"""Where these 32-bit numbers lie in a fastText file."""


@pytest.fixture(scope="module")
def trained() -> FastTextFile:
    targets = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    examples = Examples(TextBatch.from_strings(TEXTS), ("good", "bad"), targets, np.ones(4, np.float32))
    return fit(examples, Shape(dim=4, epochs=1, shortest=2, longest=3, buckets=64))


def with_number(content: bytes, at: int, number: int) -> bytes:
    changed = bytearray(content)
    struct.pack_into("<i", changed, at, number)
    return bytes(changed)


@pytest.mark.parametrize("at", [WORD_NGRAMS, LONGEST])
@pytest.mark.parametrize("number", [101, 100_000, 2**31 - 1])
def test_ngrams_longer_than_kernels_have_room_for_are_refused(trained: FastTextFile, at: int, number: int) -> None:
    with pytest.raises(FastTextError, match=f"{number}.*at most 100"):
        parse(with_number(bin_bytes(trained), at, number), "model")


def test_buckets_that_would_fill_the_memory_are_refused(trained: FastTextFile) -> None:
    with pytest.raises(FastTextError, match="2147483647 buckets"):
        parse(with_number(ftz_bytes(trained), BUCKETS, 2**31 - 1), "model")


@pytest.mark.parametrize("counts", [[10**15, 1], [-1, 4], [2**62, 2**62]])
def test_label_counts_that_make_no_tree_are_refused(trained: FastTextFile, counts: list[int]) -> None:
    with pytest.raises(FastTextError, match="label counts"):
        parse(bin_bytes(replace(trained, label_counts=np.array(counts))), "model")


@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("field", ["rows", "output"])
def test_weights_that_are_no_numbers_are_refused(trained: FastTextFile, field: str, weight: float) -> None:
    changed = getattr(trained, field).copy()
    changed[1, 2] = weight
    with pytest.raises(FastTextError, match="weights from"):
        parse(bin_bytes(replace(trained, **{field: changed})), "model")


@pytest.mark.parametrize("write", [bin_bytes, ftz_bytes])
def test_any_flipped_bit_of_the_head_is_refused_or_read(trained: FastTextFile, write: Any) -> None:
    content, read_whole = write(trained), 0
    for at in range(min(len(content), 300)):
        for bit in (0, 7):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            try:
                model = classifier_of(parse(bytes(changed), "model"))
            except FastTextError:
                continue
            assert np.isfinite(model.predict(TextBatch.from_strings(TEXTS)).probabilities).all()
            read_whole += 1
    assert 0 < read_whole < 2 * min(len(content), 300)


@pytest.fixture
def table(tmp_path: Path) -> bytes:
    """A compact n-gram model of three entries."""
    made = new_table(3)
    put(made, Entries(np.array([3, 5, 7], np.uint64) << np.uint64(60), np.full((3, 2), -1.0, np.float32)))
    write_table(tmp_path / "whole.ngram", Header(1, (3,), ((-1.0, 0.0),) * 3, TextSettings()), made)
    return (tmp_path / "whole.ngram").read_bytes()


def forged(content: bytes, changes: dict[str, Any], body: bytes | None = None) -> bytes:
    """The same model with another header, and digests that are right."""
    size = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 8], "little")
    start = len(MAGIC) + 8
    body = content[start + size :] if body is None else body
    told = json.loads(content[start : start + size]) | {"sha256": hashlib.sha256(body).hexdigest()} | changes
    head = json.dumps(told).encode()
    head += b" " * (-(start + len(head)) % 64)
    return MAGIC + len(head).to_bytes(8, "little") + head + body


def slots(count: int, kind: str = "<u8") -> dict[str, Any]:
    return {"arrays": [{"name": "slots", "type": kind, "count": count, "at": 0}]}


@pytest.mark.parametrize(("changes", "said"), [
    ({"order": 100}, "order 100"), ({"order": 0}, "order 0"), ({"order": "x"}, "invalid literal"),
    ({"counts": [1, 2]}, "with 2 counts"), ({"specials": [[0, 0]]}, "expected three pairs"),
    ({"specials": [[float("nan"), 0]] * 3}, "expected three pairs"), ({"settings": {"one_line": "perhaps"}}, "one_line"),
    ({"settings": {"normalisation": "other"}}, "normalisation"), (slots(0), "a table of 0"), (slots(30), "a table of 30"),
    (slots(32, "<f8"), "expected a power of two of u64"), ({"arrays": []}, "'slots'"),
])  # fmt: skip
def test_a_forged_header_is_refused(tmp_path: Path, table: bytes, changes: dict[str, Any], said: str) -> None:
    (tmp_path / "forged.ngram").write_bytes(forged(table, changes))
    with pytest.raises(NgramError, match=said):
        read(tmp_path / "forged.ngram", TextSettings())


def test_a_table_without_a_free_slot_is_refused(tmp_path: Path, table: bytes) -> None:
    (tmp_path / "full.ngram").write_bytes(forged(table, {}, b"\x11" * (32 * 8)))
    with pytest.raises(NgramError, match="a slot of them free"):  # a look-up in it would never end
        read(tmp_path / "full.ngram", TextSettings())


@pytest.mark.parametrize("count", ["1000000000000", "9" * 18, "9" * 5000])
def test_an_arpa_file_that_promises_more_than_it_has_is_refused(tmp_path: Path, count: str) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(f"\\data\\\nngram 1={count}\n\n\\1-grams:\n-1\ta\n\n\\end\\\n")
    with pytest.raises(NgramError, match=r"truncated|is not ARPA"):
        read(path, TextSettings())


CARD = Card("mine", "fasttext", "mine.bin", "0" * 64, 3, "CC0-1.0", "For tests.", ("a", "b"))


@pytest.mark.parametrize(("changes", "said"), [
    ({"sha256": "../../etc"}, "64 hexadecimal digits"), ({"sha256": 5}, "sha256 of the wrong type"),
    ({"file_name": "../x"}, "not a plain file name"), ({"file_name": 5}, "file_name of the wrong type"),
    ({"file_name": "card.json"}, "not a plain file name"), ({"settings": []}, "settings of the wrong type"),
    ({"labels": [1, 2]}, "labels of the wrong type"), ({"calibration": "x"}, "calibration of the wrong type"),
])  # fmt: skip
def test_a_card_that_is_none_is_refused(changes: dict[str, Any], said: str) -> None:
    text = json.dumps(json.loads(CARD.as_json()) | changes)
    with pytest.raises(ModelError, match=said):
        Card.from_json(text, "here")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_card_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "names").mkdir(parents=True)
    (folder / "names" / "mine.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"model card .*mine\.json"):
        models.known("mine")


def test_a_model_file_named_like_its_card_is_not_added(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "card.json").write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(ModelError, match="not a plain file name"):  # its card would have taken its place
        models.add(tmp_path / "card.json", replace(CARD, file_name="card.json", sha256=digest))
    assert not folder.exists()


def test_where_a_model_cannot_be_written_nothing_is_left(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    (folder / digest / "mine.bin" / "in-the-way").mkdir(parents=True)
    with pytest.raises(ModelError, match="cannot be written"):
        models.add(tmp_path / "mine.bin", replace(CARD, sha256=digest))
    assert sorted(p.name for p in (folder / digest).iterdir()) == ["mine.bin"]
