"""Winnow and its peers on the same text, on one core: speed, memory, and what each finds."""
