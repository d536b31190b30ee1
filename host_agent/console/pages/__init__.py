"""The pages of the console, for people who have logged in."""
