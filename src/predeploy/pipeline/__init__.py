"""The phases, and the run that chains them."""
