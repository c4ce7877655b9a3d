"""For Once-for-All: what its `EvolutionFinder` asks for the efficiency of a subnet."""

from __future__ import annotations

from typing import Any, Mapping

from ..lut import Lut


class OfaLatency:
    """An efficiency predictor: the predicted latency of a subnet in ms.

        finder = EvolutionFinder(efficiency_predictor=OfaLatency({224: lut}), accuracy_predictor=…, efficiency_constraint=30)

    One table a resolution. Each has the 20 layers of five stages in order, with candidates `k3_e3` … `k7_e6`; the last layers of a
    stage have `skip`, too, which a smaller depth takes.
    """

    def __init__(self, luts: Mapping[int, Lut], candidate: str = "k{kernel}_e{expand}", skip: str = "skip") -> None:
        """luts: by the side of the picture in pixels. candidate, skip: how the tables name what OFA numbers."""
        self.luts, self.candidate, self.skip = dict(luts), candidate, skip

    def predict_efficiency(self, spec: Mapping[str, Any]) -> float:
        """ms of `{"ks": [20], "e": [20], "d": [5], "r": [224]}`; `ValueError` where there is no table of that resolution."""
        size = spec["r"][0] if "r" in spec else spec["image_size"]
        if size not in self.luts:
            raise ValueError(f"no table for pictures of {size} pixels; there are {', '.join(map(str, self.luts))}")
        layers = len(spec["ks"]) // len(spec["d"])
        choice = [
            self.candidate.format(kernel=kernel, expand=expand) if i % layers < spec["d"][i // layers] else self.skip
            for i, (kernel, expand) in enumerate(zip(spec["ks"], spec["e"]))
        ]
        return self.luts[size].predict(choice).total_us / 1000

    get_efficiency = predict_efficiency  # As `ofa.nas.search_algorithm` calls it, with `image_size` in place of `r`.
