"""Deduplication as arrays: bands, clusters, lines, addresses. The stages read and write the tables."""
