"""What is kept: saved models, checkpoints, and files for other programs."""
