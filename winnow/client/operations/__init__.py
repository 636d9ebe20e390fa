"""What can be asked of a service, each operation once, for the blocking and the asynchronous client alike."""
