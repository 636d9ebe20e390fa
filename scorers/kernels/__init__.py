"""Compiled loops: arrays in, arrays out. The only folder that imports numba; each kernel has an oracle in tests/oracles.py."""
