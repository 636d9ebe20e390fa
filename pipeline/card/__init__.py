"""What lies beside an exported corpus: a dataset card, the locked recipe, Croissant metadata."""
