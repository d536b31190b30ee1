"""A real board on a cable: flash it, give it its identity, look at it. Over stock `mpremote`."""
