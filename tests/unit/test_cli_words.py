"""What commands say, word by word."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.cli.remote import _state
from pipeline.cli.serve import _day
from pipeline.cli.show import _account, _cell
from pipeline.errors import RecipeError
from pipeline.recipe_file import parse


@pytest.mark.parametrize(("record", "said"), [
    ({"state": "running", "wanted": "pause"}, "running, pause wanted"),
    ({"state": "running", "wanted": "run"}, "running"),
    ({"state": "failed", "reason_code": "quarantine_over_budget"}, "failed: quarantine_over_budget"),
    ({"state": "completed", "reason_code": ""}, "completed"),
])  # fmt: skip
def test_a_list_of_jobs_says_what_is_wanted_and_why_one_failed(record: dict[str, Any], said: str) -> None:
    assert _state(record) == said


def test_sums_that_are_wider_than_64_bits_are_numbers_all_the_same() -> None:
    assert (_cell(Decimal(23_224)), _cell(Decimal("1.50")), _cell(23_224)) == ("23,224", "1.50", "23,224")


def test_the_account_names_its_three_numbers() -> None:
    assert _account({"kept": 1_000, "judge.short": 20, "quarantined": 3}) == "1,000 kept + 20 removed + 3 quarantined"


def test_times_of_keys_fit_a_line() -> None:
    assert (_day("2026-11-21T15:32:53Z"), _day(None)) == ("2026-11-21 15:32", "")


def test_a_file_that_holds_nothing_is_no_recipe() -> None:
    with pytest.raises(RecipeError, match="found nothing"):
        parse("# a comment\n", "notes.txt")
