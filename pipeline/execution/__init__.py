"""Where units run, and who may still write: executors, the pool of workers, attempts, asking work to rest."""
