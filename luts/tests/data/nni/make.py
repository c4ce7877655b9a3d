#!/usr/bin/env python3
"""Makes the files beside it with the numpy at hand, and checks that numpy loads what the crate writes.

    make.py FILE.npy        as numpy.save writes it (numpy1.npy: numpy 1.26, numpy2.npy: numpy 2.4)
    make.py FILE.npy 2..5   the same array in that pickle protocol
    make.py --check FILE    loads a file as NNI does and compares; `written.npy` is what the crate writes

The values are those of `LAYERS` in ../../nni.rs.
"""

import pickle
import sys

import numpy

LAYERS = [{"mb_k3_res": 48.997, "sep_k3": 31.5}, {"mb_k3_e2_res": 102, "gh_k3": 1e-3}]

if sys.argv[1] == "--check":
    loaded = numpy.load(sys.argv[2], allow_pickle=True)
    assert loaded.shape == (2,) and list(loaded) == LAYERS, loaded
    print(f"numpy {numpy.__version__} loads {sys.argv[2]}")
elif len(sys.argv) == 2:
    numpy.save(sys.argv[1], LAYERS)
else:
    array = numpy.array(LAYERS, dtype=object)
    with open(sys.argv[1], "wb") as file:
        numpy.lib.format.write_array_header_1_0(file, numpy.lib.format.header_data_from_array_1_0(array))
        pickle.dump(array, file, protocol=int(sys.argv[2]))
