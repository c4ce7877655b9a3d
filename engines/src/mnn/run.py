"""Runs a model of MNN's on inputs, one after the other: MODEL INPUTS OUTPUTS NAME DIM…

INPUTS and OUTPUTS are files of float32 values; NAME is the output's. DIM… is the shape of one input, its batch of 1 left out.
"""

import sys

import MNN
import numpy

model, inputs, outputs, name, *shape = sys.argv[1:]
shape = (1, *map(int, shape))
interpreter = MNN.Interpreter(model)
session = interpreter.createSession({"backend": "CPU", "numThread": 1, "precision": "high"})
entry = interpreter.getSessionInput(session)
interpreter.resizeTensor(entry, shape)
interpreter.resizeSession(session)
with open(outputs, "wb") as found:
    for values in numpy.fromfile(inputs, numpy.float32).reshape((-1, *shape)):
        # A run leaves other values in the input's memory.
        entry.copyFrom(MNN.Tensor(shape, MNN.Halide_Type_Float, values, MNN.Tensor_DimensionType_Caffe))
        interpreter.runSession(session)
        result = interpreter.getSessionOutput(session, name)
        empty = numpy.zeros(result.getShape(), numpy.float32)
        host = MNN.Tensor(result.getShape(), MNN.Halide_Type_Float, empty, MNN.Tensor_DimensionType_Caffe)
        result.copyToHostTensor(host)
        found.write(numpy.array(host.getNumpyData(), numpy.float32).tobytes())
