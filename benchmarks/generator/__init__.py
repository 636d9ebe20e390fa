"""Corpora of any size with a ledger of truth: duplicates, contamination, boilerplate, toxicity and personal data, planted by seed."""
