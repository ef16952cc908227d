"""Workers that run in the peers' own environments: scripts that import the standard library and one peer only."""
