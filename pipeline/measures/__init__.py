"""How well scores and labels agree, and splits that are honest about it: numpy alone, for training and for evaluation."""
