"""The device link: sealed reports in, sealed replies out (DESIGN section 4)."""
