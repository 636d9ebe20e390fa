"""Slow, obvious Python twins of the kernels, all in one place; each kernel is held to one of them."""

from __future__ import annotations
