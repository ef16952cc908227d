"""The picture of the fundamental diagram. matplotlib comes with the extra [dev]."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.diagram import LOOK

SHOWN = 300.0  # [s] of the space-time picture


def figure_class() -> Any:
    """matplotlib's Figure, drawn without a display.

    Raises:
        OSError: matplotlib is missing.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise OSError(f"--plot needs matplotlib, which comes with the extra [dev]: {error}") from error
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure


def plot_diagram(found: dict[str, Any], pictures: dict[str, NDArray], path: Path) -> None:
    """Flow and speed against density of ring and highway, and the tracks of a jammed ring.

    Raises:
        OSError: matplotlib is missing, or the file cannot be written.
    """
    figure = figure_class()(figsize=(13.0, 4.2), layout="constrained")
    flow, speed, tracks = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    for axes, what in ((flow, "flow"), (speed, "speed_kmh")):
        for name, colour in (("highway", "tab:orange"), ("ring", "tab:blue")):
            k, q = pictures[name][pictures[name][:, 0] > 0].T
            axes.scatter(k, q if what == "flow" else q / k, s=3, alpha=0.2, color=colour, linewidths=0)
            rows = found[name]["bins" if name == "highway" else "rows"]
            line = [(row["density"], row[what]) for row in rows]
            axes.plot(*np.array(line).T, "o-", color=colour, markersize=3.5, label=f"{name}")
        axes.set_xlabel("density [vehicles/km/lane]")
        axes.set_xlim(0.0, None)
        axes.set_ylim(0.0, None)
        axes.grid(alpha=0.3)
    flow.set_ylabel("flow [vehicles/h/lane]")
    flow.legend()
    speed.set_ylabel("mean speed [km/h]")
    _tracks(figure, tracks, pictures["tracks"], found["ring"])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, pil_kwargs={"optimize": True})


def _tracks(figure: Any, axes: Any, tracks: NDArray[np.float64], ring: dict[str, Any]) -> None:
    """Places of all vehicles over time, coloured by speed."""
    shown = tracks[-round(SHOWN / LOOK) :]
    time = np.repeat(np.arange(len(shown))[:, None] * LOOK, shown.shape[1], axis=1)
    dots = axes.scatter(time, shown[..., 0], c=shown[..., 1] * 3.6, s=0.6, cmap="RdYlGn", vmin=0.0, linewidths=0)
    figure.colorbar(dots, ax=axes, label="speed [km/h]")
    axes.set_xlabel("time [s]")
    axes.set_ylabel("place along the ring [m]")
    axes.set_title(f"ring, {ring['waves']['density']:.0f} vehicles/km", fontsize=10)
    axes.margins(0.0)
