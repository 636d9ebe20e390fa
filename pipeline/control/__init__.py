"""Jobs that outlive whoever asked for them: what was accepted, what is wanted, and who carries it out."""
