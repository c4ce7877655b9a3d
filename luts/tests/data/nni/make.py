#!/usr/bin/env python3
"""Makes the files beside it with the numpy at hand, and checks that numpy loads what the crate writes.

    make.py FILE.npy        as numpy.save writes it (numpy1.npy: numpy 1.26, numpy2.npy: numpy 2.4)
    make.py FILE.npy 2..5   the same array in that pickle protocol
    make.py FILE.npy 2..5 KIND   with other objects of the same meaning: one of `KINDS`
    make.py --check FILE    loads a file as NNI does and compares; `written.npy` is what the crate writes

The values are those of `LAYERS` in ../../nni.rs.
"""

import collections
import pickle
import sys

import numpy

LAYERS = [{"mb_k3_res": 48.997, "sep_k3": 31.5}, {"mb_k3_e2_res": 102, "gh_k3": 1e-3}]



def with_values(kind):
    return [{name: kind(value) for name, value in layer.items()} for layer in LAYERS]


def with_names(kind):
    return [{kind(name): value for name, value in layer.items()} for layer in LAYERS]


def alone(content):
    """An array of no dimension, which numpy.save makes of a dict."""
    array = numpy.empty((), dtype=object)
    array[()] = content
    return array


KINDS = {
    "float64": lambda: with_values(numpy.float64),
    "float32": lambda: with_values(numpy.float32),
    "big-endian": lambda: with_values(lambda value: numpy.array([value], dtype=">f8")[0]),
    "no-dimension": lambda: with_values(numpy.array),
    "str": lambda: with_names(numpy.str_),
    "OrderedDict": lambda: [collections.OrderedDict(layer) for layer in LAYERS],
    "defaultdict": lambda: [collections.defaultdict(float, layer) for layer in LAYERS],
    "Counter": lambda: [collections.Counter(layer) for layer in LAYERS],
    "list-alone": lambda: alone(LAYERS),
    "dict-alone": lambda: alone({numpy.int64(i): layer for i, layer in enumerate(LAYERS)}),
}

if sys.argv[1] == "--check":
    loaded = numpy.load(sys.argv[2], allow_pickle=True)
    assert loaded.shape == (2,) and list(loaded) == LAYERS, loaded
    print(f"numpy {numpy.__version__} loads {sys.argv[2]}")
elif len(sys.argv) == 2:
    numpy.save(sys.argv[1], LAYERS)
else:
    layers = KINDS[sys.argv[3]]() if len(sys.argv) > 3 else LAYERS
    array = numpy.asanyarray(layers, dtype=object)
    with open(sys.argv[1], "wb") as file:
        numpy.lib.format.write_array_header_1_0(file, numpy.lib.format.header_data_from_array_1_0(array))
        pickle.dump(array, file, protocol=int(sys.argv[2]))
