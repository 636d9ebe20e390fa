"""Passages that lie in several documents, as arrays."""
