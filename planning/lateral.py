"""Steering: a preview LQR of the kinematic bicycle with steer lag, about the path's steady-state steering.

The box centre is to follow the path. With reference slip sin(beta_r) = rear_axle * kappa and steer
tan(delta_r) = wheelbase * kappa / cos(beta_r), the deviations e [m], psi = yaw - heading + beta_r [rad] and
d = delta - delta_r [rad] obey, for the command u = delta_r + w,

    e' = v (psi + (rear_axle / wheelbase) d),   psi' = v (c d + dbeta_r/ds),   d' = (w - d) / lag - v ddelta_r/ds,

with c = 1 / (wheelbase cos^2 delta_r). The finite-horizon problem sum q_e e^2 + q_psi psi^2 + r (w - d)^2 with the
known disturbances dbeta_r/ds, ddelta_r/ds is solved by one backward Riccati sweep, which looks ahead to the coming
curve and so makes up for the lag.

Source: affine LQR: Anderson and Moore, Optimal Control: Linear Quadratic Methods (1990), section 4; preview steering:
Sharp and Valtetsis, Optimal preview car steering control, Vehicle System Dynamics 35 (2001).
"""

import math

from planning.path import curvature_at, project_near, yaw_at
from world.kernel import kernel

HORIZON = 25  # sweep steps
SWEEP_DT = 0.08  # [s]


@kernel
def reference(curvature, wheelbase, rear_axle):
    """(slip, steer) [rad] of the box centre at rest on a curve [1/m]."""
    sine = min(max(rear_axle * curvature, -0.8), 0.8)
    slip = math.asin(sine)
    return slip, math.atan(wheelbase * curvature / math.cos(slip))


@kernel
def steer_one(path, rolled, speeds_dt, speed, steer, wheelbase, rear_axle, lag, config):
    """Front wheel command [rad] that follows the path.

    Args:
        path: PATH_ROWs, ego frame. rolled: (H,) ROLL_ROWs with planned speeds, speeds_dt [s] apart.
        speed, steer: [m/s], [rad] now.
        lag: [s] of the steering actuator. config: PlannerConfig's row.

    Returns:
        (command [rad], lateral error of the box centre [m], left positive).
    """
    foot, error = project_near(path, 0.0, 0.0, 0.0)
    foot = max(foot, 0.0)
    # Value function x'Px + 2p'x of the state (e, psi, d), swept from the horizon back
    p11 = p22 = p33 = p12 = p13 = p23 = 0.0
    p1 = p2 = p3 = 0.0
    k1 = k2 = k3 = kk = 0.0
    blend = 1.0 - math.exp(-SWEEP_DT / max(lag, 1e-3))
    # Arc lengths along the horizon
    reach = foot
    for j in range(HORIZON):
        reach += max(speed_at(rolled, speeds_dt, j * SWEEP_DT), 0.5) * SWEEP_DT
    for j in range(HORIZON - 1, -1, -1):
        v = max(speed_at(rolled, speeds_dt, j * SWEEP_DT), 0.5)
        ds = v * SWEEP_DT
        reach -= ds
        slip0, ref0 = reference(curvature_at(path, reach), wheelbase, rear_axle)
        slip1, ref1 = reference(curvature_at(path, reach + ds), wheelbase, rear_axle)
        cosine = math.cos(ref0)
        turn = ds / (wheelbase * cosine * cosine)  # yaw a step and radian of d
        side = ds * rear_axle / wheelbase
        # x+ = A x + B w + g with d+ = (1 - blend) d + blend w, and the mean d over the step acting on psi and e
        keep = 1.0 - blend
        m, n = 0.5 * (1.0 + keep), 0.5 * blend
        a12, a13, b1 = ds, side * m + 0.5 * ds * turn * m, side * n + 0.5 * ds * turn * n
        a23, b2, b3 = turn * m, turn * n, blend
        g2, g3 = slip1 - slip0, ref0 - ref1
        g1 = 0.5 * ds * g2
        rate = config.lateral_steer + config.lateral_jerk * (v * v / (wheelbase * max(lag, 0.05))) ** 2
        # q = P g + p
        q1 = p11 * g1 + p12 * g2 + p13 * g3 + p1
        q2 = p12 * g1 + p22 * g2 + p23 * g3 + p2
        q3 = p13 * g1 + p23 * g2 + p33 * g3 + p3
        # PB, B'PB, A'PB
        h1 = p11 * b1 + p12 * b2 + p13 * b3
        h2 = p12 * b1 + p22 * b2 + p23 * b3
        h3 = p13 * b1 + p23 * b2 + p33 * b3
        s = rate + b1 * h1 + b2 * h2 + b3 * h3
        k1 = h1 / s
        k2 = (a12 * h1 + h2) / s
        k3 = (a13 * h1 + a23 * h2 + keep * h3 - rate) / s
        kk = (b1 * q1 + b2 * q2 + b3 * q3) / s
        # P <- Q + A'PA - K'sK; upper columns of PA first
        c11, c12, c22 = p11, p11 * a12 + p12, p12 * a12 + p22
        c13 = p11 * a13 + p12 * a23 + p13 * keep
        c23 = p12 * a13 + p22 * a23 + p23 * keep
        c33 = p13 * a13 + p23 * a23 + p33 * keep
        p11 = config.lateral_error + c11 - s * k1 * k1
        p12 = c12 - s * k1 * k2
        p13 = c13 - s * k1 * k3
        p22 = config.lateral_heading + a12 * c12 + c22 - s * k2 * k2
        p23 = a12 * c13 + c23 - s * k2 * k3
        p33 = rate + a13 * c13 + a23 * c23 + keep * c33 - s * k3 * k3
        p1, p2, p3 = q1 - s * k1 * kk, a12 * q1 + q2 - s * k2 * kk, a13 * q1 + a23 * q2 + keep * q3 - s * k3 * kk
    slip, ref = reference(curvature_at(path, foot), wheelbase, rear_axle)
    heading = -yaw_at(path, foot)
    heading = math.atan2(math.sin(heading), math.cos(heading)) + slip
    w = -(k1 * error + k2 * heading + k3 * (steer - ref) + kk)
    return ref + w, error


@kernel
def speed_at(rolled, dt, t):
    """Planned speed [m/s] at time t [s]."""
    u = min(max(t / dt, 0.0), len(rolled) - 1.001)
    i = int(u)
    return (1.0 - (u - i)) * rolled[i].v + (u - i) * rolled[i + 1].v
