"""One file a peer: what it is, what it can do here, and how. Imported in Winnow's environment for what it says of itself and in the
peer's for its work, so that nothing but the standard library and the modules beside it is imported outside functions."""
