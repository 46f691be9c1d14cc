"""Training: both stages of P-STMO over one loop."""
