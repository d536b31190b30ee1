"""ThingWarden's host agent: sealed reports from devices in, SecuriThings events out."""
