"""A Winnow service from Python.

from winnow.client import Client
Client().submit("fineweb", ["crawl/"]).wait(progress=True).funnel()
"""

from __future__ import annotations

from winnow.client.answer import Answer
from winnow.client.async_client import AsyncClient, AsyncJob
from winnow.client.client import Client, Job
from winnow.client.operations.watch import Event
from winnow.client.rows import Rows

__all__ = ["Answer", "AsyncClient", "AsyncJob", "Client", "Event", "Job", "Rows"]
