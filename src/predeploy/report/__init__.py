"""Renderers: the same result as JSON, text, a plan, or a script."""
