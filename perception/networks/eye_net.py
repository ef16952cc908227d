"""The eyes' network: one backbone, three heads on a map of a quarter of the picture's size.

Its answers are in image space and free of the camera's focal length (depth is log(Z / f)), so one network serves all
cameras. Heads:

- segmentation: SEG_CLASSES, softmax;
- lane boundaries: for each of LINE_SLOTS and each row a distribution over columns, and over "no line in this row";
- things: centre points by class, with offset, size on the screen, depth with its uncertainty, size, yaw, light state.
"""

import torch
from torch import Tensor, nn

from perception.layout import DETECTION_CHANNELS, LINE_TRAITS, SEG_CLASSES, STRIDE
from world.camera_labels import LINE_SLOTS


class ConvBlock(nn.Sequential):
    """3x3 (or 1x1) convolution, batch norm, ReLU."""

    def __init__(self, inner: int, outer: int, stride: int = 1, size: int = 3):
        super().__init__(
            nn.Conv2d(inner, outer, size, stride, size // 2, bias=False), nn.BatchNorm2d(outer), nn.ReLU(inplace=True)
        )


class Residual(nn.Module):
    """Two convolutions around which the input passes."""

    def __init__(self, width: int):
        super().__init__()
        self.first = ConvBlock(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.second(self.first(x)))


class EyeNet(nn.Module):
    """See above.

    Args:
        widths: channels at strides 2, 4, 8, 16 and 32.
        blocks: residual blocks at strides 8, 16 and 32.
        neck: channels of the map that the heads read.
        head: channels of the head of things.
    """

    def __init__(
        self, widths: tuple[int, ...] = (16, 32, 64, 120, 152), blocks: tuple[int, ...] = (1, 2, 2), neck: int = 64,
        head: int = 48,
    ):  # fmt: skip
        super().__init__()
        w2, w4, w8, w16, w32 = widths
        self.stem = ConvBlock(4, w2, 2)
        self.stage4 = ConvBlock(w2, w4, 2)
        self.stage8 = nn.Sequential(ConvBlock(w4, w8, 2), *(Residual(w8) for _ in range(blocks[0])))
        self.stage16 = nn.Sequential(ConvBlock(w8, w16, 2), *(Residual(w16) for _ in range(blocks[1])))
        self.stage32 = nn.Sequential(ConvBlock(w16, w32, 2), *(Residual(w32) for _ in range(blocks[2])))
        self.down32 = ConvBlock(w32, 64, size=1)
        self.side16, self.fuse16 = nn.Conv2d(w16, 64, 1), ConvBlock(64, 64)
        self.down16 = ConvBlock(64, 48, size=1)
        self.side8, self.fuse8 = nn.Conv2d(w8, 48, 1), ConvBlock(48, 48)
        self.down8 = ConvBlock(48, 32, size=1)
        self.side4, self.fuse4 = nn.Conv2d(w4, 32, 1), ConvBlock(32, neck)
        self.seg = nn.Conv2d(neck, SEG_CLASSES, 1)
        self.line = nn.Conv2d(neck, LINE_SLOTS + LINE_TRAITS, 1)
        self.none = nn.Sequential(
            nn.Conv1d(2 * neck, neck, 5, padding=2), nn.ReLU(inplace=True), nn.Conv1d(neck, LINE_SLOTS, 1)
        )
        self.head = ConvBlock(neck, head)
        self.thing = nn.Conv2d(head, DETECTION_CHANNELS, 1)
        nn.init.constant_(self.thing.bias[:5], -4.0)  # type: ignore[index] # few cells hold a centre
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(seg, line, none, thing) logits of pictures (N, H, W, 3) uint8 or float 0-255.

        seg (N, SEG_CLASSES, h, w), line (N, LINE_SLOTS + LINE_TRAITS, h, w), none (N, LINE_SLOTS, h), thing
        (N, DETECTION_CHANNELS, h, w) with h = H / STRIDE, w = W / STRIDE.
        """
        x = (picture.permute(0, 3, 1, 2).float() - 110.0) / 64.0
        n, _, height, width = x.shape
        row = torch.linspace(-1.0, 1.0, height, device=x.device).view(1, 1, height, 1).expand(n, 1, height, width)
        x = torch.cat([x, row], dim=1)  # what is lower is nearer
        x = x.contiguous(memory_format=torch.channels_last) if self.training else x
        f4 = self.stage4(self.stem(x))
        f8 = self.stage8(f4)
        f16 = self.stage16(f8)
        f32 = self.stage32(f16)
        x = self.fuse16(self.side16(f16) + self.up(self.down32(f32)))
        x = self.fuse8(self.side8(f8) + self.up(self.down16(x)))
        x = self.fuse4(self.side4(f4) + self.up(self.down8(x)))
        rows = torch.cat([x.mean(dim=3), x.amax(dim=3)], dim=1)
        return self.seg(x), self.line(x), self.none(rows), self.thing(self.head(x))


def parameter_count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


assert STRIDE == 4
