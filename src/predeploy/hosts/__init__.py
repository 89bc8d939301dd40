"""What hosts do that data cannot say: one module a host, named from its profile."""
