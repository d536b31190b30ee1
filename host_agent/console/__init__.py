"""The console: what the agent shows to people and machines that watch it."""
