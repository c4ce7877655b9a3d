#!/usr/bin/env python3
"""Shows that an exported network gives the same landmarks in the engines of phones, MNN and ncnn, as in ONNX Runtime.

    research/compare_mobile_engines.py [MODEL.onnx] [--faces DIR] [--pictures 8] [--limit 1e-3]

MODEL.onnx is what `trainer export` writes; without one, a random network of the PFLD space is taken (`profiler net`). It goes
through `pnnx` into ncnn, in single precision, and through MNN's converter into MNN, and all three run on the same pictures: the first
ones of a data folder's test list, or noise. The packages are pip's; they go into the cache folder.

Differences are in fractions of the picture's side, as landmarks are; where a network's outputs are larger than 1, as those of a
random one are, in parts of the largest.

ncnn is none of the profiler's engines, since it has no maintained crate. This shows that a network found here runs there.

Exit code 0: all agree within the limit. 1: some do not. 2: it could not be done.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

from host import CACHE, ROOT, fail, run

ONNXRUNTIME, NCNN, PNNX = "1.32.0", "1.0.20261020", "20261020"


def environment():
    """An interpreter with all packages but MNN's, and MNN's converter, beside which lies an interpreter with that."""
    folder = CACHE / f"python-ncnn-{NCNN}"
    python = folder / "bin" / "python"
    wanted = "import ncnn, numpy, onnxruntime, PIL, importlib.util as u; assert u.find_spec('pnnx')"
    if not python.exists() or subprocess.run([python, "-c", wanted], capture_output=True).returncode:
        print(f"installing ncnn {NCNN} and pnnx {PNNX} into {folder}", file=sys.stderr)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        run([sys.executable, "-m", "venv", folder])
        run([*pip, f"ncnn=={NCNN}", f"onnxruntime=={ONNXRUNTIME}", "numpy", "pillow"])
        # What it needs PyTorch for is another way in than by an ONNX file.
        run([*pip, "--no-deps", f"pnnx=={PNNX}"])
    return python, pathlib.Path(run([ROOT / "scripts" / "setup-mnn.sh"]).strip())


def random_network(folder):
    model = folder / "random.onnx"
    cargo = ["cargo", "run", "-q", "--release", "-p", "profiler", "--", "net", "--seed", 1, "--out", model]
    run(cargo, cwd=ROOT)
    return model


def inside(model, faces, count, folder):
    """In the interpreter that has the packages: landmarks of ONNX Runtime and of ncnn; leaves pictures and the former in files."""
    import ncnn
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    shape = entry.shape[1:]
    if faces:
        from PIL import Image

        lines = (faces / "test_data" / "list.txt").read_text().splitlines()[:count]
        files = [line.split()[0] for line in lines]
        read = lambda file: numpy.asarray(Image.open(faces / file).convert("RGB").resize(shape[:0:-1]), numpy.float32)
        # Laid out plane after plane, which a transposed view is not: ncnn takes the memory as it is.
        pictures = numpy.ascontiguousarray(numpy.stack([read(file).transpose(2, 0, 1) / 255 for file in files]))
    else:
        pictures = numpy.random.default_rng(0).random((count, *shape), numpy.float32)
    expected = numpy.stack([session.run(None, {entry.name: picture[None]})[0].ravel() for picture in pictures])

    net = ncnn.Net()
    net.opt.use_vulkan_compute = net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.num_threads = 1
    stem = folder / "net.ncnn"
    if net.load_param(f"{stem}.param") or net.load_model(f"{stem}.bin"):
        fail("ncnn does not load what pnnx made")
    found = []
    for picture in pictures:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(picture).clone())
        found.append(numpy.array(extractor.extract("out0")[1]).ravel())
    pictures.tofile(folder / "pictures.f32")
    expected.tofile(folder / "onnxruntime.f32")
    numpy.stack(found).astype(numpy.float32).tofile(folder / "ncnn.f32")


def differences(folder, names):
    """In an interpreter with numpy: the largest difference of each, in fractions of the side or of the largest output."""
    import numpy

    read = lambda name: numpy.fromfile(folder / f"{name}.f32", numpy.float32)
    expected = read("onnxruntime")
    scale = max(1.0, float(abs(expected).max()))
    for name in names:
        found = read(name)
        same = found.shape == expected.shape and numpy.isfinite(found).all()
        print(name, float(abs(found - expected).max()) / scale if same else float("inf"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, metavar="MODEL.onnx")
    parser.add_argument("--faces", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--limit", type=float, default=1e-3)
    parser.add_argument("--inside", choices=["run", "compare"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside == "run":
        return inside(args.model, args.faces, args.pictures, args.folder)
    if args.inside == "compare":
        return differences(args.folder, ["mnn", "ncnn"])

    python, converter = environment()
    with tempfile.TemporaryDirectory(prefix="blocktime-engines-") as name:
        folder = pathlib.Path(name)
        given = args.model.resolve() if args.model else random_network(folder)
        if not given.is_file():
            fail(f"{given} is not a file")
        model = folder / "net.onnx"
        model.write_bytes(given.read_bytes())
        quiet = {"stderr": subprocess.STDOUT}
        ports = (
            "import onnxruntime as o, sys; s = o.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])\n"
            "print(s.get_outputs()[0].name, *s.get_inputs()[0].shape[1:])"
        )
        output, *shape = run([python, "-c", ports, model]).split()
        # To import the package would need PyTorch.
        where = "import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec('pnnx').origin).parent / 'pnnx')"
        pnnx = pathlib.Path(run([python, "-c", where]).strip())
        pnnx.chmod(0o755)
        run([pnnx, "net.onnx", f"inputshape=[1,{','.join(shape)}]", "fp16=0"], cwd=folder, **quiet)
        run([converter, "-f", "ONNX", "--modelFile", model, "--MNNModel", folder / "net.mnn", "--bizCode", "blocktime"], **quiet)
        own = [python, __file__, model, "--folder", folder]
        faces = ["--faces", args.faces.resolve()] if args.faces else []
        run([*own, "--inside", "run", *faces, "--pictures", args.pictures])
        script = (ROOT / "engines" / "src" / "mnn" / "run.py").read_text()
        files = [folder / "net.mnn", folder / "pictures.f32", folder / "mnn.f32"]
        run([converter.with_name("python"), "-c", script, *files, output, *shape], **quiet)
        worst = 0.0
        for line in run([*own, "--inside", "compare"]).splitlines():
            engine, difference = line.split()
            print(f"{engine:5} differs from ONNX Runtime by at most {float(difference):.1e}")
            worst = max(worst, float(difference))
    agree = worst <= args.limit
    print(f"{'all agree' if agree else 'not all agree'} within {args.limit:g} on {args.pictures} {'faces' if args.faces else 'pictures of noise'}")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
