"""What a service says no with, as errors that programs and people can read."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.wording import printable
from tests.scripted_service import problem, reply
from winnow.client.errors import JobCancelled, JobFailed, JobOverBudget, Refused, ServiceFault, error_of, raise_for_end
from winnow.client.request import Reply


def test_a_problem_becomes_an_error_that_says_everything() -> None:
    told = error_of(
        problem(422, "model", "the recipe is not one", hint="See docs/recipe.md", request_id="r1",
                errors=[{"pointer": "/rules/x/min", "detail": "expected a number", "code": "type"}])
    )  # fmt: skip
    assert type(told) is Refused
    assert (told.status, told.code, told.request_id, told.hint) == (422, "model", "r1", "See docs/recipe.md")
    assert told.errors == ({"pointer": "/rules/x/min", "detail": "expected a number", "code": "type"},)
    assert str(told) == "the recipe is not one\n  /rules/x/min: expected a number\nSee docs/recipe.md"
    assert told.exit_code == 2


def test_who_has_no_key_is_told_where_the_clients_take_one_from() -> None:
    told = error_of(problem(401, "unauthorized", "a key is needed", hint="Make a key, and send its text."))
    assert (
        str(told) == "a key is needed\nThe clients take a key from WINNOW_KEY, from --key-file, or as Client(key=...)."
    )


def test_a_hint_in_the_words_of_rest_is_not_shown_where_the_detail_has_said_all() -> None:
    told = error_of(
        problem(422, "plan", "no column 'a'. Did you mean 'b'?", hint="POST /v1/plans checks without running.")
    )
    assert str(told) == "no column 'a'. Did you mean 'b'?"
    assert told.hint == "POST /v1/plans checks without running."


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"code": 7'])
def test_an_answer_that_is_no_problem_is_an_error_all_the_same(body: bytes) -> None:
    for kind in ("text/html", "application/problem+json"):
        told = error_of(Reply(500, {"content-type": kind}, body))
        assert type(told) is ServiceFault
        assert str(told) == "the service answered with status 500"


def test_a_fault_of_the_service_names_the_request() -> None:
    told = error_of(problem(500, "internal", "a fault", request_id="req-7"))
    assert str(told) == "a fault\n(request req-7: the service's log says more)"


def test_errors_of_a_status_nobody_knows_are_refusals() -> None:
    assert type(error_of(reply(418, {"code": "teapot", "detail": "short and stout"}))) is Refused


def test_an_error_holds_no_control_characters() -> None:
    assert str(error_of(problem(422, "x", "doc \x1b[2J\x07 is \u202e wrong"))) == "doc \ufffd[2J\ufffd is \ufffd wrong"


@pytest.mark.parametrize(("record", "error", "exit_code"), [
    ({"state": "failed", "reason_code": "unit_failed", "message": "no"}, JobFailed, 1),
    ({"state": "failed", "reason_code": "quarantine_over_budget", "message": "no"}, JobOverBudget, 3),
    ({"state": "cancelled"}, JobCancelled, 4),
])  # fmt: skip
def test_the_end_of_a_job_is_an_exit_code(record: dict[str, Any], error: type[JobFailed], exit_code: int) -> None:
    with pytest.raises(error) as raised:
        raise_for_end({"id": "job_1", **record})
    assert raised.value.exit_code == exit_code
    assert raised.value.record["state"] == record["state"]


def test_completed_jobs_raise_nothing() -> None:
    assert [raise_for_end({"id": "j", "state": s}) for s in ("completed", "completed_with_quarantine")] == [None, None]


def test_printable_keeps_lines_and_scripts_of_the_world() -> None:
    assert printable("añ 漢\n\t\x00\x9b") == "añ 漢\n\t\ufffd\ufffd"
