"""The Foxglove channels of a record: map, road users, lights, plans, transforms, log."""

import numpy as np
from mcap.writer import Writer
from numpy.typing import NDArray

from replay import channels as ch
from replay import foxglove as fox
from replay.drawing import MapDrawing
from world.kinds import Controller, EventKind
from world.records import Bodies, Event, WorldState


class SceneChannels:
    """Writes one world's Foxglove messages."""

    def __init__(self, writer: Writer, drawing: MapDrawing, drivers: int):
        self._writer, self._drawing, self._drivers = writer, drawing, drivers
        schemas = {
            key: writer.register_schema(
                name=message.DESCRIPTOR.full_name, encoding="protobuf", data=fox.schema_bytes(message)
            )
            for key, message in fox.SCHEMAS.items()
        }
        self._channels = {
            topic: writer.register_channel(topic=topic, message_encoding="protobuf", schema_id=schemas[key])
            for topic, key in ch.FOXGLOVE.items()
        }
        self._color: NDArray[np.float64] | None = None

    def _add(self, topic: str, time: float, data: bytes) -> None:
        nanos = round(time * 1e9)
        self._writer.add_message(self._channels[topic], log_time=nanos, data=data, publish_time=nanos)

    def begin(self) -> None:
        """The map, once."""
        self._add("/scene/map", 0.0, fox.map_message(self._drawing))
        self._add("/points/map", 0.0, fox.points_message(0.0, *fox.map_points(self._drawing)))

    def bodies_changed(self) -> None:
        """Somebody came or went: colours are to be worked out anew."""
        self._color = None

    def tick(self, time: float, state: WorldState, bodies: Bodies, world: int) -> None:
        """Road users and the drivers' frames."""
        if self._color is None:
            table = np.array([fox.KIND_RGB[kind] for kind in sorted(fox.KIND_RGB)])
            self._color = table[bodies.kind[world]]
            self._color[state.controller[world] == Controller.EXTERNAL] = fox.DRIVER_RGB
        who = np.flatnonzero(state.valid[world])
        x, y, z, yaw = (getattr(state, name)[world, who].astype(np.float64) for name in ("x", "y", "z", "yaw"))
        size = np.stack((bodies.length[world, who], bodies.width[world, who], bodies.height[world, who]), axis=1)
        color = self._color[who]
        self._add("/scene/road_users", time, fox.vehicles_message(time, x, y, z, yaw, size, color))
        self._add("/points/road_users", time, fox.points_message(time, np.stack((x, y, z), axis=1), color))
        for k in range(self._drivers):
            if state.valid[world, k]:
                pose = (float(getattr(state, name)[world, k]) for name in ("x", "y", "z", "yaw"))
                child = "ego" if k == 0 else f"ego {k}"
                self._add("/tf", time, fox.transform_message(time, child, *pose))

    def lights(self, time: float, states: NDArray[np.int8]) -> None:
        """All lights, when one has changed. Args: states: (T,) LightState."""
        self._add("/scene/lights", time, fox.lights_message(time, self._drawing, states))

    def plans(self, time: float, xy: NDArray, valid: NDArray[np.bool_], z: NDArray) -> None:
        """Planned paths. Args: xy: (K, H, 2) [m]; valid: (K,); z: (N,) [m] ground under every slot."""
        for k in np.flatnonzero(valid):
            self._add("/scene/plan", time, fox.plan_message(time, int(k), xy[k], float(z[k])))

    def event(self, time: float, event: Event) -> None:
        """An entry of the log."""
        kind = EventKind(event.kind)
        text = f"driver {event.driver}: {kind.name.lower().replace('_', ' ')}"
        if event.other >= 0:
            text += f" with slot {event.other}"
        self._add("/log", time, fox.log_message(time, text, kind is not EventKind.COMPLETED))
