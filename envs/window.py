"""A window that shows pictures as they come; needs pygame, which the extra [render] brings."""

import os
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

_INSTEAD = 'or use render_mode="rgb_array" and keep the pictures'
_UNSEEN = ("offscreen", "dummy")  # SDL's video drivers without a display


class Window:
    """Opens with the first picture. Closing it by hand hides the rest; the environment goes on.

    Args:
        fps: pictures a second at most; `show` waits for it.

    Raises:
        DependencyNotInstalled: pygame is absent.
    """

    def __init__(self, fps: float):
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        try:
            import pygame
        except ImportError as e:
            raise DependencyNotInstalled(
                'render_mode="human" needs pygame: python -m pip install -c constraints.txt -e ".[render]", ' + _INSTEAD
            ) from e
        self._pygame, self._fps = pygame, fps
        self._screen: Any = None
        self._clock: Any = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was closed, by hand or by `close`."""
        return self._closed

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show an (H, W, 3) RGB picture.

        Raises:
            RuntimeError: there is no display.
        """
        if self._closed:
            return
        size = (picture.shape[1], picture.shape[0])
        pygame = self._pygame
        screen = self._open(size) if self._screen is None else self._screen
        if screen.get_size() != size:
            screen = pygame.display.set_mode(size)
        self._screen = screen
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                self.close()
                return
        surface = pygame.image.frombuffer(np.ascontiguousarray(picture), size, "RGB")
        screen.blit(surface, (0, 0))
        pygame.display.flip()
        self._clock.tick(self._fps)

    def _open(self, size: tuple[int, int]) -> Any:
        pygame = self._pygame
        try:
            pygame.display.init()
            driver = pygame.display.get_driver()
            if driver in _UNSEEN and os.environ.get("SDL_VIDEODRIVER", "").lower() != driver:
                pygame.display.quit()  # SDL falls back to it by itself, and nobody would see a thing
                raise pygame.error(f"only the video driver {driver!r}, which shows nothing")
            screen = pygame.display.set_mode(size)
        except pygame.error as e:
            raise RuntimeError(
                f'render_mode="human" found no display ({e}): run it where there is one (on Linux DISPLAY or '
                f"WAYLAND_DISPLAY names it), {_INSTEAD}"
            ) from e
        pygame.display.set_caption("Tarmac")
        self._clock = pygame.time.Clock()
        return screen

    def close(self) -> None:
        """Close the window; what is shown afterwards is not seen."""
        if self._screen is not None:
            self._pygame.display.quit()
            self._screen = None
        self._closed = True
