"""The uploaded tree and the files in it: reading and parsing, never writing, never importing."""
