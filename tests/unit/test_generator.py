"""The seeded generator: the same bytes whatever the cuts, and a ledger that says what is in the text."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.exact_jaccard import jaccard, shingles
from benchmarks.generator import items
from benchmarks.generator.chain import Chain, learn
from benchmarks.generator.corpus import Corpus, batch, corpus
from benchmarks.generator.kinds import KINDS, Shares, kinds, originals
from benchmarks.generator.personal import card_number, iban
from benchmarks.generator.shards import write_corpus

SHARES = Shares(exact=500, near=1500, contaminated=500, boilerplate=500, toxic=500, personal=500)


def some_text(seed: int, words: list[str]) -> str:
    rng = random.Random(seed)
    return "\n".join(
        " ".join(rng.choices(words, [1 / (n + 1) for n in range(len(words))], k=12)) + "." for _ in range(30)
    )


@pytest.fixture(scope="module")
def chain() -> Chain:
    english = [f"{a}{b}" for a in ("water", "stone", "house", "green", "light") for b in ("", "s", "ly", "ing", "ed")]
    german = [f"{a}{b}" for a in ("straße", "größe", "haus", "wald") for b in ("", "n", "lich", "ung")]
    return learn([("en", some_text(n, english)) for n in range(40)] + [("de", some_text(n, german)) for n in range(20)])


@pytest.fixture(scope="module")
def made(chain: Chain) -> Corpus:
    return corpus(chain, 7, SHARES, items.made_up(7, 20))


def test_a_document_alone_is_the_one_in_its_batch(made: Corpus) -> None:
    whole = batch(made, 0, 300).documents
    assert [batch(made, n, 1).documents for n in (0, 41, 299)] == [whole.slice(n, 1) for n in (0, 41, 299)]


def test_documents_and_ledger_are_the_same_for_any_number_of_shards(made: Corpus, tmp_path: Path) -> None:
    told = [write_corpus(made, tmp_path / str(n), 400_000, n, {}) for n in (1, 3)]
    one, three = (pq.read_table(tmp_path / n / "text") for n in ("1", "3"))
    assert told[0] == told[1]
    assert one.equals(three)
    assert len(list((tmp_path / "3" / "text").iterdir())) == 3
    ledgers = [pq.read_table(tmp_path / n / "ledger.parquet") for n in ("1", "3")]
    assert ledgers[0].equals(ledgers[1])
    assert told[0].text_bytes == pc.sum(pc.binary_length(one["text"])).as_py()
    assert 400_000 <= told[0].text_bytes < 450_000
    assert len({doc_id for doc_id, _ in _kinds(ledgers[0])}) == len(set(_kinds(ledgers[0])))
    by_kind = Counter(kind for _, kind in set(_kinds(ledgers[0])))
    assert {k: n for k, n in told[0].by_kind.items() if k != "plain"} == {k: by_kind[k] for k in KINDS[1:]}
    assert sum(told[0].by_kind.values()) == told[0].documents == len(one)


def _kinds(ledger: pa.Table) -> list[tuple[str, str]]:
    return list(zip(ledger["doc_id"].to_pylist(), ledger["kind"].to_pylist(), strict=True))


def test_another_seed_makes_other_text(chain: Chain, made: Corpus) -> None:
    other = corpus(chain, 8, SHARES, items.made_up(8, 20))
    assert set(batch(made, 0, 50).documents["text"].to_pylist()).isdisjoint(
        batch(other, 0, 50).documents["text"].to_pylist()
    )


def test_the_ledger_tells_the_exact_similarity_of_every_copy(made: Corpus) -> None:
    told = batch(made, 0, 600)
    texts = dict(zip(told.documents["id"].to_pylist(), told.documents["text"].to_pylist(), strict=True))
    copied = [r for r in told.ledger if r["kind"] in ("exact", "near")]
    for row in copied:
        assert row["of"] < row["doc_id"]
        assert row["jaccard"] == jaccard(shingles(texts[row["of"]]), shingles(texts[row["doc_id"]]))
        assert (texts[row["of"]] == texts[row["doc_id"]]) == (row["kind"] == "exact")
    near = [r for r in copied if r["kind"] == "near"]
    assert {r["change"] for r in near} == {"replaced", "dropped", "cut_short", "extended", "reformatted"}
    assert {r["jaccard"] for r in near if r["change"] == "reformatted"} == {1.0}
    assert sum(0.45 < r["jaccard"] < 1 for r in near) > len(near) // 2
    planted = {r["doc_id"] for r in told.ledger}
    assert all(r["of"] not in planted for r in copied)


def test_what_was_put_in_lies_where_the_ledger_says(made: Corpus) -> None:
    told = batch(made, 0, 600)
    texts = dict(zip(told.documents["id"].to_pylist(), told.documents["text"].to_pylist(), strict=True))
    put_in = [r for r in told.ledger if r["planted"] is not None]
    assert {r["kind"] for r in put_in} == {"contaminated", "boilerplate", "toxic", "personal"}
    for row in put_in:
        assert texts[row["doc_id"]].encode()[row["start_byte"] : row["end_byte"]].decode() == row["planted"]
    assert {r["of"] for r in put_in if r["kind"] == "contaminated"} <= {i["id"] for i in made.items}


def test_kinds_come_in_their_shares_and_copies_are_of_plain_documents() -> None:
    numbers = np.arange(200_000)
    found = kinds(3, Shares(), numbers)
    shares = {KINDS[k]: n / 200 for k, n in enumerate(np.bincount(found).tolist())}
    assert shares["exact"] == pytest.approx(30, abs=2)
    assert shares["boilerplate"] == pytest.approx(100, abs=3)
    of = originals(3, Shares(), numbers[1:])
    assert set(kinds(3, Shares(), of).tolist()) == {0}
    assert (of < numbers[1:]).all()


def test_every_language_of_the_source_is_written_and_only_its_words(chain: Chain) -> None:
    told = batch(corpus(chain, 7, Shares(0, 0, 0, 0, 0, 0), []), 0, 200)
    by_language = {
        la: set(t.lower().replace(".", " ").split())
        for la, t in zip(told.documents["lang"].to_pylist(), told.documents["text"].to_pylist(), strict=True)
    }
    assert set(by_language) == {"en", "de"}
    assert by_language["en"].isdisjoint(by_language["de"])


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to learn from: no document has 24 words"):
        learn([("en", "too short")])


def test_shares_that_leave_no_plain_text_are_refused() -> None:
    with pytest.raises(ValueError, match="5,000 together at most"):
        Shares(exact=6_000)


def test_numbers_of_cards_and_accounts_pass_their_checks() -> None:
    rng = random.Random(1)
    digits = [int(c) for c in card_number(rng) if c != " "]
    assert sum(d if n % 2 else sum(divmod(2 * d, 10)) for n, d in enumerate(digits)) % 10 == 0
    account = iban(rng)
    assert int(account[4:] + "1314" + account[2:4]) % 97 == 1
