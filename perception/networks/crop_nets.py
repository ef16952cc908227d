"""Small classifiers of crops: signs and the states of traffic lights. Crops are standardised inside the network."""

import torch
from torch import Tensor, nn

from perception.networks.eye_net import ConvBlock


class CropNet(nn.Module):
    """Convolutions to a quarter or an eighth of the side, one hidden layer.

    Args:
        classes: number of classes.
        side: [px] of the square crops.
        widths: channels of the stages; between two of them the side is halved.
        hidden: units before the classes.
    """

    def __init__(self, classes: int, side: int, widths: tuple[int, ...], hidden: int):
        super().__init__()
        stages: list[nn.Module] = []
        inner = 3
        for n, width in enumerate(widths):
            stages.append(ConvBlock(inner, width))
            if n > 0:
                stages.append(ConvBlock(width, width))
            stages.append(nn.MaxPool2d(2))
            inner = width
        self.features = nn.Sequential(*stages)
        rest = side // 2 ** len(widths)
        self.classify = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(inner * rest * rest, hidden), nn.ReLU(inplace=True),
            nn.Dropout(0.2), nn.Linear(hidden, classes),
        )  # fmt: skip

    def forward(self, crops: Tensor) -> Tensor:
        """(N, classes) logits of crops (N, side, side, 3) uint8 RGB."""
        x = crops.permute(0, 3, 1, 2).float()
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        spread = (x - mean).pow(2).mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return self.classify(self.features((x - mean) / (spread + 4.0)))


def sign_net() -> CropNet:
    """The sign classifier: world.sign_names.SIGN_NAMES, then no sign."""
    from world.sign_names import NO_SIGN

    return CropNet(NO_SIGN + 1, 40, (32, 64, 96), 128)


def light_net() -> CropNet:
    """The classifier of world.kinds.LightState."""
    return CropNet(5, 32, (16, 24, 32), 32)


def load(net: nn.Module, path) -> nn.Module:
    """Weights of a file into a net. Raises ValueError: they are another net's."""
    from safetensors.torch import load_file

    try:
        net.load_state_dict(load_file(path))
    except Exception as error:
        raise ValueError(f"{path}: no weights of this network ({str(error).splitlines()[0]})") from error
    return net.eval()


@torch.no_grad()
def predict(net: nn.Module, crops) -> Tensor:
    """Logits of many crops, in parts."""
    device = next(net.parameters()).device
    return torch.cat([net(torch.from_numpy(crops[i : i + 512]).to(device)) for i in range(0, len(crops), 512)])
