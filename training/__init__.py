"""All that fits parameters: data for the perception and its training."""
