// Score panel, driver's dial, and the chart that is also the timeline. All text goes in as text, never as markup.

const $ = id => document.getElementById(id);
const cssCache = new Map();  // cleared when the theme changes

function css(name) {
  if (!cssCache.has(name)) cssCache.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return cssCache.get(name);
}

function element(tag, text, className) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

const words = name => { const t = String(name).replaceAll("_", " "); return t.charAt(0).toUpperCase() + t.slice(1); };
const clock = t => `${Math.floor(t / 60)}:${(t % 60).toFixed(1).padStart(4, "0")}`;

function eventColor(event) {
  if (event.name === "completed") return css("--good");
  return event.name.startsWith("collision") || event.name === "red_light" ? css("--bad") : css("--warn");
}

function fillScore(jump) {
  const panel = $("score"), s = meta.summary;
  panel.replaceChildren();
  if (s && Number.isFinite(s.ds_lb20)) {
    const big = element("div", undefined, "big");
    for (const [name, label] of [["ds_lb20", "Leaderboard 2.0"], ["ds_lb21", "Leaderboard 2.1"]]) {
      const cell = element("div"), value = s[name];
      cell.append(element("b", value.toFixed(1), value >= 90 ? "good" : value >= 60 ? "warn" : "bad"), element("span", label));
      big.append(cell);
    }
    panel.append(big, figures(s), element("h2", meta.costs.length ? "What cost points" : "Nothing cost points"), costList());
  } else panel.append(element("p", meta.trouble || "No score was recorded."));
  panel.append(element("h2", meta.events.length ? "Events" : "No events"));
  const list = element("ol");
  for (const event of meta.events) {
    const item = element("li"), button = element("button"), dot = element("i");
    dot.style.background = eventColor(event);
    button.append(dot, element("span", words(event.name)), element("time", clock(event.time)));
    button.addEventListener("click", () => jump(event.time));
    item.append(button); list.append(item);
  }
  panel.append(list);
}

// A driving score 2.0 is 100 times the product of these factors; 2.1 divides by 1 plus the sum of the weights.
function costList() {
  const dl = element("dl");
  dl.className = "costs";
  for (const { what, factor, weight } of meta.costs) {
    const in21 = weight === null ? `\u00d7${factor.toFixed(2)}` : `+${weight.toFixed(2)}`;
    dl.append(element("dt", words(what)), element("dd", `2.0: \u00d7${factor.toFixed(2)} \u2003 2.1: ${in21}`, "bad"));
  }
  return dl;
}

function figures(s) {
  const dl = element("dl");
  const row = (name, value, tone) => {
    if (value !== undefined && value !== null) dl.append(element("dt", name), element("dd", value, tone));
  };
  const percent = v => Number.isFinite(v) ? (100 * v).toFixed(v < 1 && v > 0.995 ? 2 : 1) + " %" : undefined;
  if (s.outcome) row("Outcome", words(s.outcome), s.outcome === "completed" ? "good" : "bad");
  row("Route done", percent(s.route_completion));
  if (Number.isFinite(s.route_length_m)) row("Route", (s.route_length_m / 1000).toFixed(2) + " km");
  if (Number.isFinite(s.sim_time_s)) row("Time", clock(s.sim_time_s));
  if (Number.isFinite(s.mean_speed)) row("Mean speed", (3.6 * s.mean_speed).toFixed(0) + " km/h");
  row("Time to collision kept", percent(s.ttc_fraction));
  row("Comfortable", percent(s.comfort_fraction));
  const priced = meta.costs.map(c => c.what.replaceAll(" ", "_"));  // "red_light", "red_light_2_times": told below
  for (const [name, count] of Object.entries(s.infractions || {}))
    if (count && !priced.some(p => p === name || p.startsWith(name + "_"))) row(words(name), String(count), "bad");
  return dl;
}

// One image a camera; nothing is shown where the record has no pictures.
function fillCameras() {
  const cameras = JSON.parse($("pictures").textContent).filter(camera => camera.time.length);
  for (const camera of cameras) {
    const figure = element("figure");
    camera.image = element("img"); camera.shown = -1; camera.image.alt = "Camera " + camera.name;
    figure.append(element("figcaption", words(camera.name)), camera.image); $("cameras").append(figure);
  }
  $("cameras").hidden = $("eyes").hidden = !cameras.length;
  $("eyes").classList.toggle("on", cameras.length > 0);
  return cameras;
}

function toggleCameras() { if (!$("eyes").hidden) $("eyes").classList.toggle("on", !($("cameras").hidden = !$("cameras").hidden)); }

// The latest picture of each camera at a time.
function showCameras(cameras, t) {
  if ($("cameras").hidden) return;
  for (const camera of cameras) {
    const i = Math.max(0, lastAtMost(camera.time, t));
    if (i !== camera.shown) { camera.shown = i; camera.image.setAttribute("src", "data:image/jpeg;base64," + camera.jpeg[i]); }
  }
}

function sized(canvas) {
  const ratio = devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const w = Math.round(box.width * ratio), h = Math.round(box.height * ratio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, box.width, box.height);
  return [c, box.width, box.height];
}

function drawDial(world, t, driver) {
  const [c, w] = sized($("dial"));
  const speed = 3.6 * Math.abs(world.number("speed", t, driver)), limit = 3.6 * world.number("limit", t, driver);
  const accel = world.number("accel", t, driver), steer = world.number("steer", t, driver);
  const top = Math.max(60, 20 * Math.ceil(0.0019 * meta.topSpeed)), from = 0.8 * Math.PI, sweep = 1.4 * Math.PI;
  const x = w / 2, y = 82, r = 66, at = v => from + sweep * Math.min(1, v / top);
  const over = Number.isFinite(limit) && limit > 0 && speed > 1.1 * limit;
  c.lineCap = "round"; c.lineWidth = 7;
  c.strokeStyle = css("--edge"); c.beginPath(); c.arc(x, y, r, from, from + sweep); c.stroke();
  c.strokeStyle = over ? css("--bad") : css("--accent"); c.beginPath(); c.arc(x, y, r, from, Math.max(from + 0.01, at(speed))); c.stroke();
  if (limit > 0) {
    const a = at(limit); c.strokeStyle = css("--warn"); c.lineWidth = 3; c.beginPath();
    c.moveTo(x + (r - 8) * Math.cos(a), y + (r - 8) * Math.sin(a)); c.lineTo(x + (r + 6) * Math.cos(a), y + (r + 6) * Math.sin(a)); c.stroke();
  }
  c.fillStyle = css("--ink"); c.textAlign = "center"; c.font = "680 34px system-ui, sans-serif"; c.fillText(speed.toFixed(0), x, y + 4);
  c.fillStyle = css("--dim"); c.font = "11px system-ui, sans-serif"; c.fillText("km/h" + (limit > 0 ? `  limit ${limit.toFixed(0)}` : ""), x, y + 20);
  wheel(c, x - 44, 130, steer);
  bar(c, x - 10, 122, 84, accel);
}

function wheel(c, x, y, steer) {
  c.save(); c.translate(x, y); c.rotate(-8 * (Number.isFinite(steer) ? steer : 0));  // a steering ratio of 8 shows well
  c.strokeStyle = css("--ink"); c.lineWidth = 2.4; c.beginPath(); c.arc(0, 0, 14, 0, 2 * Math.PI); c.stroke();
  c.beginPath(); c.moveTo(-14, 0); c.lineTo(14, 0); c.moveTo(0, 0); c.lineTo(0, 14); c.stroke();
  c.strokeStyle = css("--accent"); c.beginPath(); c.arc(0, 0, 14, -1.85, -1.3); c.stroke(); c.restore();
}

function bar(c, x, y, w, accel) {
  const zero = x + w / 2, px = Math.max(-1, Math.min(1, accel / 5)) * w / 2;
  c.fillStyle = css("--edge"); c.fillRect(x, y, w, 8);
  c.fillStyle = accel < 0 ? css("--bad") : css("--good"); c.fillRect(Math.min(zero, zero + px), y, Math.abs(px) || 0, 8);
  c.fillStyle = css("--dim"); c.textAlign = "center"; c.font = "10.5px system-ui, sans-serif";
  c.fillText(Number.isFinite(accel) ? `${(Math.round(10 * accel) / 10 + 0).toFixed(1)} m/s\u00b2` : "", zero, y + 21);
}

const CHART = { left: 34, right: 10, top: 14, bottom: 4 };

const chartPicture = document.createElement("canvas");  // the chart without its cursor
let chartKey = "";

function drawChart(world, t, driver) {
  const [c, w, h] = sized($("chart")), { left, right, top, bottom } = CHART, ratio = devicePixelRatio || 1;
  const key = [w, h, ratio, view.theme, driver].join();
  if (key !== chartKey) {
    chartKey = key;
    chartPicture.width = $("chart").width; chartPicture.height = $("chart").height;
    const p = chartPicture.getContext("2d");
    p.scale(ratio, ratio);
    drawChartPicture(p, w, h, world, driver);
  }
  c.drawImage(chartPicture, 0, 0, w, h);
  const px = left + (w - left - right) * t / world.end, speed = Math.abs(world.number("speed", t, driver)) || 0;
  c.strokeStyle = c.fillStyle = css("--ink"); c.lineWidth = 1.5;
  c.beginPath(); c.moveTo(px, 2); c.lineTo(px, h - bottom); c.stroke();
  disc(c, px, h - bottom - (h - top - bottom) * Math.min(1, speed / chartTop()), 3.5);
}

function chartTop() { return Math.max(10, 1.12 * meta.topSpeed / 100); }

function drawChartPicture(c, w, h, world, driver) {
  const { left, right, top, bottom } = CHART;
  const high = chartTop(), px = s => left + (w - left - right) * s / world.end;
  const py = v => h - bottom - (h - top - bottom) * Math.min(1, v / high);
  c.font = "10px system-ui, sans-serif"; c.textAlign = "right"; c.fillStyle = css("--dim");
  c.strokeStyle = css("--edge"); c.lineWidth = 1;
  for (let v = 0; v <= 3.6 * high; v += 3.6 * high > 90 ? 40 : 20) {
    c.beginPath(); c.moveTo(left, py(v / 3.6)); c.lineTo(w - right, py(v / 3.6)); c.stroke(); c.fillText(String(v), left - 6, py(v / 3.6) + 3);
  }
  const steps = Math.max(2, Math.floor((w - left - right) / 1.5)), line = name => {
    c.beginPath();
    for (let i = 0, pen = false; i <= steps; i++) {
      const s = world.end * i / steps, v = Math.abs(world.number(name, s, driver));
      if (!Number.isFinite(v)) { pen = false; continue; }
      if (pen) c.lineTo(px(s), py(v)); else c.moveTo(px(s), py(v));
      pen = true;
    }
  };
  line("speed"); c.strokeStyle = css("--accent"); c.lineWidth = 1.6; c.stroke();
  c.lineTo(px(world.end), py(0)); c.lineTo(px(0), py(0)); c.closePath(); c.globalAlpha = 0.16; c.fillStyle = css("--accent"); c.fill(); c.globalAlpha = 1;
  line("limit"); c.strokeStyle = css("--warn"); c.setLineDash([4, 3]); c.lineWidth = 1.2; c.stroke(); c.setLineDash([]);
  for (const event of meta.events) {
    c.fillStyle = eventColor(event); c.strokeStyle = eventColor(event); c.globalAlpha = 0.5; c.lineWidth = 1;
    c.beginPath(); c.moveTo(px(event.time), top - 2); c.lineTo(px(event.time), h - bottom); c.stroke(); c.globalAlpha = 1;
    c.beginPath(); c.moveTo(px(event.time), top - 1); c.lineTo(px(event.time) - 5, top - 8); c.lineTo(px(event.time), top - 14); c.lineTo(px(event.time) + 5, top - 8); c.fill();
  }
}

function chartTime(world, clientX) {
  const box = $("chart").getBoundingClientRect();
  const u = (clientX - box.left - CHART.left) / (box.width - CHART.left - CHART.right);
  const t = Math.min(1, Math.max(0, u)) * world.end;
  const near = meta.events.find(e => Math.abs(e.time - t) / world.end * box.width < 4);
  return near ? near.time : t;
}
