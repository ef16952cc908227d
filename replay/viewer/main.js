// Camera, time, input, and the loop.

const RATES = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
const KEYS = [
  ["Space", "play or pause"], ["\u2190 \u2192", "step 1 s (with Shift 5 s)"], [", .", "one tick back or on"], ["[ ]", "slower, faster"],
  ["Home End", "start, end"], ["N B", "next, previous event"], ["F", "follow the car"], ["R", "heading up"], ["M", "whole map"],
  ["+ \u2212", "zoom (also the wheel)"], ["drag", "move the map"], ["P T", "plan, trail"], ["C", "cameras"], ["S", "score panel"], ["D", "dark or light"], ["?", "this list"],
];
const view = { t: 0, playing: true, rate: 1, driver: 0, x: 0, y: 0, scale: 7, heading: 0, follow: true, turn: false, plan: true, trail: true, dirty: true };

function setTheme(name) { document.documentElement.dataset.theme = name; cssCache.clear(); view.theme = name; view.dirty = true; }

function start(arrays) {
  const world = Object.assign(new World(arrays), { layers: new Layers() }), paths = new MapPaths(arrays), canvas = $("map");
  const preferred = matchMedia("(prefers-color-scheme: light)");
  setTheme(preferred.matches ? "light" : "dark");
  preferred.addEventListener("change", e => setTheme(e.matches ? "light" : "dark"));
  $("name").textContent = meta.title;
  $("subtitle").textContent = meta.subtitle;
  const jump = t => { view.t = Math.min(world.end, Math.max(0, t)); view.dirty = true; };
  fillScore(jump);
  fillKeys();
  const cameras = fillCameras();
  bindControls(world, paths, jump);
  bindCanvas(canvas);
  const route = makeRoute(arrays);
  let last = performance.now();
  const loop = now => {
    const elapsed = Math.min(0.25, (now - last) / 1000);
    last = now;
    if (view.playing) {
      view.t += elapsed * view.rate;
      if (view.t >= world.end) { view.t = world.end; setPlaying(false); }
      view.dirty = true;
    }
    if (view.dirty) { view.dirty = false; frame(canvas, world, paths, route, elapsed); showCameras(cameras, view.t); }
    requestAnimationFrame(loop);
  };
  addEventListener("resize", () => { view.dirty = true; });
  setPlaying(true);
  window.replay = { view, world, jump, setPlaying };  // for scripts and tests
  requestAnimationFrame(loop);
}

function makeRoute(arrays) {
  const cm = arrays["route/" + view.driver];
  if (!cm) return null;
  const path = new Path2D();
  addPolyline(path, cm, 0, cm.length / 2, false);
  return path;
}

function frame(canvas, world, paths, route, elapsed) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
  }
  const c = canvas.getContext("2d"), theme = THEMES[view.theme], agents = world.agents(view.t);
  const ego = agents.find(a => a.slot === view.driver);
  aim(ego, elapsed);
  c.setTransform(1, 0, 0, 1, 0, 0);
  c.fillStyle = theme.ground; c.fillRect(0, 0, canvas.width, canvas.height);
  const k = view.scale * ratio, lift = view.follow && view.turn ? 0.62 : 0.47;
  c.translate(0.5 * canvas.width, lift * canvas.height); c.scale(k, -k); c.rotate(-view.heading); c.translate(-view.x, -view.y);
  c.heading = -view.heading;
  world.layers.update(paths, theme, canvas, k);
  world.layers.blit(c, 0);
  if (route) { c.strokeStyle = theme.route; c.lineWidth = Math.max(1.8, 4 / view.scale); c.lineCap = "round"; c.stroke(route); }
  drawFurniture(c, theme, world.a, world.lightsAt(view.t), view.scale);
  if (view.trail) drawTrail(c, world);
  if (view.plan) drawPlan(c, world, ego);
  for (const agent of agents) drawAgent(c, theme, agent, css("--accent"), agent.slot < meta.drivers, view.scale);
  world.layers.blit(c, 1);
  drawMarks(c, world);
  drawScaleBar(c, w, h, ratio);
  drawDial(world, view.t, view.driver);
  drawChart(world, view.t, view.driver);
  $("clock").textContent = `${clock(view.t)} / ${clock(world.end)}`;
}

// Move the camera towards where it should be, without a jerk.
function aim(ego, elapsed) {
  const blend = 1 - Math.exp(-elapsed * 10);
  if (view.follow && ego) { view.x = ego.x; view.y = ego.y; }
  const want = view.follow && view.turn && ego ? ego.yaw - Math.PI / 2 : 0;
  const off = Math.atan2(Math.sin(want - view.heading), Math.cos(want - view.heading));
  view.heading += Math.abs(off) < 0.002 ? off : off * Math.max(blend, 0.05);
  if (Math.abs(off) >= 0.002) view.dirty = true;
}

function drawTrail(c, world) {
  const a = world.a, f = lastAtMost(world.times, view.t), from = Math.max(0, f - 150);
  c.lineCap = "butt"; c.strokeStyle = css("--accent"); c.lineWidth = Math.max(0.35, 2 / view.scale);
  for (let i = from; i < f; i++) {
    const p = i * world.slots + view.driver, q = p + world.slots;
    if (!a.track_valid[p] || !a.track_valid[q] || a.track_generation[p] !== a.track_generation[q]) continue;
    c.globalAlpha = 0.6 * (i - from) / 150;
    c.beginPath(); c.moveTo(a.track_x[p] / 100, a.track_y[p] / 100); c.lineTo(a.track_x[q] / 100, a.track_y[q] / 100); c.stroke();
  }
  c.globalAlpha = 1;
}

function drawPlan(c, world, ego) {
  const points = world.plan(view.t, view.driver);
  if (!points || !ego) return;
  c.lineCap = "round"; c.lineJoin = "round"; c.strokeStyle = css("--good");
  c.globalAlpha = 0.28; c.lineWidth = 0.9 * ego.body.width; strokePoints(c, points, points.length / 2);
  c.globalAlpha = 0.95; c.lineWidth = Math.max(0.22, 2 / view.scale); strokePoints(c, points, points.length / 2);
  c.globalAlpha = 1;
}

// Rings where the judge saw something, around the moment it did.
function drawMarks(c, world) {
  for (const event of meta.events) {
    const age = view.t - event.time;
    if (age < -0.2 || age > 4 || event.driver !== view.driver) continue;
    c.strokeStyle = eventColor(event); c.globalAlpha = Math.max(0, 1 - Math.max(0, age) / 4);
    c.lineWidth = Math.max(0.3, 2.5 / view.scale);
    c.beginPath(); c.arc(event.x, event.y, 3 + 2.5 * Math.max(0, age), 0, 2 * Math.PI); c.stroke();
    c.save(); c.translate(event.x, event.y); c.rotate(view.heading); c.scale(1 / view.scale, -1 / view.scale);
    c.font = "600 13px system-ui, sans-serif"; c.textAlign = "center"; c.lineWidth = 4; c.strokeStyle = "rgba(10,12,16,.8)";
    c.strokeText(words(event.name), 0, -28); c.fillStyle = "#fff"; c.fillText(words(event.name), 0, -28);
    c.restore(); c.globalAlpha = 1;
  }
}

function drawScaleBar(c, w, h, ratio) {
  const choice = [1, 2, 5, 10, 20, 50, 100, 200, 500].find(m => m * view.scale > 60) || 1000, px = choice * view.scale;
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  const x = w - 20 - px, y = h - 162;
  c.strokeStyle = c.fillStyle = css("--ink"); c.globalAlpha = 0.7; c.lineWidth = 1.5;
  c.beginPath(); c.moveTo(x, y - 5); c.lineTo(x, y); c.lineTo(x + px, y); c.lineTo(x + px, y - 5); c.stroke();
  c.font = "11px system-ui, sans-serif"; c.textAlign = "center"; c.fillText(`${choice} m`, x + px / 2, y - 6);
  c.globalAlpha = 1;
}

function setPlaying(on) {
  if (on && view.t >= meta.duration) view.t = 0;
  view.playing = on;
  $("play").textContent = on ? "\u275a\u275a" : "\u25b6";
  view.dirty = true;
}

function setRate(rate) { view.rate = rate; $("rate").value = String(rate); }

function toggle(name) { view[name] = !view[name]; for (const n of ["follow", "turn", "plan", "trail"]) $(n).classList.toggle("on", view[n]); view.dirty = true; }

function fillKeys() {
  const table = element("table");
  for (const [keys, text] of KEYS) {
    const row = element("tr"), cell = element("td");
    for (const key of keys.split(" ")) cell.append(element("kbd", key), " ");
    row.append(cell, element("td", text)); table.append(row);
  }
  $("keys").append(table);
}

function fitMap(paths) {
  const [x0, y0, x1, y1] = paths.bounds, canvas = $("map");
  view.follow = true; toggle("follow");
  view.x = (x0 + x1) / 2; view.y = (y0 + y1) / 2;
  view.scale = Math.min((canvas.clientWidth - 60) / (x1 - x0), (canvas.clientHeight - 190) / (y1 - y0));
  view.y -= 20 / view.scale;
}

function zoom(factor) { view.scale = Math.min(80, Math.max(0.2, view.scale * factor)); view.dirty = true; }

function bindControls(world, paths, jump) {
  for (const rate of RATES) { const o = element("option", `${rate}\u00d7`); o.value = String(rate); $("rate").append(o); }
  setRate(1);
  for (const name of ["follow", "turn", "plan", "trail"]) { $(name).addEventListener("click", () => toggle(name)); $(name).classList.toggle("on", view[name]); }
  const swap = () => setTheme(view.theme === "dark" ? "light" : "dark"), keys = () => { $("keys").hidden = !$("keys").hidden; };
  $("play").addEventListener("click", () => setPlaying(!view.playing));
  $("fit").addEventListener("click", () => fitMap(paths));
  $("eyes").addEventListener("click", toggleCameras);
  $("theme").addEventListener("click", swap);
  $("help").addEventListener("click", keys);
  $("rate").addEventListener("change", e => setRate(Number(e.target.value)));
  const scrub = e => jump(chartTime(world, e.clientX)), chart = $("chart");
  chart.addEventListener("pointerdown", e => { chart.setPointerCapture(e.pointerId); scrub(e); });
  chart.addEventListener("pointermove", e => { if (e.buttons) scrub(e); });
  const faster = by => setRate(RATES[Math.min(RATES.length - 1, Math.max(0, RATES.indexOf(view.rate) + by))]);
  const near = by => {
    const times = meta.events.map(e => e.time).filter(t => by > 0 ? t > view.t + 0.05 : t < view.t - 0.05);
    if (times.length) jump(by > 0 ? times[0] : times[times.length - 1]);
  };
  const actions = {
    " ": () => setPlaying(!view.playing), ArrowLeft: e => jump(view.t - (e.shiftKey ? 5 : 1)), ArrowRight: e => jump(view.t + (e.shiftKey ? 5 : 1)),
    ",": () => { setPlaying(false); jump(view.t - meta.tick); }, ".": () => { setPlaying(false); jump(view.t + meta.tick); },
    "[": () => faster(-1), "]": () => faster(1), Home: () => jump(0), End: () => jump(world.end), n: () => near(1), b: () => near(-1),
    f: () => toggle("follow"), r: () => toggle("turn"), p: () => toggle("plan"), t: () => toggle("trail"), c: toggleCameras, m: () => fitMap(paths),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), s: () => { $("score").hidden = !$("score").hidden; }, d: swap, "?": keys,
    Escape: () => { $("keys").hidden = true; },
  };
  addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === "SELECT") return;
    const action = actions[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (action) { e.preventDefault(); if (e.target.tagName === "BUTTON") e.target.blur(); action(e); }
  });
}

function bindCanvas(canvas) {
  canvas.addEventListener("wheel", e => {
    e.preventDefault();
    const before = [view.x, view.y], factor = Math.exp(-e.deltaY * 0.0015);
    if (!view.follow) {  // keep the place under the pointer
      const dx = (e.clientX - 0.5 * canvas.clientWidth) / view.scale, dy = -(e.clientY - 0.47 * canvas.clientHeight) / view.scale;
      const c = Math.cos(view.heading), s = Math.sin(view.heading), k = 1 - 1 / factor;
      view.x = before[0] + k * (c * dx - s * dy); view.y = before[1] + k * (s * dx + c * dy);
    }
    zoom(factor);
  }, { passive: false });
  canvas.addEventListener("pointerdown", e => { canvas.setPointerCapture(e.pointerId); canvas.classList.add("drag"); });
  canvas.addEventListener("pointerup", () => canvas.classList.remove("drag"));
  canvas.addEventListener("pointermove", e => {
    if (!e.buttons || (e.movementX === 0 && e.movementY === 0)) return;
    if (view.follow) toggle("follow");
    const dx = e.movementX / view.scale, dy = -e.movementY / view.scale, c = Math.cos(view.heading), s = Math.sin(view.heading);
    view.x -= c * dx - s * dy; view.y -= s * dx + c * dy; view.dirty = true;
  });
}

function fail(error) { $("message").hidden = false; $("message").textContent = `The replay cannot be shown: ${error.message}`; }

inflate($("data").textContent).then(bytes => start(unpackArrays(bytes))).catch(fail);
