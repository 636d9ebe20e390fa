"""Which stages a kind of deduplication takes, in which order."""
