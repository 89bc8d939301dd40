"""What a build runs in: processes, interpreters, tools, directories, and an environment made from nothing."""
