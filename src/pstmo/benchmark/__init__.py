"""How fast pstmo is, beside plain PyTorch: measured in one run, in turns."""
