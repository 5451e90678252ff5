"""Tests; a package, so that no installed folder of the same name is found first."""
