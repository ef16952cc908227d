"""Foxglove messages of a run, so that a record opens in Foxglove and Rerun as it is.

Boxes are many and alike, so their protobuf bytes are built with numpy: one serialised CubePrimitive serves as a
template, whose doubles are overwritten a row at a time. Positions are rounded to 1/64 m and orientations to 1/1024,
which compresses well; the exact state is in our own channels.

Source: foxglove.dev/docs message schemas; protobuf wire format, protobuf.dev/programming-guides/encoding.
"""

import struct

import numpy as np
from foxglove_schemas_protobuf.Color_pb2 import Color
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CubePrimitive_pb2 import CubePrimitive
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.LinePrimitive_pb2 import LinePrimitive
from foxglove_schemas_protobuf.Log_pb2 import Log
from foxglove_schemas_protobuf.PackedElementField_pb2 import PackedElementField
from foxglove_schemas_protobuf.Point3_pb2 import Point3
from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
from foxglove_schemas_protobuf.Pose_pb2 import Pose
from foxglove_schemas_protobuf.SceneEntity_pb2 import SceneEntity
from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from replay.drawing import MapDrawing
from world.kinds import BodyKind, LightState, MarkColor, MarkKind, StopKind

KIND_RGB: dict[int, tuple[float, float, float]] = {
    BodyKind.CAR: (0.45, 0.60, 0.80),
    BodyKind.VAN: (0.40, 0.65, 0.70),
    BodyKind.TRUCK: (0.65, 0.55, 0.45),
    BodyKind.BUS: (0.80, 0.65, 0.25),
    BodyKind.MOTORCYCLE: (0.70, 0.45, 0.70),
    BodyKind.BICYCLE: (0.45, 0.75, 0.45),
    BodyKind.PEDESTRIAN: (0.95, 0.75, 0.55),
}
DRIVER_RGB = (0.10, 0.80, 0.95)
LIGHT_RGB = {
    LightState.OFF: (0.3, 0.3, 0.3),
    LightState.RED: (0.9, 0.1, 0.1),
    LightState.RED_AMBER: (0.9, 0.4, 0.1),
    LightState.GREEN: (0.1, 0.8, 0.2),
    LightState.AMBER: (0.95, 0.7, 0.1),
}
MARK_RGB = {MarkColor.WHITE: (0.9, 0.9, 0.9), MarkColor.YELLOW: (0.95, 0.8, 0.2)}
SCHEMAS = {"scene": SceneUpdate, "transform": FrameTransform, "log": Log, "points": PointCloud}
_FRAME = "map"
_STEP = 1.0 / 64.0  # [m] of boxes and paths
_POINT_STEP = 1.0 / 16.0  # [m] of point clouds


def schema_bytes(message: type) -> bytes:
    """The FileDescriptorSet of a message type and all it is made of, dependencies first, as MCAP wants it."""
    files = FileDescriptorSet()
    seen: set[str] = set()

    def add(file) -> None:
        if file.name not in seen:
            seen.add(file.name)
            for dependency in file.dependencies:
                add(dependency)
            file.CopyToProto(files.file.add())

    add(message.DESCRIPTOR.file)  # type: ignore[attr-defined]
    return files.SerializeToString()


def image_message(time: float, camera: str, jpeg: bytes) -> bytes:
    """A compressed picture. Args: time: [s] when it was taken."""
    message = CompressedImage(timestamp=timestamp(time), frame_id=camera, data=jpeg, format="jpeg")
    return message.SerializeToString()


def timestamp(time: float) -> Timestamp:
    """Simulated time [s] as a Timestamp."""
    nanos = round(time * 1e9)
    return Timestamp(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class CubeTemplate:
    """Serialised CubePrimitives by the row."""

    FIELDS = ("x", "y", "z", "qz", "qw", "sx", "sy", "sz", "r", "g", "b")

    def __init__(self) -> None:
        marker = {name: 1.0 + i / 64.0 for i, name in enumerate(self.FIELDS)}
        cube = CubePrimitive()
        p, q = cube.pose.position, cube.pose.orientation
        p.x, p.y, p.z, q.z, q.w = (marker[n] for n in ("x", "y", "z", "qz", "qw"))
        cube.size.x, cube.size.y, cube.size.z = (marker[n] for n in ("sx", "sy", "sz"))
        cube.color.r, cube.color.g, cube.color.b, cube.color.a = (*(marker[n] for n in ("r", "g", "b")), 0.9)
        body = cube.SerializeToString()
        row = bytes((8 << 3 | 2,)) + _varint(len(body)) + body  # field `cubes` of SceneEntity
        self._row = np.frombuffer(row, np.uint8)
        self._at = {name: row.index(struct.pack("<d", value)) for name, value in marker.items()}

    def rows(self, values: dict[str, NDArray]) -> bytes:
        """Args: values: FIELDS -> (n,) float."""
        n = len(values["x"])
        out = np.empty((n, len(self._row)), np.uint8)
        out[:] = self._row
        for name, at in self._at.items():
            column = np.ascontiguousarray(values[name], np.float64)
            out[:, at : at + 8] = column.view(np.uint8).reshape(n, 8)
        return out.tobytes()


_CUBES = CubeTemplate()


def vehicles_message(
    time: float, x: NDArray, y: NDArray, z: NDArray, yaw: NDArray, size: NDArray, color: NDArray
) -> bytes:
    """A SceneUpdate whose entity `road_users` holds a cube for each road user.

    Args:
        time: [s].
        x: (n,) [m] of the box centre, as y; z of the ground below it.
        y: (n,) [m].
        z: (n,) [m].
        yaw: (n,) [rad].
        size: (n, 3) [m] length, width, height.
        color: (n, 3) in [0, 1].
    """
    height = np.asarray(size[:, 2], np.float64)
    values = {"x": np.rint(x / _STEP) * _STEP, "y": np.rint(y / _STEP) * _STEP}
    values["z"] = np.rint((z + 0.5 * height) / _STEP) * _STEP
    values |= {"qz": np.rint(np.sin(0.5 * yaw) * 1024) / 1024, "qw": np.rint(np.cos(0.5 * yaw) * 1024) / 1024}
    values |= {"sx": size[:, 0], "sy": size[:, 1], "sz": height}
    values |= {"r": color[:, 0], "g": color[:, 1], "b": color[:, 2]}
    head = SceneEntity(timestamp=timestamp(time), frame_id=_FRAME, id="road_users").SerializeToString()
    rows = _CUBES.rows(values)
    return b"".join((bytes((2 << 3 | 2,)), _varint(len(head) + len(rows)), head, rows))


def points_message(time: float, xyz: NDArray, rgb: NDArray) -> bytes:
    """A PointCloud of coloured points. Args: xyz: (n, 3) [m]; rgb: (n, 3) in [0, 1]."""
    data = np.zeros(len(xyz), np.dtype([("p", "<f4", 3), ("c", "u1", 4)]))
    data["p"] = np.rint(np.asarray(xyz) / _POINT_STEP) * _POINT_STEP
    data["c"][:, :3] = np.rint(np.asarray(rgb) * 255)
    data["c"][:, 3] = 255
    kinds = PackedElementField
    places = [("x", 0, kinds.FLOAT32), ("y", 4, kinds.FLOAT32), ("z", 8, kinds.FLOAT32)]
    places += [(name, 12 + i, kinds.UINT8) for i, name in enumerate(("red", "green", "blue", "alpha"))]
    cloud = PointCloud(timestamp=timestamp(time), frame_id=_FRAME, point_stride=16, data=data.tobytes())
    cloud.pose.orientation.w = 1.0
    for name, offset, kind in places:
        cloud.fields.add(name=name, offset=offset, type=kind)
    return cloud.SerializeToString()


def transform_message(time: float, child: str, x: float, y: float, z: float, yaw: float) -> bytes:
    """A FrameTransform from the frame `map` to a vehicle's body frame."""
    message = FrameTransform(timestamp=timestamp(time), parent_frame_id=_FRAME, child_frame_id=child)
    message.translation.x, message.translation.y, message.translation.z = float(x), float(y), float(z)
    message.rotation.z, message.rotation.w = float(np.sin(yaw / 2)), float(np.cos(yaw / 2))
    return message.SerializeToString()


def log_message(time: float, text: str, warning: bool) -> bytes:
    """A Log entry."""
    level = Log.WARNING if warning else Log.INFO
    return Log(timestamp=timestamp(time), level=level, message=text, name="judge").SerializeToString()


def _line(points: NDArray, z: float, rgb: tuple[float, float, float], width: float, closed: bool, pairs: bool = False):
    kind = LinePrimitive.LINE_LIST if pairs else LinePrimitive.LINE_LOOP if closed else LinePrimitive.LINE_STRIP
    line = LinePrimitive(type=kind, thickness=width, pose=_pose(0.0, 0.0, 0.0))
    line.points.extend(Point3(x=float(x), y=float(y), z=z) for x, y in points)
    line.color.CopyFrom(_color(rgb))
    return line


def _pose(x: float, y: float, z: float) -> Pose:
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z, pose.orientation.w = x, y, z, 1.0
    return pose


def _color(rgb: tuple[float, float, float], alpha: float = 1.0) -> Color:
    return Color(r=rgb[0], g=rgb[1], b=rgb[2], a=alpha)


def map_message(drawing: MapDrawing) -> bytes:
    """A SceneUpdate with the map's painted lines, lane borders, crosswalks and buildings; sent once."""
    d = drawing
    entity = SceneEntity(timestamp=timestamp(0.0), frame_id=_FRAME, id="map")
    for i in range(len(d.lane_kind)):
        points = d.lane_cm[d.lane_start[i] : d.lane_start[i + 1]] / 100.0
        entity.lines.append(_line(points, d.lane_z_cm[i] / 100.0, (0.35, 0.35, 0.38), 0.05, True))
    for i in range(len(d.mark_kind)):
        points = d.mark_cm[d.mark_start[i] : d.mark_start[i + 1]] / 100.0
        rgb = MARK_RGB.get(MarkColor(int(d.mark_color[i])), MARK_RGB[MarkColor.WHITE])
        wide = 0.3 if d.mark_kind[i] in (MarkKind.SOLID_SOLID, MarkKind.BROKEN_BROKEN) else 0.15
        entity.lines.append(_line(points, d.mark_z_cm[i] / 100.0 + 0.02, rgb, wide, False))
    for name, rgb in (("crosswalk", (0.85, 0.85, 0.9)), ("building", (0.5, 0.45, 0.4))):
        start, points = getattr(d, f"{name}_start"), getattr(d, f"{name}_cm") / 100.0
        for a, b in zip(start[:-1], start[1:], strict=True):
            entity.lines.append(_line(points[a:b], 0.02, rgb, 0.15, True))
    return SceneUpdate(entities=[entity]).SerializeToString()


def map_points(drawing: MapDrawing) -> tuple[NDArray, NDArray]:
    """(n, 3) [m] points and (n, 3) colours along the map's lane borders, for viewers without line scenes."""
    d = drawing
    points = []
    for i in range(len(d.lane_kind)):
        outline = d.lane_cm[d.lane_start[i] : d.lane_start[i + 1]] / 100.0
        leg = np.hypot(*np.diff(outline, axis=0).T)
        s = np.concatenate(([0.0], np.cumsum(leg)))
        at = np.arange(0.0, s[-1], 1.0)
        z = np.full(len(at), d.lane_z_cm[i] / 100.0)
        points.append(np.stack((np.interp(at, s, outline[:, 0]), np.interp(at, s, outline[:, 1]), z), axis=1))
    xyz = np.concatenate(points) if points else np.zeros((0, 3))
    return xyz, np.full((len(xyz), 3), 0.55)


def lights_message(time: float, drawing: MapDrawing, states: NDArray[np.int8]) -> bytes:
    """A SceneUpdate with every light head and stop line in the colour of its state. Args: states: (T,) LightState."""
    entity = SceneEntity(timestamp=timestamp(time), frame_id=_FRAME, id="lights")
    for i, state in enumerate(states[: len(drawing.light_cm)]):
        x, y, z = (float(v) / 100.0 for v in drawing.light_cm[i])
        ball = entity.spheres.add(pose=_pose(x, y, z), color=_color(LIGHT_RGB[LightState(int(state))]))
        ball.size.x = ball.size.y = ball.size.z = 0.6
    for line, kind, light in zip(drawing.stop_cm / 100.0, drawing.stop_kind, drawing.stop_light, strict=True):
        if kind == StopKind.LIGHT and 0 <= light < len(states):
            rgb = LIGHT_RGB[LightState(int(states[light]))]
            entity.lines.append(_line(line.reshape(2, 2), 0.03, rgb, 0.4, False))
    return SceneUpdate(entities=[entity]).SerializeToString()


def plan_message(time: float, driver: int, xy: NDArray, z: float) -> bytes:
    """A SceneUpdate with a driver's planned path. Args: xy: (H, 2) [m]."""
    entity = SceneEntity(timestamp=timestamp(time), frame_id=_FRAME, id=f"plan {driver}")
    entity.lines.append(_line(np.rint(xy / _STEP) * _STEP, z + 0.1, DRIVER_RGB, 0.5, False))
    return SceneUpdate(entities=[entity]).SerializeToString()
