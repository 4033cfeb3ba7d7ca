"""What makes a trained model's predictions faster: the compilers of ``pytest -m compiled``.

Each library is imported where it is used, in a process that has no other. ``compile`` makes a file of LightGBM's model
file; ``load`` makes of that file a function from raw rows to probabilities, one row of them for each. What a library
has to do to the rows on the way, such as another type of number, is part of its time.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Predict = Callable[[NDArray[Any]], NDArray[Any]]
    Compile = Callable[[Path, Path], None]
    """From LightGBM's model file to the compiler's own."""
    Load = Callable[[Path, Path, int], Predict]
    """From LightGBM's model file, the compiler's own and the number of threads."""

EXTRA = (
    "pip install '.[compiled]' in this repository has it; an instance gets it by "
    "--aws-requirements=benchmarks/compiled/requirements.txt"
)
LLVMLITE = (0, 45)
"""The first that has no legacy pass manager, which lleaves 1.3.0 calls (numba/llvmlite pull request 1092,
siboehm/lleaves issue 100)."""
UNITS = 32
"""Source files that tl2cgen spreads the trees over: one of all takes a C compiler minutes and gigabytes."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A library that predicts with a LightGBM model of its own form."""

    package: str
    distribution: str
    compile: Compile | None
    """None where it reads LightGBM's own file."""
    load: Load
    tolerance: float
    """By how much a probability may differ from LightGBM's, on rows of single precision."""
    does: str
    """What it makes of the model."""
    lacks: Callable[[], str | None] = lambda: None
    """What else it needs that is not here; asked where it is installed."""
    single: bool = False
    """Whether it compares in single precision, so that rows of double are rounded first."""
    remedy: str = EXTRA

    @property
    def missing(self) -> str | None:
        """Why it cannot be used here; None where it can."""
        if find_spec(self.package) is None:
            return f"{self.distribution} is not installed: {self.remedy}"
        return self.lacks()

    @property
    def version(self) -> str:
        """Of what is installed."""
        owners = [self.distribution, f"{self.distribution}-cu12", f"{self.distribution}-cu13"]
        return next(version for version in map(_version, owners) if version is not None)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def has_gpu() -> bool:
    """Whether the driver of an NVIDIA GPU is at work here."""
    return Path("/dev/nvidiactl").exists()


def _lightgbm_load(model: Path, _: Path, threads: int) -> Predict:
    import lightgbm

    booster = lightgbm.Booster(model_file=model)
    return lambda rows: booster.predict(rows, num_threads=threads)


def _onnx_compile(model: Path, artifact: Path) -> None:
    import lightgbm
    from onnxmltools.convert import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster = lightgbm.Booster(model_file=model)
    rows = FloatTensorType([None, booster.num_feature()])
    onnx = convert_lightgbm(booster, initial_types=[("rows", rows)], zipmap=False)
    artifact.write_bytes(onnx.SerializeToString())


def _onnx_load(_: Path, artifact: Path, threads: int) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(artifact), options, providers=["CPUExecutionProvider"])

    def predict(rows: NDArray[Any]) -> NDArray[Any]:
        probabilities: NDArray[Any]
        (probabilities,) = session.run(["probabilities"], {"rows": rows.astype("float32", copy=False)})
        return probabilities

    return predict


def _lleaves_compile(model: Path, artifact: Path) -> None:
    import lleaves

    lleaves.Model(model_file=model).compile(cache=artifact)


def _lleaves_load(model: Path, artifact: Path, threads: int) -> Predict:
    import lleaves

    compiled = lleaves.Model(model_file=model)
    compiled.compile(cache=artifact)
    # Its documentation asks for one where there is a single row: it would start threads for nothing.
    return lambda rows: compiled.predict(rows, n_jobs=min(threads, len(rows)))


def _lleaves_lacks() -> str | None:
    version = metadata.version("llvmlite")
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < LLVMLITE:
        return None
    return f"lleaves does not work with llvmlite {version}: pip install 'llvmlite<{LLVMLITE[0]}.{LLVMLITE[1]}'"


def _tl2cgen_compile(model: Path, artifact: Path) -> None:
    import tl2cgen
    import treelite

    trees = treelite.frontend.load_lightgbm_model(model)
    tl2cgen.export_lib(trees, toolchain=_c_compiler(), libpath=artifact, params={"parallel_comp": UNITS})


def _tl2cgen_load(_: Path, artifact: Path, threads: int) -> Predict:
    import tl2cgen

    predictor = tl2cgen.Predictor(artifact, nthread=threads)
    return lambda rows: predictor.predict(tl2cgen.DMatrix(rows))


def _c_compiler() -> str:
    return next(filter(shutil.which, ("gcc", "clang")), "")


def _tl2cgen_lacks() -> str | None:
    return None if _c_compiler() else "tl2cgen needs gcc or clang to compile with, and neither is on this machine"


def _treelite_compile(model: Path, artifact: Path) -> None:
    import treelite

    treelite.frontend.load_lightgbm_model(model).serialize(artifact)


def _treelite_load(_: Path, artifact: Path, threads: int) -> Predict:
    import treelite

    trees = treelite.Model.deserialize(artifact)
    return lambda rows: treelite.gtil.predict(trees, rows, nthread=threads)


def _nvforest_load(model: Path, _: Path, __: int) -> Predict:
    # It takes its threads from OMP_NUM_THREADS, which the process was started with.
    import nvforest

    forest = nvforest.load_model(model, model_type="lightgbm", device="gpu" if has_gpu() else "cpu")

    def predict(rows: NDArray[Any]) -> NDArray[Any]:
        probabilities = forest.predict_proba(rows)  # CuPy's on a GPU
        here: NDArray[Any] = probabilities.get() if hasattr(probabilities, "get") else probabilities
        return here

    return predict


COMPILERS: dict[str, Compiler] = {
    "lightgbm": Compiler("lightgbm", "lightgbm", None, _lightgbm_load, 0.0, "what the others are compared with"),
    "onnxruntime": Compiler(
        "onnxruntime", "onnxruntime", _onnx_compile, _onnx_load, 1e-5, "one operator of all trees", single=True
    ),
    "lleaves": Compiler(
        "lleaves", "lleaves", _lleaves_compile, _lleaves_load, 1e-9, "machine code by LLVM", _lleaves_lacks
    ),
    "tl2cgen": Compiler(
        "tl2cgen",
        "tl2cgen",
        _tl2cgen_compile,
        _tl2cgen_load,
        1e-6,
        "C code, compiled by gcc or clang",
        _tl2cgen_lacks,
        remedy="pip install '.[compiled]' in this repository has it; an instance gets it by --aws-requirements FILE, "
        "with an image that has gcc or clang",
    ),
    "treelite": Compiler(
        "treelite", "treelite", _treelite_compile, _treelite_load, 1e-6, "nothing: the trees in a form of its own"
    ),
    "nvforest": Compiler(
        "nvforest",
        "nvforest",
        None,
        _nvforest_load,
        1e-5,
        f"nothing: the trees laid out for the {'GPU' if has_gpu() else 'CPU, as there is no GPU'}",
        remedy="pip install nvforest-cu12, or nvforest-cu13, 2 GB, is for machines with an NVIDIA GPU",
    ),
}
"""By the names in the tests' ids."""
