"""Tables and parts on disk or in a bucket: paths, the commit protocol, reading what was committed, and knowing it is whole."""
