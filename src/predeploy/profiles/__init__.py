"""Platform profiles: finding them, reading them strictly, and asking what holds on a day."""
