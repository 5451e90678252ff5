"""Fuzzers: random bytes for what reads bytes. `make test` runs a short piece of each."""
