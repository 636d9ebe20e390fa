"""What a clerk keeps between questions, bounded in bytes; what was used longest ago goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Cache:
    """Values by key. Not for several threads."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def find(self, key: Hashable) -> Any:
        """The value of a key, None where it is not there."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def get(self, key: Hashable, make: Callable[[], Any], size_bytes: Callable[[Any], int]) -> Any:
        """The value of a key, made where it is not there."""
        value = self.find(key)
        if value is None:
            value = make()
            self.put(key, value, size_bytes(value))
        return value

    def put(self, key: Hashable, value: Any, size_bytes: int) -> None:
        """Keep a value. One that is larger than all there may be is not kept."""
        if key in self._values:
            self.bytes -= self._values.pop(key)[1]
        self._values[key] = value, size_bytes
        self.bytes += size_bytes
        while self.bytes > self.most_bytes:
            self.bytes -= self._values.popitem(last=False)[1][1]
