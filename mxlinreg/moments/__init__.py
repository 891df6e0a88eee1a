"""Weighted means and products of columns, gathered block by block, and what is made of them."""
