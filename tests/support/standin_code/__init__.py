"""Sources of the stand-in distributions: read as text, never imported by the tests."""
