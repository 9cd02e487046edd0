"""The equations of the measures, Eqs. 10 to 17, as printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Equation:
    """An equation as the paper prints it, misprints included, in plain text."""

    name: str
    form: str


EQUATIONS: dict[int, Equation] = {
    10: Equation(
        "information entropy",
        "H(m) = sum over i = 0 .. 2^n - 1 of p(m_i) log2(1 / p(m_i))",
    ),
    11: Equation(
        "NPCR, number of pixel change rate",
        "NPCR = sum over i = 0 .. W, j = 0 .. H of D(i, j) / (W H) * 100%, "
        "where D(i, j) = 1 if T1(i, j) = T2(i, j), else 0",
    ),
    12: Equation(
        "UACI, unified average changing intensity",
        "UACI = sum over i = 1 .. W, j = 1 .. H of |T1(i, j) - T2(i, j)| / (255 W H) * 100%",
    ),
    13: Equation(
        "MSE, mean square error",
        "MSE = 1 / (H W C) * sum over i = 1 .. M, j = 1 .. N, k = 1 .. C "
        "of (a(i, j, k) - b(i, j, k))^2",
    ),
    14: Equation(
        "SSIM, structural similarity",
        "SSIM(x, y) = (2 mu_x mu_y + c1) (2 sigma_xy + c2) "
        "/ ((mu_x^2 + mu_y^2 + c1) (sigma_x^2 + sigma_y^2 + c2))",
    ),
    15: Equation("correlation of adjacent pixels", "r_xy = cov(x, y) / (sqrt(D(x)) sqrt(D(y)))"),
    16: Equation(
        "covariance", "cov(x, y) = 1 / N * sum over i = 1 .. N of (x_i - E(x)) (y_i - E(y))"
    ),
    17: Equation(
        "mean and variance",
        "E(x) = 1 / N * sum over i = 1 .. N of x_i, "
        "D(x) = 1 / N * sum over i = 1 .. N of (x_i - E(x))^2",
    ),
}
"""The measures, sections IV-A3 to IV-B4. Equations 1 to 9 are networks and training."""
