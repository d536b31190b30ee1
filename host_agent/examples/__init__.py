"""Apps to begin with."""
