"""Training the models that scorers use, on the user's own text."""
