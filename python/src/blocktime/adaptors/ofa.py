"""For Once-for-All: the efficiency predictor of its `EvolutionFinder`."""

from __future__ import annotations

from typing import Any, Mapping

from ..errors import Misfit, Unknown
from ..lut import Lut


class OfaLatency:
    """An efficiency predictor: the predicted latency of a subnet in ms.

        finder = EvolutionFinder(OfaLatency({224: lut}), accuracy_predictor)      # of ofa.nas.search_algorithm
        finder.run_evolution_search(30)                                           # ms

    One table per resolution. Each has the 20 layers of the five stages in order, with the candidates `k3_e3` to `k7_e6`. The last two
    layers of a stage also have `skip`, which stands for a smaller depth.
    """

    def __init__(self, luts: Mapping[int, Lut], candidate: str = "k{kernel}_e{expand}", skip: str = "skip") -> None:
        """luts: one table for each side length of the picture, in pixels. candidate, skip: names of the candidates in the tables."""
        self.luts, self.candidate, self.skip = dict(luts), candidate, skip

    def predict_efficiency(self, spec: Mapping[str, Any]) -> float:
        """Latency in ms of `{"ks": [20], "e": [20], "d": [5], "r": [224]}`. Raises `Unknown` (resolution) or `Misfit` (lengths, depths)."""
        size = spec["r"][0] if "r" in spec else spec["image_size"]
        if size not in self.luts:
            raise Unknown(f"no table for pictures of {size} pixels; there are {', '.join(map(str, self.luts))}", size, self.luts)
        kernels, depths = len(spec["ks"]), spec["d"]
        layers = kernels // max(1, len(depths))
        if len(spec["e"]) != kernels or layers * len(depths) != kernels or not all(0 <= depth <= layers for depth in depths):
            raise Misfit(f"{kernels} kernels, {len(spec['e'])} expansions and depths {list(depths)} do not fit", dict(spec))
        choice = [
            self.candidate.format(kernel=kernel, expand=expand) if i % layers < depths[i // layers] else self.skip
            for i, (kernel, expand) in enumerate(zip(spec["ks"], spec["e"]))
        ]
        return self.luts[size].predict(choice).total_us / 1000

    get_efficiency = predict_efficiency  # As `ofa.nas.search_algorithm` calls it, with `image_size` in place of `r`.
