"""The shipped networks in ONNX Runtime: one thread, the same answer every time."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from perception.layout import INPUT_HEIGHT, INPUT_WIDTH

WEIGHTS = Path(__file__).resolve().parent / "weights"
F32 = NDArray[np.float32]


class Answer(NamedTuple):
    """Raw answers of the eyes' network for N pictures; see perception.layout."""

    seg: F32  # (N, SEG_CLASSES, h, w) logits
    line: F32  # (N, LINE_SLOTS + LINE_TRAITS, h, w)
    none: F32  # (N, LINE_SLOTS, h)
    thing: F32  # (N, DETECTION_CHANNELS, h, w)


def open_network(path: Path) -> ort.InferenceSession:
    """A network file, ready to run on one thread.

    Raises:
        ValueError: there is no such file, or it is no network.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file of weights")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # not session.set_denormal_as_zero: it would stay on in the calling thread, and change what everybody computes there
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds of errors share no base
        raise ValueError(f"{path}: no network that ONNX Runtime can read ({str(error).splitlines()[0]})") from error


class EyeNet:
    """The eyes' network.

    Args:
        path: its ONNX file; None: the one that is shipped.

    Raises:
        ValueError: the file cannot be used.
    """

    def __init__(self, path: Path | None = None):
        self.path = path or WEIGHTS / "eye.onnx"
        self._session = open_network(self.path)
        names = [out.name for out in self._session.get_outputs()]
        if names != list(Answer._fields):
            raise ValueError(f"{self.path}: answers {names}, expected {list(Answer._fields)}")

    def __call__(self, pictures: NDArray[np.uint8]) -> Answer:
        """Answers for pictures (N, INPUT_HEIGHT, INPUT_WIDTH, 3) RGB.

        Raises:
            ValueError: pictures of another shape or type.
        """
        shape = INPUT_HEIGHT, INPUT_WIDTH, 3
        if pictures.ndim != 4 or pictures.shape[1:] != shape or pictures.dtype != np.uint8:
            raise ValueError(
                f"pictures are {pictures.dtype} {pictures.shape}, expected uint8 (N, {', '.join(map(str, shape))})"
            )
        return Answer(*(np.asarray(part) for part in self._session.run(None, {"picture": pictures})))
