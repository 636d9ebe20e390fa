"""Training models on labelled or plain text, and what they need to be trusted: calibration, cards, a teacher."""
