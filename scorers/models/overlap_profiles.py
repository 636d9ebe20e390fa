"""Published decontaminations by name: how words are normalised, which n-grams count, what is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Normalise = Literal["letters", "unmarked", "gpt3", "datatrove"]
Text = Literal["question", "question+choices", "answer", "question+answer"]


@dataclass(frozen=True, slots=True)
class Profile:
    """One definition. ngram: words. least_words: an evaluation text of this many words, up to `ngram`, is one n-gram of all
    its words; a shorter one is not looked for. texts: what of an item is looked for; `question+answer` leaves out n-grams
    that the question has alone. by_words: overlap is the share of a text's words that hits cover, else of its n-grams.
    column, bound: the rule that says clean. window_chars: spans reach this far beyond a hit; piece_bytes: less text than this
    between spans goes with them. span_overlap: hits of texts with more than this overlap are the spans. max_items: an n-gram
    of more items than this tells none of them (0: no such limit). max_docs: an n-gram in more documents of the corpus than
    this, and in more than max_doc_frac of them, is common and does not count (0: no such limit).
    least_found_words: with by_words, fewer words than these count as none where they are not the whole text.
    max_spans: a document with more of them goes whole (0: none does)."""

    about: str
    normalise: Normalise
    ngram: int
    least_words: int
    texts: tuple[Text, ...]
    by_words: bool
    column: Literal["overlap_frac", "ngrams_hit"]
    bound: tuple[Literal["max", "below"], float]
    span_overlap: float
    max_items: int
    max_docs: int
    max_doc_frac: float
    window_chars: int = 0
    piece_bytes: int = 0
    max_spans: int = 0
    least_found_words: int = 0


WHOLE: tuple[Text, ...] = ("question", "question+choices", "answer")

PROFILES: dict[str, Profile] = {
    "winnow-13": Profile(
        "13-grams of one document cover more than half of an item's words; items of 8 to 12 words whole; common n-grams left out",
        "unmarked", 13, 8, WHOLE, True, "overlap_frac", ("max", 0.5), 0.5, 10, 10, 0.001,
    ),
    "winnow-8": Profile(
        "8-grams of one document cover more than half of an item's words, and 16 words of it or all: finds light paraphrase",
        "unmarked", 8, 8, WHOLE, True, "overlap_frac", ("max", 0.5), 0.5, 10, 10, 0.001, least_found_words=16,
    ),
    "gpt3-13": Profile(
        "any 13-gram that at most 10 documents have; 200 characters around it go too (GPT-3, arXiv:2005.14165, appendix C)",
        "gpt3", 13, 13, WHOLE, False, "ngrams_hit", ("max", 0), 0.0, 0, 10, 0.0, 200, 200, 9,
    ),
    "datatrove-12": Profile(
        "any 12-gram of an answer, or of question and answer together (datatrove 0.10.1, NGramsDecontFilter's defaults)",
        "datatrove", 12, 12, ("question+answer",), False, "ngrams_hit", ("max", 0), 0.0, 0, 0, 0.0,
    ),
    "tulu3-8": Profile(
        "8-grams of one document cover more than half of a question's words (Tülu 3, arXiv:2411.15124, section 3.2)",
        "letters", 8, 8, ("question",), True, "overlap_frac", ("max", 0.5), 0.5, 0, 0, 0.0,
    ),
    "palm-8": Profile(
        "at least 70 % of an item's 8-grams in one document (PaLM, arXiv:2204.02311, section 8)",
        "letters", 8, 8, WHOLE, False, "overlap_frac", ("below", 0.7), 0.7, 0, 0, 0.0,
    ),
}  # fmt: skip
