"""A page on this machine to try it: drop a video, look at the motion, take the files."""
