"""OpenDRIVE 1.4 to 1.8 -> MapDraft -> RoadMap."""

from world.opendrive.reader import read_draft

__all__ = ["read_draft"]
