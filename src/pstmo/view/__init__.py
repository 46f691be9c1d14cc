"""What one looks at: a page that shows the 2D input and the 3D motion side by side."""
