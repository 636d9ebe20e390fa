"""Evaluation sets, read and named by what is in them, and what a recipe's `decontaminate` stands for."""
