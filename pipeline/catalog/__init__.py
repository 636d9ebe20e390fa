"""The catalog: DuckDB over manifests and job logs. A cache: it can be deleted and made anew."""
