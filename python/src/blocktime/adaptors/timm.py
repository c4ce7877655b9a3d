"""For timm: the blocks of its EfficientNets and MobileNets as arguments of `export_space`."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..errors import Misfit

_NEEDED = ("conv_stem", "bn1", "blocks", "forward_head")


class _Head(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        if hasattr(self.model, "bn2"):  # EfficientNet; a MobileNetV3 has its last convolution behind the pooling.
            x = self.model.bn2(self.model.conv_head(x))
        return self.model.forward_head(x)


def parts_of(model: Any) -> dict[str, Any]:
    """Arguments of `export_space` for a model with `conv_stem` and `blocks`: `export_space(**parts_of(model), …)`.

    Each block is a layer with the name `S.B` (stage and position) and the candidate `block`. If the block adds its input to its output, the
    layer also has `skip`, so that a search can leave the block out. You can add more candidates. Raises `Misfit` for a model of another form.
    """
    if not all(hasattr(model, name) for name in _NEEDED) or not all(isinstance(stage, nn.Sequential) for stage in model.blocks):
        message = f"{type(model).__name__} is not built as an EfficientNet or MobileNet: {', '.join(_NEEDED)}, and stages of blocks"
        raise Misfit(message, type(model).__name__, _NEEDED)
    stem = nn.Sequential(model.conv_stem, model.bn1, getattr(model, "act1", nn.Identity()))
    blocks = {f"{s}.{b}": block for s, stage in enumerate(model.blocks) for b, block in enumerate(stage)}
    layers = [{"block": block, **({"skip": None} if getattr(block, "has_skip", False) else {})} for block in blocks.values()]
    return {"before": {"stem": stem}, "layers": layers, "names": list(blocks), "after": {"head": _Head(model)}}
