"""Losses of the eyes' network, and their balance."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perception import layout
from world.camera_labels import LINE_SLOTS
from world.camera_tags import ThingKind

TASKS = ("seg", "line", "trait", "heat", "box", "depth", "shape", "state")
_SEG_WEIGHT = torch.tensor([0.6, 0.6, 2.0, 1.5, 2.5])  # thin paint counts more than wide asphalt


class TargetBatch(NamedTuple):
    """Targets of N pictures; cells of things of all pictures one after the other."""

    seg: Tensor  # (N, C, h, w) uint8 part of the cell
    line_x: Tensor  # (N, LINE_SLOTS, h) [cells]
    line_state: Tensor  # (N, LINE_SLOTS, h) int8
    line_trait: Tensor  # (N, LINE_SLOTS, LINE_TRAITS) uint8
    heat: Tensor  # (N, 5, h, w) half
    weight: Tensor  # (N, 5, h, w) bool
    where: Tensor  # (n, 3) int64 picture, row, column
    value: Tensor  # (n, DETECTION_CHANNELS)
    kind: Tensor  # (n,) int64
    judged: Tensor  # (n, 2) bool, see perception.targets.Target
    share: Tensor  # (n,) weight

    def to(self, device: torch.device) -> "TargetBatch":
        """The same on a device."""
        return TargetBatch(*(part.to(device, non_blocking=True) for part in self))


def eye_losses(answer: tuple[Tensor, Tensor, Tensor, Tensor], target: TargetBatch) -> dict[str, Tensor]:
    """One number a task."""
    seg, line, none, thing = (part.float() for part in answer)
    losses = {"seg": _seg_loss(seg, target), **_line_losses(line, none, target), "heat": _heat_loss(thing, target)}
    return losses | _thing_losses(thing, target)


def _seg_loss(seg: Tensor, target: TargetBatch) -> Tensor:
    """Cross entropy with soft targets, weighted by class."""
    part = target.seg.float()
    part = part / part.sum(dim=1, keepdim=True).clamp_min(1.0)
    each = -(part * F.log_softmax(seg, dim=1)) * _SEG_WEIGHT.to(seg.device).view(1, -1, 1, 1)
    return each.sum(dim=1).mean()


def _line_losses(line: Tensor, none: Tensor, target: TargetBatch) -> dict[str, Tensor]:
    """Distribution over columns and "none", with the mass shared by the two columns beside the true place."""
    logits = torch.cat([line[:, :LINE_SLOTS], none.unsqueeze(-1)], dim=-1)
    log_p = F.log_softmax(logits, dim=-1)
    width = line.shape[-1]
    x = target.line_x.clamp(0.0, width - 1.001)
    left = x.floor().long()
    part = x - left
    at = log_p.gather(-1, left.unsqueeze(-1)).squeeze(-1)
    beside = log_p.gather(-1, (left + 1).unsqueeze(-1)).squeeze(-1)
    there, absent = (target.line_state == 1).float(), (target.line_state == 0).float()
    nll = -(there * ((1.0 - part) * at + part * beside) + absent * log_p[..., -1])
    p = log_p[..., :-1].exp()
    columns = torch.arange(width, dtype=p.dtype, device=p.device)
    mean = (p * columns).sum(-1) / p.sum(-1).clamp_min(1e-6)
    off = F.smooth_l1_loss(mean, x, reduction="none", beta=0.5) * there
    count = (there + absent).sum().clamp_min(1.0)
    traits = line[:, LINE_SLOTS:]  # (N, T, h, w), read where the line is
    rows = traits.unsqueeze(1).expand(-1, LINE_SLOTS, -1, -1, -1)
    at_line = rows.gather(-1, left[:, :, None, :, None].expand(-1, -1, layout.LINE_TRAITS, -1, 1)).squeeze(-1)
    wanted = target.line_trait.float().unsqueeze(-1).expand_as(at_line)
    bce = F.binary_cross_entropy_with_logits(at_line, wanted, reduction="none").mean(dim=2) * there
    seen = there.sum().clamp_min(1.0)
    return {"line": nll.sum() / count + 0.2 * off.sum() / seen, "trait": bce.sum() / seen}


def _heat_loss(thing: Tensor, target: TargetBatch) -> Tensor:
    """Focal loss of centre maps (Zhou, Wang, Kraehenbuehl: Objects as Points, 2019)."""
    p = torch.sigmoid(thing[:, layout.HEAT]).clamp(1e-4, 1.0 - 1e-4)
    heat = target.heat.float()
    peak = (heat > 0.999).float()
    hit = -((1.0 - p) ** 2) * torch.log(p) * peak
    miss = -((1.0 - heat) ** 4) * p**2 * torch.log(1.0 - p) * (1.0 - peak)
    return ((hit + miss) * target.weight).sum() / peak.sum().clamp_min(1.0)


def _thing_losses(thing: Tensor, target: TargetBatch) -> dict[str, Tensor]:
    share, value = target.share, target.value
    n = share.sum().clamp_min(1.0)
    found = thing[target.where[:, 0], :, target.where[:, 1], target.where[:, 2]]  # (n, channels)

    def off(part: slice) -> Tensor:
        each = F.smooth_l1_loss(found[:, part], value[:, part], beta=0.1, reduction="none").sum(dim=1)
        return (each * share).sum() / n

    log_var = found[:, layout.DEPTH.start + 1].clamp(-8.0, 4.0)
    error = (found[:, layout.DEPTH.start] - value[:, layout.DEPTH.start]).abs()
    depth = ((error * torch.exp(-0.5 * log_var) * 1.414 + 0.5 * log_var) * share).sum() / n  # Laplace
    is_light = target.kind == int(ThingKind.LIGHT)
    faces = share * ((is_light | (target.kind == int(ThingKind.SIGN))) & target.judged[:, 1])
    lit = share * (is_light & target.judged[:, 0])
    state = F.cross_entropy(found[:, layout.STATE], value[:, layout.STATE].argmax(dim=1), reduction="none") * lit
    front = F.binary_cross_entropy_with_logits(
        found[:, layout.FRONT.start], value[:, layout.FRONT.start], reduction="none"
    )
    overlap = (_overlap_loss(found, value) * share).sum() / n
    return {
        "box": off(layout.OFFSET) + off(layout.EXTENT) + 2.0 * overlap, "depth": depth,
        "shape": off(layout.SIZE) + off(layout.YAW),
        "state": state.sum() / lit.sum().clamp_min(1.0) + (front * faces).sum() / faces.sum().clamp_min(1.0),
    }  # fmt: skip


def _overlap_loss(found: Tensor, value: Tensor) -> Tensor:
    """(n,) 1 - IoU of the boxes that are found and wanted, less what lies between boxes that are apart.

    Source: Rezatofighi et al.: Generalized Intersection over Union, CVPR 2019.
    """
    sides = []
    for channels in (found, value):
        half = 0.5 * torch.exp(channels[:, layout.EXTENT].clamp(-2.0, 5.0))
        sides.append((channels[:, layout.OFFSET] - half, channels[:, layout.OFFSET] + half))
    (low, high), (true_low, true_high) = sides
    common = (torch.minimum(high, true_high) - torch.maximum(low, true_low)).clamp_min(0.0).prod(dim=1)
    around = (torch.maximum(high, true_high) - torch.minimum(low, true_low)).prod(dim=1)
    union = (high - low).prod(dim=1) + (true_high - true_low).prod(dim=1) - common
    return 1.0 - common / union + (around - union) / around


class Balance(nn.Module):
    """Sum of tasks, each weighted by a learned uncertainty (Kendall, Gal, Cipolla: Multi-Task Learning, CVPR 2018)."""

    def __init__(self):
        super().__init__()
        self.log_var = nn.Parameter(torch.zeros(len(TASKS)))

    def forward(self, losses: dict[str, Tensor]) -> Tensor:
        each = torch.stack([losses[name] for name in TASKS])
        s = self.log_var.clamp(-3.0, 3.0)
        return (each * torch.exp(-s) + s).sum()
