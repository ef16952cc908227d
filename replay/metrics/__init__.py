"""Scores of driving: CARLA leaderboard driving scores, infractions, time to collision, comfort."""

from replay.metrics.episode import EpisodeScore, EpisodeScorer, mean_scores

__all__ = ["EpisodeScore", "EpisodeScorer", "mean_scores"]
