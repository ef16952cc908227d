"""Small OpenDRIVE texts for tests."""

from pathlib import Path

from world.draft import LaneDraft, MapDraft
from world.opendrive.reader import draft_from_bytes

LINE = "<line/>"


def lane(key: int, width: float = 3.5, kind: str = "driving", inner: str = "", links: str = "") -> str:
    """A lane of constant width; `inner` holds further children, `links` its link's."""
    link = f"<link>{links}</link>" if links else ""
    size = f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>'
    return f'<lane id="{key}" type="{kind}" level="false">{link}{size}{inner}</lane>'


def section(left: str = "", right: str = "", s: float = 0.0, center: str = "") -> str:
    sides = (f"<left>{left}</left>" if left else "") + f'<center><lane id="0" type="none">{center}</lane></center>'
    return f'<laneSection s="{s}">{sides}' + (f"<right>{right}</right>" if right else "") + "</laneSection>"


def geometry(length: float, shape: str = LINE, s: float = 0.0, x: float = 0.0, y: float = 0.0, hdg: float = 0.0) -> str:
    return f'<geometry s="{s}" x="{x}" y="{y}" hdg="{hdg}" length="{length}">{shape}</geometry>'


def road(
    key: str = "1",
    length: float = 100.0,
    plan: str | None = None,
    sections: str | None = None,
    *,
    junction: str = "-1",
    rule: str = "",
    link: str = "",
    extra: str = "",
    speed: str = '<type s="0" type="town"><speed max="50" unit="km/h"/></type>',
    lanes: str = "",
) -> str:
    """A road; `extra` holds profiles, objects and signals, `lanes` goes before the sections."""
    rule = f' rule="{rule}"' if rule else ""
    plan = geometry(length) if plan is None else plan
    sections = section(lane(1), lane(-1)) if sections is None else sections
    link = f"<link>{link}</link>" if link else ""
    return (
        f'<road name="" length="{length}" id="{key}" junction="{junction}"{rule}>{link}{speed}'
        f"<planView>{plan}</planView>{extra}<lanes>{lanes}{sections}</lanes></road>"
    )


def document(*parts: str, minor: int = 7) -> bytes:
    head = (
        f'<header revMajor="1" revMinor="{minor}" name="" version="1" date="" north="0" south="0" east="0" west="0"/>'
    )
    return f'<?xml version="1.0"?>\n<OpenDRIVE>{head}{"".join(parts)}</OpenDRIVE>'.encode()


def draft(*parts: str) -> MapDraft:
    return draft_from_bytes(document(*parts), Path("test.xodr"))


def find(result: MapDraft, road_id: str, lane_id: int, index: int = 0) -> LaneDraft:
    return next(x for x in result.lanes if x.key == (road_id, index, lane_id))
