"""The demo: the text of the Python environment it runs in, as a corpus."""
