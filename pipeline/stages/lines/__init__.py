"""From lines to what goes of them: one table each."""
