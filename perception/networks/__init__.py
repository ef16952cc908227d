"""Torch models, losses, data and training of the perception; the only place of the package that needs torch."""
