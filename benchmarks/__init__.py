"""What we measure, beside peers where pip can install them: `python -m benchmarks --help`."""
