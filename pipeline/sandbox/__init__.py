"""SQL from strangers: a gate on the parse tree, a locked engine, a process with limits around it, one question each."""
