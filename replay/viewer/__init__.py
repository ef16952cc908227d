"""The browser replay: one self-contained HTML file."""
