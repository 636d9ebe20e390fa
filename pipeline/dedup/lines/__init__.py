"""Lines and paragraphs that the corpus repeats, as arrays."""
