"""For NNI 3: a latency profiler for its strategies and filters."""

from __future__ import annotations

from typing import Any, Sequence

from nni.mutable import MutableExpression
from nni.nas.profiler import ExpressionProfiler

from ..errors import Misfit
from ..lut import Lut, factor_of


class LutProfiler(ExpressionProfiler):  # type: ignore[misc]
    """Predicted latency of a sample of a model space, as an expression over the choices of the space: a sum of look-ups.

        profiler = LutProfiler(model_space, lut)
        strategy = ProxylessNAS(penalty=ExpectationProfilerPenalty(profiler, baseline=10))
    """

    def __init__(self, model_space: Any, lut: Lut, labels: Sequence[str] | None = None, unit: str = "ms") -> None:
        """labels: the labels of the choices, in the order of the table's layers [default: the names of the layers]. The values of a
        choice must be names of candidates, or their indices. Raises `Misfit` if the space has no choice with one of the labels, and
        `UnknownCandidate` if a choice has another value."""
        choices = model_space.simplify()
        labels = [layer.name for layer in lut.layers] if labels is None else labels
        if missing := [label for label in labels if label not in choices]:
            message = f"the model space has no choice labelled {', '.join(missing)}; it has {', '.join(choices)}"
            raise Misfit(message, tuple(choices), tuple(labels))
        if len(labels) != len(lut.layers):
            raise Misfit(f"{len(labels)} labels for {len(lut.layers)} layers", len(labels), len(lut.layers))
        factor = factor_of(unit)
        self.expression = (lut.fixed_us or 0.0) * factor
        for layer, label in enumerate(labels):
            times = {value: lut.latency(layer, value) * factor for value in choices[label].values}
            self.expression = self.expression + MutableExpression.switch_case(choices[label], times)
