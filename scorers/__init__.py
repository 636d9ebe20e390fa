"""Measurements of documents, one per file. See scorers.base for what a scorer is and how to add one."""
