"""An evaluation as one HTML file to read, to print and to put beside a paper."""
