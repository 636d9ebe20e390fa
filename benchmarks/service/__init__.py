"""What the service promises in figures, measured through HTTP against `winnow serve` as a process; each with its goal."""
