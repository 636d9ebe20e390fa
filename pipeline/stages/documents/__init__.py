"""From signatures to clusters: one table each."""
