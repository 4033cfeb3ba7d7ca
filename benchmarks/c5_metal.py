"""c5.metal's LightGBM, as the thread model fits it: what ``benchmarks.blank`` needs, without the measurements.

Fitted to szilard/GBM-perf as of 2025-11-06 (MIT): 100 trees of depth 10 on 0.1, 1 and 10 million rows with 1 to 96
threads.
Printed by ``python -m benchmarks.blank --data FOLDER --curves``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.threads.forms import Form

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.threads.placement import Placement


@dataclass(frozen=True, slots=True)
class Curve:
    """One form of c5.metal's thread model with its coefficients in seconds at ten million rows."""

    weight: float
    form: Form
    coefficients: tuple[float, ...]

    def log_seconds(self, rows: float, placement: Placement) -> float:
        """Natural logarithm of what it says of a placement at so many rows."""
        terms = self.form.terms(rows / 1e7, placement)
        return math.log(math.fsum(a * b for a, b in zip(terms, self.coefficients, strict=True)))


CURVES = (
    Curve(0.335, Form(0.15, 1.0, 0.15, False), (2.029, 0.6674, 0.06655, 0.0588, 0.06083, 173.9, 2.711)),
    Curve(0.315, Form(0.15, 1.03, 0.15, False), (2.205, 0.6712, 0.06016, 0.05916, 0.06323, 178, 2.508)),
    Curve(0.500, Form(0.20, 1.0, 0.15, True), (2.482, 0.03167, 0.08023, 0.0629, 0.07026, 175.7, 1.309)),
    Curve(0.765, Form(0.20, 1.0, 0.15, False), (2.524, 0.741, 0.0851, 0.06543, 0.06923, 175.9, 1.315)),
    Curve(0.451, Form(0.20, 1.0, 0.4, True), (2.522, 0.005903, 0.08285, 0.07195, 0.068, 174.5, 1.619)),
    Curve(0.692, Form(0.20, 1.0, 0.4, False), (2.526, 0.7417, 0.0838, 0.0724, 0.06776, 174.7, 1.633)),
    Curve(0.643, Form(0.20, 1.03, 0.15, True), (2.737, 0.005931, 0.07593, 0.06528, 0.07252, 179.5, 1.115)),
    Curve(1.000, Form(0.20, 1.03, 0.15, False), (2.74, 0.7458, 0.07705, 0.06575, 0.07227, 179.9, 1.105)),
    Curve(0.561, Form(0.20, 1.03, 0.4, True), (2.739, 0.005935, 0.07471, 0.07218, 0.07106, 178.3, 1.432)),
    Curve(0.874, Form(0.20, 1.03, 0.4, False), (2.743, 0.7465, 0.07572, 0.07266, 0.07082, 178.6, 1.437)),
    Curve(0.452, Form(0.20, 1.06, 0.15, False), (2.943, 0.7503, 0.06941, 0.06601, 0.07512, 183.2, 0.9301)),
    Curve(0.382, Form(0.20, 1.06, 0.4, False), (2.947, 0.751, 0.06806, 0.07285, 0.07367, 181.8, 1.273)),
)
