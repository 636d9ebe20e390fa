"""Who may do what: keys and roles, and which paths the service touches."""
