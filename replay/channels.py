"""Topics of an episode record, and how each message is encoded. `docs/replay.md` describes them."""

FORMAT = 1  # raised when an older reader would misread a newer record
PROFILE = "tarmac"
ARRAYS = "x-tarmac-arrays"  # message encoding: an array bundle, see replay.codec
JSON = "json"

HEADER = "/tarmac/header"
MAP = "/tarmac/map"
ROUTES = "/tarmac/routes"  # dense routes of the drivers, centimetres, once
DRIVERS = "/tarmac/drivers"  # every tick: controls, own state, state hash, series
SLOTS = "/tarmac/slots"  # every tick: steer and accel of all slots
TRACK = "/tarmac/track"  # 10 Hz, quantised: where everybody is
LIFE = "/tarmac/life"  # spawns and despawns
LIGHTS = "/tarmac/lights"  # changes of light states
KEYFRAME = "/tarmac/keyframe"  # whole state and bodies, exact
PLANS = "/tarmac/plans"  # 5 Hz, centimetres
EVENTS = "/tarmac/events"
HOOKS = "/tarmac/hooks"
SUMMARY = "/tarmac/summary"
CAMERA = "/camera/"  # and the camera's name: foxglove.CompressedImage, what the agent of driver 0 saw

ENCODINGS: dict[str, str] = {
    HEADER: JSON,
    MAP: ARRAYS,
    ROUTES: ARRAYS,
    DRIVERS: ARRAYS,
    SLOTS: ARRAYS,
    TRACK: ARRAYS,
    LIFE: ARRAYS,
    LIGHTS: ARRAYS,
    KEYFRAME: ARRAYS,
    PLANS: ARRAYS,
    EVENTS: JSON,
    HOOKS: JSON,
    SUMMARY: JSON,
}

FOXGLOVE: dict[str, str] = {  # topic -> key of replay.foxglove.SCHEMAS
    "/scene/map": "scene",
    "/scene/road_users": "scene",
    "/scene/lights": "scene",
    "/scene/plan": "scene",
    "/points/map": "points",
    "/points/road_users": "points",
    "/tf": "transform",
    "/log": "log",
}

CODINGS: dict[str, str] = {  # array name -> coding of replay.codec
    "step": "diff2",
    "time": "xor",
    "steer": "diff",
    "accel": "diff",
    "x_cm": "diff2",
    "y_cm": "diff2",
    "z_cm": "diff2",
    "yaw": "diff2",
    "speed_cms": "diff2",
    "valid": "xor",
    "generation": "diff",
    "xy_cm": "diff",
}
YAW_UNIT = 3.141592653589793 / 32768.0  # [rad] of the int16 yaw of a track
