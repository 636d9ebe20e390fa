"""Equal and similar documents as arrays: bands and budgets, pairs, clusters, guards, addresses."""
