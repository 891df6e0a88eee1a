"""Fit a model to a table.

`regressor.LinearRegressor` is imported only when the name is asked for: it needs scikit-learn.
"""
