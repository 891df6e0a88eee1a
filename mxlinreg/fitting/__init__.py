"""From a table to a model.

`regressor.LinearRegressor` is imported only when the name is asked for, as it needs scikit-learn.
"""
