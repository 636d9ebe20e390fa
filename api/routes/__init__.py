"""The paths under /v1, one file a subject. What needs scorers or planning is asked of a clerk, SQL of the sandbox."""
