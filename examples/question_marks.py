"""A scorer in one file: how many sentences of a document ask something.

    winnow score crawl/ --scorer examples/question_marks.py --output notes/
    winnow run my.yaml crawl/        # with `score: [examples/question_marks.py]` and a rule on its columns

A scorer is a frozen dataclass whose fields are its parameters. It sees a batch of documents as bytes and offsets,
returns one value a document and column, and never drops, reorders or edits anything: that is for rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow.compute as pc

from scorers.base import Column, Values, count, fraction
from scorers.text import TextBatch


@dataclass(frozen=True)
class QuestionMarks:
    """Question marks, and their share among the marks that end a sentence."""

    name: ClassVar[str] = "question_marks"
    version: ClassVar[int] = 1

    marks: str = "?"

    def columns(self) -> tuple[Column, ...]:
        """What `score` returns, with unit and meaning: rules, SQL and reports read this."""
        return (
            count("questions", "marks", f"occurrences of {self.marks!r}"),
            fraction("question_frac", "share of them among all of . ! ?; 0 without any"),
        )

    def score(self, batch: TextBatch) -> Values:
        """D documents -> D values a column, by Arrow compute: no Python string per document."""
        text = batch.to_arrow()
        questions = pc.count_substring(text, self.marks)
        ends = pc.count_substring_regex(text, r"[.!?]")
        share = pc.divide(pc.cast(questions, "float64"), pc.cast(pc.max_element_wise(ends, questions, 1), "float64"))
        return {"questions": questions, "question_frac": share}


SCORER = QuestionMarks
