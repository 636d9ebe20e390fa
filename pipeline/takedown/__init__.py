"""Documents that must be left out for good: who asked, when, why; found by every later job, sample, report and question."""
