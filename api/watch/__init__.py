"""Listening to a job: its log, told as server-sent events, to many at once."""
