"""From windows of text to passages that go: one table each."""
