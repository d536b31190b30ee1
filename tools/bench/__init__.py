"""Measurements that are looked at, not tested: a busy machine would make them lie."""
