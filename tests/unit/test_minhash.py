"""MinHash signatures: which words, which shingles, which minima."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash as DatasketchMinHash

from scorers.base import ScorerError, as_struct, build
from scorers.kernels.folding import case_table, exact_table, word_table
from scorers.kernels.shingles import CHUNK
from scorers.minhash import MinHash, permutations
from scorers.text import TextBatch
from tests import oracle_dedup as oracle


def signatures(texts: list[str], num_perm: int = 16, ngram: int = 5) -> list[list[int]]:
    """Signatures of a few permutations."""
    values = MinHash(num_perm=num_perm, ngram=ngram).score(TextBatch.from_strings(texts))
    return [[int(v) for v in row] for row in values["signature"]]


@pytest.mark.parametrize(("num_perm", "seed"), [(1, 1), (128, 1), (112, 7), (256, 2**32 - 1)])
def test_permutations_are_those_of_datasketch(num_perm: int, seed: int) -> None:
    theirs = DatasketchMinHash(num_perm=num_perm, seed=seed, scheme="affine32").permutations
    for ours, their in zip(permutations(num_perm, seed), theirs, strict=True):
        np.testing.assert_array_equal(ours, their)


def test_folding_is_the_same_on_every_python() -> None:
    # a change here changes every signature and hash ever stored: raise the versions of the scorers with it
    assert hashlib.sha256(word_table().tobytes()).hexdigest()[:16] == "06a251af555aace5"
    assert hashlib.sha256(case_table().tobytes()).hexdigest()[:16] == "f1e55404a4d9217f"
    assert hashlib.sha256(exact_table().tobytes()).hexdigest()[:16] == "e262719d5c210dfe"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop: it's 3.14!", ["don", "t", "stop", "it", "s", "3", "14"]),
        ("Café CAFE\u0301 Ёлка", ["cafe", "cafe", "елка"]),
        ("snake_case ﬁne Straße", ["snake", "case", "fine", "strasse"]),
        ("co\u00adop a\u200bb «q»", ["coop", "a", "b", "q"]),
        ("東京へ行く。2つ", ["東", "京", "へ", "行", "く", "2", "つ"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("a𠀋b", ["a", "𠀋", "b"]),
        ("x\x00y", ["x", "y"]),
        ("—  … !", []),
    ],
)
def test_words_are_folded_runs_of_letters(text: str, words: list[str]) -> None:
    assert oracle.words(text) == words
    assert signatures([text], ngram=2) == signatures([" ".join(words)], ngram=2)
    assert signatures([text], ngram=2) == [oracle.signature(text, 16, 2, 1)]


@pytest.mark.parametrize("length", [*range(1, 26), 63, 64, 65, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
@pytest.mark.parametrize("piece", ["a", "É", "世", "aé", "ab 世", "1.", "a\u0301"])
def test_words_and_documents_of_every_length_match_the_oracle(piece: str, length: int) -> None:
    texts = [piece * length, "It was so. " * 9 + piece * length + " the end of it"]
    assert signatures(texts) == [oracle.signature(t, 16, 5, 1) for t in texts]


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_words_across_chunks_match_the_oracle(shift: int) -> None:
    text = "x " * (CHUNK // 2 - 20) + "y" * shift + " longerwordthansixteenbytes naïveté words 世界 go on " * 60
    assert signatures([text]) == [oracle.signature(text, 16, 5, 1)]


def test_fewer_words_than_a_shingle_are_one_shingle() -> None:
    values = MinHash().score(TextBatch.from_strings(["a b c d", "a b c d e", "a b c d e f", "a", "", " !"]))
    assert values["shingles"].tolist() == [1, 1, 2, 1, 0, 0]


def test_without_words_every_bit_is_set() -> None:
    assert signatures(["", "\n", "?!", "\u00ad"]) == [[0xFFFFFFFF] * 16] * 4


def test_more_words_in_a_shingle_than_in_a_chunk() -> None:
    text = "a b c d e f g h " * (CHUNK // 8 + 2)
    assert signatures([text], ngram=CHUNK + 8) == [oracle.signature(text, 16, CHUNK + 8, 1)]


def test_a_signature_is_little_endian_bytes_in_the_notes() -> None:
    scorer = MinHash(num_perm=4)
    struct = as_struct(scorer, scorer.score(TextBatch.from_strings(["one two three"])), 1)
    assert struct.type.field("signature").type == pa.binary(16)
    stored = np.frombuffer(struct[0].as_py()["signature"], dtype="<u4")
    assert stored.tolist() == oracle.signature("one two three", 4, 5, 1)


def test_an_empty_batch_has_no_signatures() -> None:
    assert len(as_struct(MinHash(), MinHash().score(TextBatch.from_strings([])), 0)) == 0


@pytest.mark.parametrize("given", [{"num_perm": 0}, {"ngram": 0}, {"seed": -1}, {"seed": 2**32}])
def test_wrong_parameters_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(ScorerError, match="minhash"):
        build("minhash", given)


def test_a_document_of_100_megabytes_has_the_signature_of_its_shingles() -> None:
    text = "one two three four five six seven " * 3_000_000
    assert signatures([text, text[:340]])[0] == signatures([text[:340]])[0]
