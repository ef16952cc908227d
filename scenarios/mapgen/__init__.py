"""Our own towns: readable descriptions, and the generator that writes them as OpenDRIVE files.

`python -m scenarios.mapgen [NAME...] [--out DIR]` rewrites `scenarios/maps`. Needs the `scenariogeneration` library.
"""
