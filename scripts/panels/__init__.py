"""The parts of panel.py."""
