"""`make demo`: real firmware, the agent and stand-ins for both clouds, shown in one terminal."""
