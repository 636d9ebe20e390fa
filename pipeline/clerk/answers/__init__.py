"""What a clerk can answer, a subject a file. The table of verbs is pipeline/clerk/verbs.py."""
