"""Delivery of stored events to SecuriThings."""
