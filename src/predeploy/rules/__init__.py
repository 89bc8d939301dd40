"""Conditions, the predicates they are made of, and their evaluation."""
