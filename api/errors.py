"""What only a service can have to say no to. Each carries its code; api/codes.py has the status."""

from __future__ import annotations

from typing import ClassVar

from pipeline.errors import UsageError, WinnowError


class RequestError(WinnowError):
    """A request that is refused. retry_after: seconds until it is worth another try; headers go with the answer."""

    code: ClassVar[str] = "bad_request"

    def __init__(self, said: str, *, retry_after: float | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(said)
        self.retry_after = retry_after
        self.headers = headers or {}


class BadPageToken(RequestError):
    """A page token that this service did not give for this listing."""

    code = "bad_page_token"


class BadHost(RequestError):
    """The Host header is not a name of this service: DNS rebinding looks like this."""

    code = "bad_host"


class CrossOrigin(RequestError):
    """A page of another site asks for a change."""

    code = "cross_origin"


class Unauthorized(RequestError):
    """No key, or none that is valid."""

    code = "unauthorized"


class Forbidden(RequestError):
    """The key's role does not reach this far."""

    code = "forbidden"


class TooSlow(RequestError):
    """The body did not come within its time."""

    code = "request_timeout"


class BodyTooLarge(RequestError):
    """The body is over the limit."""

    code = "body_too_large"


class WrongMediaType(RequestError):
    """The body is of a type that this path does not read."""

    code = "unsupported_media_type"


class NotAcceptable(RequestError):
    """None of the media types that are accepted can be given."""

    code = "not_acceptable"


class WrongRange(RequestError):
    """A Range header that lies outside the file."""

    code = "range_not_satisfiable"


class Invalid(RequestError):
    """The request is understood, but not what the schema asks for."""

    code = "invalid"


class RateLimited(RequestError):
    """Too many requests of one key or address."""

    code = "rate_limited"


class TooManyFailures(RequestError):
    """Too many wrong keys from one address."""

    code = "too_many_failures"


class TooManyQuestions(RequestError):
    """As many SQL questions as may run at once are running."""

    code = "too_many_questions"


class TooManyStreams(RequestError):
    """As many event streams as may be open are open."""

    code = "too_many_streams"


class NotReady(RequestError):
    """The service cannot do its work at the moment."""

    code = "not_ready"


class AlreadyServed(UsageError):
    """Another service works on this workspace."""

    code = "already_served"


class KeysNeeded(UsageError):
    """The service would be reachable from elsewhere without any key."""

    code = "keys_needed"


class KeysDamaged(UsageError):
    """The file of keys cannot be read: nobody is let in."""

    code = "keys_damaged"
