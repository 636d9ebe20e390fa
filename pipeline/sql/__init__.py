"""DuckDB as Winnow uses it, and the gate for SQL that a recipe brings."""
