"""Writes a search space of PyTorch modules as a folder: `space.toml` and one ONNX file for each different block.

    from blocktime.export import export_space
    export_space(layers, (3, 224, 224), "fbnet", before={"stem": stem}, after={"head": head})
"""

from .folder import export_space
from .report import ExportError, Report

__all__ = ["ExportError", "Report", "export_space"]
