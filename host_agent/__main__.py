"""`python -m host_agent` is `thingwarden`."""

from host_agent.cli import main

main()
