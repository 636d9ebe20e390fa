"""Numbers that add up over shards: bins, statistics of columns, percentiles, estimates of tokens, the funnel."""
