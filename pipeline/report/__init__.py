"""The report: one self-contained HTML page on a job. `page` puts it together; the rest is a piece each."""
