"""`python docs/gallery.py`: draw all our maps, some procedural towns, and details of them, into docs/pictures."""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
TILE, BORDER = 480, 6  # [px]
TOWNS = (1, 2, 3, 8)  # seeds
DETAILS = (  # map, middle [m], half a side [m]
    ("intersection", (0.0, 0.0), 50.0), ("roundabout", (340.0, 0.0), 75.0), ("highway", (-330.0, -360.0), 130.0),
    ("highway", (0.0, -350.0), 240.0), ("highway", (830.0, -350.0), 130.0), ("procedural seed 8", None, 60.0),
)  # fmt: skip


def main() -> None:
    from scenarios.procedural import town
    from scenarios.registry import SCENARIOS
    from world.canvas import View
    from world.draw import draw_map
    from world.opendrive import load_map

    maps = {s.name: load_map(s.map_path) for s in SCENARIOS.values() if not s.map_maker}
    maps |= {f"procedural seed {seed}": town(seed) for seed in TOWNS}
    save("maps.png", [tile(draw_map(m, View.fit(m, TILE)), name) for name, m in maps.items()])
    tiles = []
    for name, place, half in DETAILS:
        m = maps[name]
        if place is None:  # a junction with lights
            place = tuple(m.light_xyz[m.light_plan == 0, :2].mean(axis=0).tolist())
        tiles.append(tile(draw_map(m, View(TILE, TILE, TILE / (2.0 * half), place)), name))
    save("map_details.png", tiles)


def tile(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """A picture in the middle of a white square, with its name."""
    out = np.full((TILE + 2 * BORDER, TILE + 2 * BORDER, 3), 255, np.uint8)
    height, width = picture.shape[:2]
    y, x = (len(out) - height) // 2, (len(out) - width) // 2
    out[y : y + height, x : x + width] = picture
    cv2.putText(out, name, (BORDER + 8, TILE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 5, cv2.LINE_AA)
    cv2.putText(out, name, (BORDER + 8, TILE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (30, 30, 30), 2, cv2.LINE_AA)
    return out


def save(name: str, tiles: list[NDArray[np.uint8]]) -> None:
    """Three tiles a row."""
    rows = [cv2.hconcat(tiles[i : i + 3]) for i in range(0, len(tiles), 3)]
    path = ROOT / "docs" / "pictures" / name
    cv2.imwrite(str(path), cv2.vconcat(rows)[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
