"""For profiles that need no function of their own."""
