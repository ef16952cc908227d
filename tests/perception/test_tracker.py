"""Tracks of scripted road users, seen with noise."""

import math

import numpy as np
import pytest

from perception.localise import Localiser
from perception.records import empty_percept
from perception.scene import empty_scene
from perception.tracker import Tracker
from tests.perception.test_localise import make_task
from world.kinds import BodyKind

CAR, WALKER = int(BodyKind.CAR), int(BodyKind.PEDESTRIAN)
DT = 0.05


class Watch:
    """A tracker of one driver who moves along x at `speed`; others are given by functions of time."""

    def __init__(self, speed=0.0, turn=0.0, seed=0, sigma=0.03):
        self.localiser, self.tracker, self.scene = Localiser(), Tracker(), empty_scene(1, 1)
        task = make_task()
        self.localiser.reset(task)
        self.tracker.reset(task)
        self.speed, self.turn, self.sigma, self.rng, self.step = speed, turn, sigma, np.random.default_rng(seed), 0

    def see(self, others, phantoms=()):
        """One tick. Args: others: (x, y, yaw, kind) in the frame in which the driver began; None: not seen."""
        pose = self.localiser.odometry[0, 0]
        percept = empty_percept(1, 1)
        percept.fresh[:] = True
        c, s, n = math.cos(pose[2]), math.sin(pose[2]), 0
        for x, y, yaw, kind in [o for o in others if o is not None] + list(phantoms):
            bx, by = c * (x - pose[0]) + s * (y - pose[1]), c * (y - pose[1]) - s * (x - pose[0])
            far = math.hypot(bx, by) * (1.0 + self.sigma * self.rng.standard_normal())
            angle = math.atan2(by, bx) + 0.01 * self.rng.standard_normal()
            users = percept.users
            users.xy[0, 0, n] = far * math.cos(angle), far * math.sin(angle)
            users.yaw[0, 0, n] = yaw - pose[2] + 0.1 * self.rng.standard_normal()
            users.size[0, 0, n] = (4.5, 1.8) if kind == CAR else (0.6, 0.6)
            users.kind[0, 0, n], users.score[0, 0, n], users.valid[0, 0, n] = kind, 0.9, True
            percept.user_fresh[0, 0, n] = True
            percept.user_sigma[0, 0, n] = max(self.sigma * far, 0.1)
            n += 1
        self.tracker.update(percept, self.localiser, np.full((1, 1), self.step * DT))
        self.tracker.tell(0, 0, pose, self.scene.objects)
        pose[2] += self.turn * DT
        pose[0] += self.speed * DT * math.cos(pose[2])
        pose[1] += self.speed * DT * math.sin(pose[2])
        self.step += 1
        return self.scene.objects


def test_velocity_over_ground_of_a_car_ahead():
    watch = Watch(speed=8.0, turn=0.05)
    for step in range(120):
        t = step * DT
        objects = watch.see([(20.0 + 6.0 * t, 2.0, 0.0, CAR)])
    assert objects.valid[0, 0].sum() == 1
    yaw = watch.localiser.odometry[0, 0, 2] - 0.05 * DT
    c, s = math.cos(yaw), math.sin(yaw)
    vx, vy = objects.velocity[0, 0, 0]
    assert abs(c * vx - s * vy - 6.0) < 0.8 and abs(s * vx + c * vy) < 0.5
    assert abs(objects.yaw[0, 0, 0] + yaw) < 0.12
    assert np.allclose(objects.size[0, 0, 0], (4.5, 1.8))


def test_who_stands_is_told_to_stand():
    watch, still = Watch(speed=5.0), []
    for step in range(100):
        objects = watch.see([(40.0, 3.0, 0.0, CAR)])
        if step > 30:
            still.append(float(np.hypot(*objects.velocity[0, 0, 0])))
    assert np.mean(np.array(still) == 0.0) > 0.8 and max(still) < 1.2


def test_identities_survive_a_meeting():
    """Two cars pass each other on neighbouring lanes; each keeps its number."""
    watch, names = Watch(), []
    for step in range(100):
        t = step * DT
        objects = watch.see([(10.0 + 6.0 * t, 0.0, 0.0, CAR), (45.0 - 6.0 * t, 3.5, math.pi, CAR)])
        if objects.valid[0, 0].sum() == 2:
            order = np.argsort(objects.xy[0, 0, :2, 1])
            names.append(tuple(objects.track[0, 0, order]))
    assert len(names) > 80 and len(set(names)) == 1


def test_one_look_is_nobody_and_a_phantom_goes():
    watch = Watch()
    assert watch.see([(20.0, 0.0, 0.0, CAR)]).valid[0, 0].sum() == 0
    told = sum(int(watch.see([]).valid[0, 0].sum()) for _ in range(40))
    assert told == 0
    assert not watch.tracker.tracks["live"].any()


def test_it_is_remembered_while_it_is_hidden_and_forgotten_where_it_should_be_seen():
    def after(hidden):
        watch = Watch()
        truck = (12.0, 0.0, 0.0, CAR)
        for _ in range(30):
            watch.see([(30.0, 0.2, 0.0, CAR), truck if hidden else None])
        for _ in range(30):  # 1.5 s
            objects = watch.see([truck if hidden else None])
        return int(objects.valid[0, 0].sum())

    assert after(hidden=True) == 2
    assert after(hidden=False) == 0


def test_kind_is_decided_by_many_looks():
    watch = Watch()
    for step in range(40):
        objects = watch.see([(15.0, 1.0, 0.0, CAR if step % 8 == 5 else WALKER)])
    assert objects.kind[0, 0, 0] == WALKER


def test_same_input_same_tracks_and_a_mask_clears_one():
    def run():
        watch = Watch(seed=5)
        for step in range(30):
            objects = watch.see([(20.0 + step * DT, 1.0, 0.0, CAR)])
        return objects.xy.copy(), objects.velocity.copy(), watch

    one, two = run(), run()
    assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])
    one[2].tracker.reset(make_task(), np.zeros((1, 1), np.bool_))
    assert one[2].tracker.tracks["live"].any()
    one[2].tracker.reset(make_task(), np.ones((1, 1), np.bool_))
    assert not one[2].tracker.tracks["live"].any()


@pytest.mark.parametrize("far", [8.0, 30.0])
def test_place_is_better_than_one_look(far):
    watch, off = Watch(sigma=0.05), []
    for step in range(80):
        objects = watch.see([(far, -1.0, 0.0, CAR)])
        if step > 20:
            off.append(float(objects.xy[0, 0, 0, 0]) - far)
    assert np.sqrt(np.mean(np.square(off))) < 0.6 * 0.05 * far


def test_a_rider_right_before_the_bumper_stays_though_only_the_car_beyond_is_seen():
    """He is too near to be recognised; neither is his track carried off by looks at what stands behind him."""
    watch, rider = Watch(), int(BodyKind.BICYCLE)
    objects = watch.see([(4.6, 0.0, 0.0, rider), (10.0, 0.0, 0.0, CAR)])
    for _ in range(40):
        objects = watch.see([(4.6, 0.0, 0.0, rider), (10.0, 0.0, 0.0, CAR)])
    for step in range(120):  # 6 s; now and then half of him is taken for a rider further away
        seen = [(8.0, 0.1, 0.0, rider)] if step % 10 == 3 else [(10.0, 0.0, 0.0, CAR)]
        objects = watch.see(seen)
        valid = objects.valid[0, 0]
        near = np.abs(objects.xy[0, 0, valid, 0] - 4.6) < 0.6
        assert near.any() and np.hypot(*objects.velocity[0, 0, valid][near].T).max() < 0.6


def test_a_rider_who_leaves_is_followed():
    watch, rider = Watch(), int(BodyKind.BICYCLE)
    for _ in range(40):
        watch.see([(4.6, 0.0, 0.0, rider)])
    for step in range(100):
        t = step * DT
        objects = watch.see([(4.6 + 0.75 * t * t, 0.0, 0.0, rider)])
    x = objects.xy[0, 0, objects.valid[0, 0], 0]
    assert len(x) == 1 and abs(x[0] - (4.6 + 0.75 * (99 * DT) ** 2)) < 1.0
