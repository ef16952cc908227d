"""The shipped networks in ONNX Runtime: one thread, the same answer every time."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from perception.layout import DETECTION_CHANNELS, INPUT_HEIGHT, INPUT_WIDTH, LINE_TRAITS, SEG_CLASSES
from world.camera_labels import LINE_SLOTS

WEIGHTS = Path(__file__).resolve().parent / "weights"
F32 = NDArray[np.float32]


class Answer(NamedTuple):
    """Raw answers of the eyes' network for N pictures; see perception.layout."""

    seg: F32  # (N, SEG_CLASSES, h, w) logits
    line: F32  # (N, LINE_SLOTS + LINE_TRAITS, h, w)
    none: F32  # (N, LINE_SLOTS, h)
    thing: F32  # (N, DETECTION_CHANNELS, h, w)


def open_network(path: Path, threads: int = 1) -> ort.InferenceSession:
    """A network file, ready to run. Args: threads: that share one picture's work; the answers are the same bits.

    Raises:
        ValueError: there is no such file, or it is no network.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file of weights")
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # not session.set_denormal_as_zero: it would stay on in the calling thread, and change what everybody computes there
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds of errors share no base
        size = path.stat().st_size
        raise ValueError(
            f"{path}: no whole ONNX file that ONNX Runtime can read ({size} bytes; {str(error).splitlines()[0]})"
        ) from error


def check_network(
    session: ort.InferenceSession, path: Path, name: str, shape: Sequence[int], answers: Sequence[tuple[str, int]]
) -> None:
    """It is the network that is meant.

    Args:
        name: of its one input. shape: of one picture there. answers: (name, channels) of each output.

    Raises:
        ValueError: it takes or answers something else.
    """
    takes = [(part.name, part.type, part.shape[1:]) for part in session.get_inputs()]
    gives = [(part.name, part.shape[1] if len(part.shape) > 1 else 0) for part in session.get_outputs()]
    if takes != [(name, "tensor(uint8)", list(shape))] or gives != list(answers):
        raise ValueError(
            f"{path}: another network: it takes {_told(takes)} and answers {_told(gives)}; expected are "
            f"{name} {list(shape)} and {_told(answers)}"
        )


def _told(parts: Sequence[tuple]) -> str:
    """Names and sizes in words."""
    return ", ".join(f"{part[0]} {part[-1]}" for part in parts)


class EyeNet:
    """The eyes' network.

    Args:
        path: its ONNX file; None: the one that is shipped.
        threads: that share one picture's work.

    Raises:
        ValueError: the file cannot be used.
    """

    def __init__(self, path: Path | None = None, threads: int = 1):
        self.path = path or WEIGHTS / "eye.onnx"
        self._session = open_network(self.path, threads)
        channels = SEG_CLASSES, LINE_SLOTS + LINE_TRAITS, LINE_SLOTS, DETECTION_CHANNELS
        answers = list(zip(Answer._fields, channels, strict=True))
        check_network(self._session, self.path, "picture", (INPUT_HEIGHT, INPUT_WIDTH, 3), answers)

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
