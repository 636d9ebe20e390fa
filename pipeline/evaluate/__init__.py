"""Scorers held against labelled data: measures with intervals, honest splits, the audit of identity terms, their pages."""
