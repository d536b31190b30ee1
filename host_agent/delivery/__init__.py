"""Delivery of stored events to SecuriThings."""

from host_agent.delivery.delivery import Delivery
from host_agent.delivery.settings import DeliverySettings, Endpoint

__all__ = ["Delivery", "DeliverySettings", "Endpoint"]
