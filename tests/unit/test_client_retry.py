"""What is sent again, when, for how long, and under which key."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils

import pytest

from pipeline.errors import UsageError
from tests.scripted_service import REFUSED, STEADY, Script, headers_of, problem, reply
from winnow.client.errors import (
    Busy,
    NotFound,
    Refused,
    ServiceFault,
    ServiceUnavailable,
    ServiceUnreachable,
    WrongState,
)
from winnow.client.operations import job as on_job
from winnow.client.operations import service
from winnow.client.request import Lost, Reply
from winnow.client.retry import Patience

ACCEPTED = reply(202, {"id": "job_1", "state": "queued"})


def test_a_submission_is_sent_again_under_the_same_key() -> None:
    script = Script([REFUSED, REFUSED, reply(503), ACCEPTED])
    assert script.run(service.submit({"recipe": "fineweb"}))["id"] == "job_1"
    keys = [headers_of(r)["idempotency-key"] for r in script.sent]
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32


def test_two_submissions_have_two_keys() -> None:
    script = Script([ACCEPTED, ACCEPTED])
    script.run(service.submit({"recipe": "fineweb"}))
    script.run(service.submit({"recipe": "fineweb"}))
    assert len({headers_of(r)["idempotency-key"] for r in script.sent}) == 2


def test_a_given_key_is_sent() -> None:
    script = Script([ACCEPTED])
    script.run(service.submit({"recipe": "fineweb"}, "nightly-2026-11-21"))
    assert headers_of(script.sent[0])["idempotency-key"] == "nightly-2026-11-21"


def test_pauses_double_up_to_a_bound() -> None:
    script = Script([REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, ACCEPTED])
    script.run(service.submit({}))
    assert script.pauses_s == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_pauses_are_random_in_their_upper_half() -> None:
    drawn = [Patience(first_s=4.0, chance=lambda c=c: c).pause_s(1) for c in (0.0, 0.5, 0.999)]  # type: ignore[misc]
    assert drawn == pytest.approx([2.0, 3.0, 3.998])


@pytest.mark.parametrize("after_s", [3, 20])
def test_retry_after_is_honoured(after_s: int) -> None:
    script = Script([problem(429, "queue_full"), ACCEPTED])
    script.outcomes[0] = dataclasses.replace(
        script.outcomes[0], headers={**script.outcomes[0].headers, "retry-after": str(after_s)}
    )
    script.run(service.submit({}))
    assert script.pauses_s == [after_s]


def test_retry_after_as_a_date() -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    found = Reply(503, {"retry-after": email.utils.format_datetime(then, usegmt=True)}).retry_after_s()
    assert found is not None
    assert 27.0 < found <= 30.0


@pytest.mark.parametrize("given", ["", "soon", "-3", "1.5", "²"])
def test_a_retry_after_that_says_nothing_is_passed_over(given: str) -> None:
    assert Reply(503, {"retry-after": given}).retry_after_s() is None


def test_a_date_that_is_over_means_now() -> None:
    assert Reply(503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}).retry_after_s() == 0.0


def test_nobody_there_is_given_up_within_the_patience() -> None:
    script = Script([REFUSED], endless=True)
    with pytest.raises(ServiceUnreachable, match=r"no answer from the service in 55 s: connection refused") as raised:
        script.run(service.version())
    assert sum(script.pauses_s) == 55.0  # 1 + 2 + 4 + 8 * 6; another 8 would be over 60
    assert raised.value.exit_code == 5
    assert raised.value.code == "unreachable"


def test_a_wait_longer_than_the_patience_is_not_begun() -> None:
    full = problem(429, "queue_full", "the queue is full: 100 jobs wait")
    script = Script([dataclasses.replace(full, headers={**full.headers, "retry-after": "61"})])
    with pytest.raises(Busy, match="100 jobs wait") as raised:
        script.run(service.submit({}))
    assert script.pauses_s == []
    assert raised.value.retry_after_s == 61.0


@pytest.mark.parametrize(("answer", "error"), [
    (problem(400, "invalid"), Refused),
    (problem(404, "job_not_found"), NotFound),
    (problem(409, "wrong_state"), WrongState),
    (problem(422, "recipe"), Refused),
    (problem(422, "idempotency_key_reused"), Refused),
    (problem(500, "internal"), ServiceFault),
    (problem(503, "timeout"), ServiceUnavailable),
    (problem(504, "timeout"), ServiceUnavailable),
    (reply(302, None, location="https://elsewhere.example/"), Refused),
])  # fmt: skip
def test_what_would_be_the_same_again_is_sent_once(answer: Reply, error: type[Exception]) -> None:
    script = Script([answer])
    with pytest.raises(error):
        script.run(service.submit({}))
    assert len(script.sent) == 1


@pytest.mark.parametrize("answer", [
    problem(429, "rate_limited"),
    problem(503, "not_ready"),
    problem(409, "idempotency_key_in_flight"),
    reply(502),
    reply(504),
    REFUSED,
])  # fmt: skip
def test_what_passes_is_waited_for(answer: Reply) -> None:
    script = Script([answer, ACCEPTED])
    assert script.run(service.submit({}))["state"] == "queued"
    assert script.pauses_s == [1.0]


def test_a_deletion_whose_answer_was_lost_is_done() -> None:
    script = Script([REFUSED, problem(404, "job_not_found")])
    assert script.run(on_job.delete("job_1")) is None
    with pytest.raises(NotFound):
        Script([problem(404, "job_not_found")]).run(on_job.delete("job_1"))


def test_a_cancellation_that_is_there_already_is_none_that_failed() -> None:
    script = Script([REFUSED, problem(409, "wrong_state"), reply(200, {"id": "job_1", "state": "cancelled"})])
    assert script.run(on_job.steer("job_1", "cancel"))["state"] == "cancelled"


def test_a_completed_job_cannot_be_cancelled() -> None:
    script = Script([problem(409, "wrong_state", "it is completed"), reply(200, {"id": "job_1", "state": "completed"})])
    with pytest.raises(WrongState, match="it is completed"):
        script.run(on_job.steer("job_1", "cancel"))


def test_a_certificate_that_is_not_trusted_is_no_reason_to_wait() -> None:
    script = Script([Lost("a certificate that this machine does not trust", final=True)])
    with pytest.raises(ServiceUnreachable, match="certificate"):
        script.run(service.version())


def test_an_answer_that_is_no_json_comes_from_somebody_else() -> None:
    with pytest.raises(ServiceFault, match="no Winnow service") as raised:
        Script([Reply(200, {}, b"<html>Welcome</html>")]).run(service.version())
    assert raised.value.code == "not_winnow"


@pytest.mark.parametrize("key", ["", "a" * 256, "ключ", "a\nb"])
def test_a_key_that_is_none_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(UsageError, match="1 to 255 printable ASCII"):
        Script([]).run(service.submit({}, key))


def test_patience_of_none_sends_once() -> None:
    script = Script([REFUSED], patience=dataclasses.replace(STEADY, total_s=0.0))
    with pytest.raises(ServiceUnreachable):
        script.run(service.version())
    assert len(script.sent) == 1
