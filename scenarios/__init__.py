"""What is to be driven: the registry of named scenarios, and our own maps."""
