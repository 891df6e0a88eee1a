"""Saved models, checkpoints, and model files for other programs."""
