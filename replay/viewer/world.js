// What is true at a time: poses, lights, plans, and the driver's numbers.

class World {
  constructor(arrays) {
    this.a = arrays;
    this.slots = meta.slots;
    this.times = arrays.track_time;  // [s] of each sample
    this.end = meta.duration;
    this.bodies = new Map();
    for (let i = 0; i < arrays.life_slot.length; i++) {
      this.bodies.set(arrays.life_slot[i] + ":" + arrays.life_generation[i], {
        kind: arrays.life_kind[i], length: arrays.life_length_cm[i] / 100, width: arrays.life_width_cm[i] / 100,
        hue: (arrays.life_slot[i] * 7 + arrays.life_generation[i] * 13) % 11,
      });
    }
    this.lights = new Uint8Array(meta.lights);
    this.lightCursor = 0;
    this.lightTime = -1;
  }

  // Everybody at time t: [{slot, x, y, yaw, speed, braking, body}], drivers last.
  agents(t) {
    const a = this.a, n = this.slots, f = Math.max(0, lastAtMost(this.times, t + 1e-6));
    const g = Math.min(f + 1, this.times.length - 1), span = this.times[g] - this.times[f];
    const u = span > 0 ? Math.min(1, Math.max(0, (t - this.times[f]) / span)) : 0;
    const out = [];
    for (let s = n - 1; s >= 0; s--) {
      let i = f * n + s, j = g * n + s;
      if (!a.track_valid[i]) continue;
      const generation = a.track_generation[i];
      if (!a.track_valid[j] || a.track_generation[j] !== generation) j = i;
      const body = this.bodies.get(s + ":" + generation);
      if (!body) continue;
      const turn = ((a.track_yaw[j] - a.track_yaw[i] + 98304) % 65536) - 32768;
      const speed = (a.track_speed[i] + u * (a.track_speed[j] - a.track_speed[i])) / 100;
      out.push({
        slot: s, body, speed,
        x: (a.track_x[i] + u * (a.track_x[j] - a.track_x[i])) / 100,
        y: (a.track_y[i] + u * (a.track_y[j] - a.track_y[i])) / 100,
        yaw: (a.track_yaw[i] + u * turn) * Math.PI / 32768,
        braking: a.track_speed[j] - a.track_speed[i] < -0.08 * 100 * Math.max(span, 0.05) * 10 || Math.abs(speed) < 0.05,
      });
    }
    return out;
  }

  // LightState of every light at time t.
  lightsAt(t) {
    const a = this.a;
    if (t < this.lightTime) { this.lights.fill(0); this.lightCursor = 0; }
    while (this.lightCursor < a.light_time.length && a.light_time[this.lightCursor] <= t + 1e-6) {
      this.lights[a.light_index[this.lightCursor]] = a.light_state[this.lightCursor];
      this.lightCursor++;
    }
    this.lightTime = t;
    return this.lights;
  }

  // The driver's plan at time t: Float64Array of x, y pairs [m], or null.
  plan(t, driver) {
    for (let b = meta.plans.length - 1; b >= 0; b--) {
      const block = meta.plans[b], times = this.a["plan_time/" + b];
      if (!times.length || times[0] > t + 1e-6) continue;
      const i = lastAtMost(times, t + 1e-6), k = meta.drivers, h = block.points;
      if (t - times[i] > 1 || !this.a["plan_valid/" + b][i * k + driver]) return null;
      const cm = this.a["plan_xy/" + b], from = (i * k + driver) * h * 2;
      return Float64Array.from(cm.subarray(from, from + 2 * h), v => v / 100);
    }
    return null;
  }

  // A driver's number at time t, straight between ticks; NaN where it was not recorded.
  number(name, t, driver) {
    const values = this.a["driver_" + name], times = this.a.driver_time, k = meta.drivers;
    if (!values || !times.length) return NaN;
    const i = Math.max(0, lastAtMost(times, t + 1e-6)), j = Math.min(i + 1, times.length - 1);
    const span = times[j] - times[i], u = span > 0 ? Math.min(1, Math.max(0, (t - times[i]) / span)) : 0;
    return values[i * k + driver] * (1 - u) + values[j * k + driver] * u;
  }
}
