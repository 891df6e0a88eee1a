"""Linear least squares with an intercept, written as experienced users of several libraries write
it. Each solver takes X of shape (n, d), the same with a column of ones before it, and y of shape
(n,), all float64, and returns the d slopes."""

import numpy as np


def mxlinreg(X, with_ones, y):
    import mxlinreg as mlr

    return mlr.least_squares(X, y).coefficients


def normal_equations(X, with_ones, y):
    """The fastest way in NumPy."""
    centred = X - X.mean(axis=0)
    return np.linalg.solve(centred.T @ centred, centred.T @ (y - y.mean()))


def numpy(X, with_ones, y):
    return np.linalg.lstsq(with_ones, y, rcond=None)[0][1:]


def scipy(X, with_ones, y):
    from scipy.linalg import lstsq

    return lstsq(with_ones, y, lapack_driver="gelsy", check_finite=False)[0][1:]


def sklearn(X, with_ones, y):
    """With a tolerance for float64: the default treats a condition number of 1e6 as infinite."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression(tol=1e-15).fit(X, y).coef_


def sklearn_ridge(X, with_ones, y):
    from sklearn.linear_model import Ridge

    return Ridge(alpha=0, solver="cholesky").fit(X, y).coef_


def torch(X, with_ones, y):
    import torch

    solution = torch.linalg.lstsq(torch.from_numpy(with_ones), torch.from_numpy(y)[:, None])
    return solution.solution[1:, 0].numpy()


def statsmodels(X, with_ones, y):
    """By the pseudoinverse, its default: `method="qr"` takes twice as long on 100000 x 100."""
    from statsmodels.api import OLS

    return OLS(y, with_ones).fit().params[1:]
