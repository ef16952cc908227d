// Colours and the drawing of map and road users. Canvas units are metres once the camera is set; y points up.

const THEMES = {
  dark: {
    ground: "#18211d", grass: "#1e2a22", road: "#2c3037", shoulder: "#353a42", pavement: "#454b54", edge: "#5a616c",
    bike: "#4a3434", white: "#dfe3e8", yellow: "#e8b93e", crossing: "#cfd4da", building: "#34323c", roof: "#474452",
    roofEdge: "#5b5768", tree: "#2c5a3b", treeLight: "#3a7350", shadow: "rgba(0,0,0,.35)", route: "rgba(39,196,245,.16)",
    glass: "rgba(12,16,22,.75)", line: "rgba(0,0,0,.55)", walker: "#ffc38f",
  },
  light: {
    ground: "#dde6d5", grass: "#cfdcc4", road: "#777d87", shoulder: "#868c95", pavement: "#bfc1bf", edge: "#9ea2a6",
    bike: "#9d6d64", white: "#ffffff", yellow: "#ffd24a", crossing: "#f5f6f7", building: "#b5a998", roof: "#d3c8b9",
    roofEdge: "#a3978a", tree: "#7fae78", treeLight: "#9cc592", shadow: "rgba(40,50,40,.22)", route: "rgba(0,128,196,.16)",
    glass: "rgba(25,32,44,.7)", line: "rgba(20,24,30,.6)", walker: "#d2691e",
  },
};
const CAR_COLORS = ["#c9d1da", "#8fa7bf", "#b7483f", "#5c7fa8", "#e0e3e6", "#6d7480", "#3f6f5e", "#d0a84e", "#7c5f86", "#a9b7a2", "#50617c"];
const KIND = { CAR: 0, VAN: 1, TRUCK: 2, BUS: 3, MOTORCYCLE: 4, BICYCLE: 5, PEDESTRIAN: 6 };
const LIGHT = ["#555b63", "#ff4438", "#ff7a2e", "#31d67b", "#ffb52e"];
const LANE = { DRIVING: 1, BIDIRECTIONAL: 2, BIKING: 3, SIDEWALK: 4, SHOULDER: 5, PARKING: 6, BORDER: 7, MEDIAN: 8 };
const MARK = { BROKEN: 2, SOLID_SOLID: 3, SOLID_BROKEN: 4, BROKEN_SOLID: 5, BROKEN_BROKEN: 6, BOTTS_DOTS: 7 };

function addPolyline(path, cm, from, to, closed) {
  for (let i = from; i < to; i++) {
    if (i === from) path.moveTo(cm[2 * i] / 100, cm[2 * i + 1] / 100);
    else path.lineTo(cm[2 * i] / 100, cm[2 * i + 1] / 100);
  }
  if (closed) path.closePath();
}

// The map as ready-made paths, grouped by height, so that bridges lie above what they cross.
class MapPaths {
  constructor(a) {
    this.a = a;
    this.levels = new Map();
    for (let i = 0; i < a.lane_kind.length; i++) {
      const level = this.level(a.lane_z_cm[i]);
      const kind = this.laneClass(a.lane_kind[i]), name = kind === "road" && a.lane_junction[i] ? "junction" : kind;
      addPolyline(this.pathOf(level.lanes, name), a.lane_cm, a.lane_start[i], a.lane_start[i + 1], true);
    }
    for (let i = 0; i < a.mark_kind.length; i++) {
      const level = this.level(a.mark_z_cm[i]);
      const key = this.markClass(a.mark_kind[i]) + (a.mark_color[i] === 1 ? "-yellow" : "-white");
      addPolyline(this.pathOf(level.marks, key), a.mark_cm, a.mark_start[i], a.mark_start[i + 1], false);
    }
    this.sorted = [...this.levels.entries()].sort((p, q) => p[0] - q[0]).map(e => e[1]);
    this.walks = [];
    for (let i = 0; i < a.walk_width_cm.length; i++) {
      if (a.walk_crosswalk[i] >= 0) continue;
      const path = new Path2D();
      addPolyline(path, a.walk_cm, a.walk_start[i], a.walk_start[i + 1], false);
      this.walks.push([path, a.walk_width_cm[i] / 100]);
    }
    this.crossings = this.makeCrossings();
    this.buildings = [];
    for (let i = 0; i + 1 < a.building_start.length; i++) {
      const path = new Path2D();
      addPolyline(path, a.building_cm, a.building_start[i], a.building_start[i + 1], true);
      this.buildings.push([path, Math.min(40, a.building_height_cm[i] / 100)]);
    }
    this.bounds = this.makeBounds();
  }

  level(zCm) {
    const key = Math.round(zCm / 250);
    if (!this.levels.has(key)) this.levels.set(key, { lanes: {}, marks: {} });
    return this.levels.get(key);
  }

  pathOf(table, key) { return table[key] || (table[key] = new Path2D()); }

  laneClass(kind) {
    if (kind === LANE.SIDEWALK) return "pavement";
    if (kind === LANE.BIKING) return "bike";
    if (kind === LANE.SHOULDER || kind === LANE.PARKING || kind === 10) return "shoulder";
    if (kind === LANE.BORDER || kind === LANE.MEDIAN || kind === 9 || kind === 0 || kind === 16) return "grass";
    if (kind === 15) return "edge";
    return "road";
  }

  markClass(kind) {
    if (kind === MARK.BROKEN || kind === MARK.BOTTS_DOTS) return "broken";
    if (kind === MARK.SOLID_SOLID || kind === MARK.BROKEN_BROKEN) return "double";
    return "solid";
  }

  // Zebra stripes: bars along the traffic, side by side along the way people walk.
  makeCrossings() {
    const a = this.a, out = [];
    for (let i = 0; i + 1 < a.crosswalk_start.length; i++) {
      const from = a.crosswalk_start[i], to = a.crosswalk_start[i + 1];
      const clip = new Path2D();
      addPolyline(clip, a.crosswalk_cm, from, to, true);
      let best = 0, angle = 0, cx = 0, cy = 0;
      for (let p = from; p < to; p++) {
        const q = p + 1 < to ? p + 1 : from;
        const dx = a.crosswalk_cm[2 * q] - a.crosswalk_cm[2 * p], dy = a.crosswalk_cm[2 * q + 1] - a.crosswalk_cm[2 * p + 1];
        if (dx * dx + dy * dy > best) { best = dx * dx + dy * dy; angle = Math.atan2(dy, dx); }
        cx += a.crosswalk_cm[2 * p] / 100; cy += a.crosswalk_cm[2 * p + 1] / 100;
      }
      for (let w = 0; w < a.walk_width_cm.length; w++) {
        if (a.walk_crosswalk[w] !== i) continue;
        const s = a.walk_start[w], e = a.walk_start[w + 1] - 1;
        angle = Math.atan2(a.walk_cm[2 * e + 1] - a.walk_cm[2 * s + 1], a.walk_cm[2 * e] - a.walk_cm[2 * s]);
      }
      out.push({ clip, angle, x: cx / (to - from), y: cy / (to - from), reach: Math.sqrt(best) / 100 + 6 });
    }
    return out;
  }

  makeBounds() {
    const b = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.a.lane_cm.length; i += 2) {
      const x = this.a.lane_cm[i] / 100, y = this.a.lane_cm[i + 1] / 100;
      b[0] = Math.min(b[0], x); b[1] = Math.min(b[1], y); b[2] = Math.max(b[2], x); b[3] = Math.max(b[3], y);
    }
    return b[0] < b[2] ? b : [-50, -50, 50, 50];
  }

  draw(c, theme, scale) {
    const layers = ["grass", "shoulder", "junction", "bike", "road", "edge", "pavement"];
    c.lineJoin = "round";
    c.strokeStyle = theme.pavement;
    for (const [path, width] of this.walks) { c.lineWidth = width; c.stroke(path); }
    for (const level of this.sorted) {
      for (const name of layers) {
        const path = level.lanes[name];
        if (!path) continue;
        c.fillStyle = c.strokeStyle = theme[name === "junction" ? "road" : name];
        c.lineWidth = name === "junction" ? 2.4 : 0.2;  // closes the notches between the lanes of a junction
        c.fill(path); c.stroke(path);
      }
      this.drawMarks(c, theme, level.marks, scale);
    }
    for (const z of this.crossings) this.drawZebra(c, theme, z);
  }

  drawMarks(c, theme, marks, scale) {
    const width = Math.max(0.16, 0.7 / scale);
    c.lineCap = "butt";
    for (const [key, path] of Object.entries(marks)) {
      const [kind, color] = key.split("-");
      c.strokeStyle = theme[color];
      c.globalAlpha = scale < 1.2 ? 0.45 : 0.9;
      c.setLineDash(kind === "broken" ? [3, 4.5] : []);
      if (kind === "double") {  // two lines: a wide one with the road's colour along its middle
        c.lineWidth = 3 * width; c.stroke(path);
        c.strokeStyle = theme.road; c.globalAlpha = 1; c.lineWidth = width;
      } else c.lineWidth = width;
      c.stroke(path);
    }
    c.setLineDash([]);
    c.globalAlpha = 1;
  }

  drawZebra(c, theme, z) {
    c.save();
    c.clip(z.clip);
    c.translate(z.x, z.y); c.rotate(z.angle);
    c.fillStyle = theme.crossing;
    c.globalAlpha = 0.8;
    for (let s = -Math.ceil(z.reach); s < z.reach; s += 1) c.fillRect(s, -z.reach, 0.5, 2 * z.reach);
    c.restore();
  }

  // Buildings and trees with their shadows; they lie above the road users.
  drawTall(c, theme, scale) {
    const a = this.a;
    c.fillStyle = theme.shadow;
    for (const [path, height] of this.buildings) {
      c.save(); c.translate(0.16 * height, -0.16 * height); c.fill(path); c.restore();
    }
    for (const [path] of this.buildings) {
      c.fillStyle = theme.roof; c.fill(path);
      c.strokeStyle = theme.roofEdge; c.lineWidth = Math.max(0.25, 0.8 / scale); c.stroke(path);
    }
    for (let i = 0; i < a.tree_radius_cm.length; i++) {
      const x = a.tree_cm[2 * i] / 100, y = a.tree_cm[2 * i + 1] / 100, r = a.tree_radius_cm[i] / 100;
      c.fillStyle = theme.shadow; disc(c, x + 0.5, y - 0.5, r);
      c.fillStyle = theme.tree; disc(c, x, y, r);
      c.fillStyle = theme.treeLight; disc(c, x - 0.25 * r, y + 0.25 * r, 0.55 * r);
    }
  }
}

// The parts of the map that never change, drawn once into two canvases that are larger than the view (ground, and what
// stands on it), and copied until the view leaves them or is zoomed.
class Layers {
  constructor() {
    this.layers = [document.createElement("canvas"), document.createElement("canvas")];
    this.key = "";
  }

  update(paths, theme, canvas, k) {
    const reach = 0.62 * Math.hypot(canvas.width, canvas.height);  // [px] from the camera to the farthest corner
    const side = Math.min(4096, Math.ceil(2.5 * reach)), slack = (side / 2 - reach) / k;
    const key = [k, side, theme.ground].join();
    if (key === this.key && Math.max(Math.abs(view.x - this.x), Math.abs(view.y - this.y)) < Math.max(slack, 1e-6)) return;
    Object.assign(this, { key, k, side, x: view.x, y: view.y });
    for (const [i, layer] of this.layers.entries()) {
      layer.width = layer.height = side;
      const c = layer.getContext("2d");
      c.translate(side / 2, side / 2); c.scale(k, -k); c.translate(-this.x, -this.y);
      if (i === 0) paths.draw(c, theme, view.scale); else paths.drawTall(c, theme, view.scale);
    }
  }

  blit(c, i) {
    c.save();
    c.translate(this.x, this.y); c.scale(1 / this.k, -1 / this.k);
    c.drawImage(this.layers[i], -this.side / 2, -this.side / 2);
    c.restore();
  }
}

function disc(c, x, y, r) { c.beginPath(); c.arc(x, y, r, 0, 2 * Math.PI); c.fill(); }

// Stop lines in the colour of their light, light heads, and signs.
function drawFurniture(c, theme, a, lights, scale) {
  for (let i = 0; i < a.stop_kind.length; i++) {
    const light = a.stop_light[i], lit = a.stop_kind[i] === 0 && light >= 0 && light < lights.length;
    c.strokeStyle = lit ? LIGHT[lights[light]] || LIGHT[0] : theme.white;
    c.lineWidth = Math.max(0.45, 1.6 / scale);
    c.setLineDash(a.stop_kind[i] === 2 ? [0.6, 0.4] : []);
    c.beginPath();
    c.moveTo(a.stop_cm[4 * i] / 100, a.stop_cm[4 * i + 1] / 100);
    c.lineTo(a.stop_cm[4 * i + 2] / 100, a.stop_cm[4 * i + 3] / 100);
    c.stroke();
  }
  c.setLineDash([]);
  if (scale < 2) return;
  for (let i = 0; i < lights.length && 3 * i < a.light_cm.length; i++) {
    const x = a.light_cm[3 * i] / 100, y = a.light_cm[3 * i + 1] / 100, color = LIGHT[lights[i]] || LIGHT[0];
    const r = Math.min(0.9, Math.max(0.45, 5 / scale));
    c.fillStyle = "#15181c"; disc(c, x, y, r);
    c.fillStyle = color; disc(c, x, y, 0.66 * r);
    c.globalAlpha = 0.2; disc(c, x, y, 2 * r); c.globalAlpha = 1;
  }
  for (let i = 0; i < a.sign_kind.length; i++) drawSign(c, a, i, scale);
}

function drawSign(c, a, i, scale) {
  const x = a.sign_cm[2 * i] / 100, y = a.sign_cm[2 * i + 1] / 100, kind = a.sign_kind[i], r = 0.9;
  const corners = { 1: 8, 2: 3 }[kind];
  c.lineWidth = 0.22;
  c.strokeStyle = "#c8322b";
  c.fillStyle = kind === 1 ? "#c8322b" : kind === 7 ? "#2766b8" : "#fbfbf8";
  c.beginPath();
  if (corners) for (let k = 0; k < corners; k++) {
    const angle = -c.heading + (corners === 8 ? Math.PI / 8 : -Math.PI / 2) + 2 * Math.PI * k / corners;
    c.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  } else c.arc(x, y, r, 0, 2 * Math.PI);
  c.closePath();
  c.fill(); c.stroke();
  if (kind !== 3 || scale < 5) return;
  c.save();
  c.translate(x, y); c.rotate(-c.heading); c.scale(1, -1);
  c.fillStyle = "#1c1c1c"; c.font = "700 0.85px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "middle";
  c.fillText(String(Math.round(a.sign_value_cms[i] * 0.036)), 0, 0.05);
  c.restore();
}

function drawAgent(c, theme, agent, accent, isDriver, scale) {
  const { length, width, kind, hue } = agent.body;
  c.save();
  c.translate(agent.x, agent.y);
  c.rotate(agent.yaw);
  if (kind === KIND.PEDESTRIAN) drawWalker(c, theme, Math.max(0.4, 3.2 / scale));
  else {
    if (isDriver) {
      c.fillStyle = accent; c.globalAlpha = 0.2;
      disc(c, 0, 0, Math.max(0.85 * length, 9 / scale)); c.globalAlpha = 1;
    }
    const grow = isDriver ? Math.max(1, 9 / scale / length) : 1;
    if (kind === KIND.MOTORCYCLE || kind === KIND.BICYCLE) drawRider(c, theme, length, width, hue);
    else drawCar(c, theme, length * grow, width * grow, isDriver ? accent : bodyColor(kind, hue), agent.braking, kind, scale);
  }
  c.restore();
}

function bodyColor(kind, hue) {
  if (kind === KIND.BUS) return "#d9a531";
  if (kind === KIND.TRUCK) return ["#8d99a8", "#9a8468", "#6f8f86"][hue % 3];
  return CAR_COLORS[hue];
}

function drawCar(c, theme, l, w, color, braking, kind, scale) {
  const round = Math.min(0.28 * w, kind === KIND.BUS || kind === KIND.TRUCK ? 0.35 : 0.6);
  c.fillStyle = theme.shadow;
  box(c, -l / 2 + 0.15, -w / 2 - 0.2, l, w, round);
  c.fillStyle = color;
  box(c, -l / 2, -w / 2, l, w, round);
  c.strokeStyle = theme.line; c.lineWidth = 0.08; c.stroke();
  if (scale > 3) {
    c.fillStyle = theme.glass;
    if (kind === KIND.TRUCK) { box(c, l / 2 - 1.0, -0.42 * w, 0.7, 0.84 * w, 0.1); box(c, l / 2 - 2.1, -0.5 * w, 0.12, w, 0); }
    else if (kind === KIND.BUS) { box(c, l / 2 - 0.8, -0.42 * w, 0.55, 0.84 * w, 0.1); c.globalAlpha = 0.25; box(c, -0.4 * l, -0.3 * w, 0.7 * l, 0.6 * w, 0.2); c.globalAlpha = 1; }
    else { trapezoid(c, 0.24 * l, 0.36 * w, 0.08 * l, 0.42 * w); trapezoid(c, -0.36 * l, 0.34 * w, -0.24 * l, 0.40 * w); }
    c.fillStyle = braking ? "#ff3b30" : "#8d2a26";
    box(c, -l / 2 - 0.02, -w / 2 + 0.1, 0.16, 0.34 * w, 0.05); box(c, -l / 2 - 0.02, w / 2 - 0.1 - 0.34 * w, 0.16, 0.34 * w, 0.05);
    c.fillStyle = "#fff6d6";
    box(c, l / 2 - 0.14, -w / 2 + 0.12, 0.14, 0.24 * w, 0.05); box(c, l / 2 - 0.14, w / 2 - 0.12 - 0.24 * w, 0.14, 0.24 * w, 0.05);
  }
}

function box(c, x, y, w, h, r) { c.beginPath(); c.roundRect(x, y, w, h, r); c.fill(); }

function trapezoid(c, x0, h0, x1, h1) {
  c.beginPath(); c.moveTo(x0, -h0); c.lineTo(x1, -h1); c.lineTo(x1, h1); c.lineTo(x0, h0); c.fill();
}

function drawRider(c, theme, l, w, hue) {
  c.fillStyle = "#23272d"; box(c, -l / 2, -0.12, l, 0.24, 0.12);
  c.fillStyle = CAR_COLORS[hue]; c.beginPath(); c.ellipse(-0.1, 0, 0.3, Math.max(0.3, 0.42 * w), 0, 0, 2 * Math.PI); c.fill();
  c.fillStyle = theme.walker; disc(c, 0.08, 0, 0.17);
}

function drawWalker(c, theme, r) {
  c.fillStyle = theme.shadow; disc(c, 0.1, -0.12, r);
  c.fillStyle = theme.walker; c.beginPath(); c.ellipse(0, 0, 0.6 * r, r, 0, 0, 2 * Math.PI); c.fill();
  c.strokeStyle = theme.line; c.lineWidth = 0.07; c.stroke();
  c.fillStyle = "#3a2a20"; disc(c, 0.05, 0, 0.42 * r);
}

function strokePoints(c, points, count) {
  c.beginPath();
  for (let i = 0; i < count; i++) c.lineTo(points[2 * i], points[2 * i + 1]);
  c.stroke();
}
