"""Scores of driving: CARLA leaderboard driving scores, infractions, time to collision, comfort."""

from replay.metrics.episode import EpisodeScore, EpisodeScorer, mean_scores
from replay.metrics.ttc import in_junction

__all__ = ["EpisodeScore", "EpisodeScorer", "in_junction", "mean_scores"]
