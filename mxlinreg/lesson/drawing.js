// Drawing on canvases. Colours are those of the style sheet, so that light and dark both work.
"use strict";

const byId = (id) => document.getElementById(id);
const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

const MINUS = "−";
const theme = {};

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["panel", "ink", "muted", "rule", "soft", "floor", "model", "data", "true", "points"]) {
    theme[name] = style.getPropertyValue(`--${name}`).trim();
  }
}
readTheme();

// A number as text, with a real minus sign.
function fixed(value, digits) {
  return value.toFixed(digits).replace("-", MINUS);
}

// A count with its thousands apart.
function grouped(count) {
  return count.toLocaleString("en").replace(/,/g, "\u202f");
}

function significant(value, digits = 4) {
  if (value !== 0 && (Math.abs(value) >= 10 ** digits || Math.abs(value) < 1e-4)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${mantissa}·10${superscript(Number(exponent))}`.replace("-", MINUS);
  }
  return value.toPrecision(digits).replace("-", MINUS);
}

function superscript(number) {
  return String(number).replace(/./g, (digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]));
}

// Keep a canvas as sharp as the screen, and draw it again when its size or the theme changes.
// `draw` gets {context, width, height, scale}, in CSS pixels. Returns a function that asks for the
// picture to be drawn in the next frame, however often it is called before.
const pictures = [];

function picture(canvas, draw) {
  const context = canvas.getContext("2d");
  const paint = () => {
    const {clientWidth: width, clientHeight: height} = canvas;
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    context.lineJoin = "round";
    draw({context, width, height, scale});
  };
  const request = () => {
    if (!asked.size) requestAnimationFrame(paintAsked);
    asked.add(paint);
  };
  new ResizeObserver(request).observe(canvas);
  pictures.push(paint);
  return request;
}

// The pictures asked for. Those that do not fit into a frame wait for the next.
const FONT = "13px system-ui, sans-serif", FRAME = 3;
const asked = new Set();

function paintAsked() {
  for (const paint of asked) {
    timed(paint);
    asked.delete(paint);
    if (usedOfFrame() > FRAME) break;
  }
  if (asked.size) requestAnimationFrame(paintAsked);
}

// With other colours everything is drawn at once: no frame comes between a wish to print and the
// print, which is on white paper.
for (const wish of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(wish).addEventListener("change", () => {
    readTheme();
    pictures.forEach((paint) => paint());
  });
}

// The milliseconds that this page's scripts took in each frame. scripts/lesson.py reads them.
const frames = new Map();

function timed(work) {
  const start = performance.now();
  work();
  frames.set(document.timeline.currentTime, usedOfFrame() + performance.now() - start);
}

function usedOfFrame() {
  return frames.get(document.timeline.currentTime) || 0;
}

// What does not change from frame to frame is drawn once, onto a canvas of its own.
function layer(draw) {
  let kept = null, key = "";
  return (target, ...now) => {
    const {context, width, height, scale} = target;
    const wanted = [width, height, scale, theme.panel, ...now].join();
    if (wanted !== key) {
      kept = document.createElement("canvas");
      kept.width = Math.round(width * scale);
      kept.height = Math.round(height * scale);
      const onto = kept.getContext("2d");
      onto.setTransform(scale, 0, 0, scale, 0, 0);
      onto.font = FONT;
      draw({context: onto, width, height, scale});
      key = wanted;
    }
    context.drawImage(kept, 0, 0, width, height);
  };
}

// The functions from values to pixels for a box with axes, and the box.
function scales({width, height}, {x, y, left = 46, right = 12, top = 10, bottom = 38}) {
  const box = {left, right: width - right, top, bottom: height - bottom};
  const X = (value) => box.left + ((value - x[0]) / (x[1] - x[0])) * (box.right - box.left);
  const Y = (value) => box.bottom - ((value - y[0]) / (y[1] - y[0])) * (box.bottom - box.top);
  return {X, Y, box, x, y};
}

// Grid lines, numbers and names for both axes.
function drawAxes({context}, {X, Y, box, x, y}, {xName, yName, xText = String, yText = String, yTicks}) {
  context.lineWidth = 1;
  context.strokeStyle = theme.rule;
  context.fillStyle = theme.muted;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of ticks(...x, Math.max(2, (box.right - box.left) / 55))) {
    line(context, X(tick), box.top, X(tick), box.bottom);
    context.fillText(xText(tick).replace("-", MINUS), X(tick), box.bottom + 5);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of yTicks || ticks(...y, Math.max(2, (box.bottom - box.top) / 45))) {
    line(context, box.left, Y(tick), box.right, Y(tick));
    context.fillText(yText(tick).replace("-", MINUS), box.left - 6, Y(tick));
  }
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(xName, (box.left + box.right) / 2, box.bottom + 35);
  context.save();
  context.translate(13, (box.top + box.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(yName, 0, 0);
  context.restore();
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function dot(context, x, y, radius, fill) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = theme.panel;
  context.stroke();
}

function cross(context, x, y, colour) {
  context.lineCap = "butt";
  for (const [width, ink] of [[6, theme.panel], [3, colour]]) {
    context.lineWidth = width;
    context.strokeStyle = ink;
    line(context, x - 7, y - 7, x + 7, y + 7);
    line(context, x - 7, y + 7, x + 7, y - 7);
  }
}

function polyline(context, points) {
  context.beginPath();
  points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

// An arrow with two heads, as in the chapter's drawing of the errors.
function arrow(context, x, y1, y2) {
  const size = Math.sign(y2 - y1) * Math.min(8, Math.abs(y2 - y1) / 3);
  line(context, x, y1, x, y2);
  for (const [tip, back] of [[y1, y1 + size], [y2, y2 - size]]) {
    polyline(context, [[x - 5, back], [x, tip], [x + 5, back]]);
  }
}

// A bowl of the loss over two parameters, seen from the front and above. The floor below it holds
// the axes; each ring is a contour, lifted by its loss. `reach` is the excess loss at the rim.
function drawBowl(target, shape, {reach, names, path, now, goal}) {
  const {context, width, height} = target;
  const RINGS = 9;
  const determinant = shape.aa * shape.bb - shape.ab ** 2;
  // The same scale for both parameters, so that a narrow valley looks narrow.
  const half = Math.sqrt((reach * Math.max(shape.aa, shape.bb)) / determinant) * 1.12;
  const lift = (height - 50) * 0.36;
  const axes = scales(target, {
    x: [shape.lowest[0] - half, shape.lowest[0] + half],
    y: [shape.lowest[1] - half, shape.lowest[1] + half],
    top: 12 + lift * 0.78,
  });
  context.fillStyle = theme.floor;
  context.fillRect(axes.box.left, axes.box.top, axes.box.right - axes.box.left, axes.box.bottom - axes.box.top);
  drawAxes(target, axes, {xName: names[0], yName: names[1]});
  const at = ([u, v]) => [axes.X(u), axes.Y(v) - (lift * Math.min(above(shape, [u, v]), reach * 1.3)) / reach];
  context.lineWidth = 1.2;
  for (let ring = RINGS; ring > 0; ring--) {
    context.beginPath();
    contour(shape, reach * (ring / RINGS) ** 2).forEach((point, k) => {
      const [x, y] = at(point);
      if (k) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.closePath();
    context.globalAlpha = 0.09;
    context.fillStyle = theme.model;
    context.fill();
    context.globalAlpha = ring === RINGS ? 0.9 : 0.4;
    context.strokeStyle = theme.model;
    context.stroke();
  }
  context.globalAlpha = 1;
  if (goal) cross(context, ...at(goal), theme.true);
  context.save();
  context.beginPath();
  context.rect(axes.box.left, 0, axes.box.right - axes.box.left, height);
  context.clip();
  context.strokeStyle = theme.data;
  context.lineWidth = 2.5;
  polyline(context, path.map(at));
  const [x, y] = at(now);
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  line(context, x, y, axes.X(now[0]), axes.Y(now[1]));
  context.setLineDash([]);
  dot(context, axes.X(now[0]), axes.Y(now[1]), 2.5, theme.muted);
  dot(context, x, y, 7, theme.data);
  context.restore();
}

// At most `most` of the numbers from 0 to `last`, evenly spaced, with both ends.
function spread(last, most) {
  const count = Math.min(last, most - 1);
  return Array.from({length: count + 1}, (_, k) => (count ? Math.round((k * last) / count) : 0));
}

// The rows of a slice: strong where the other input is within 0.1 of 0. Of the others, every third
// is drawn, faintly.
function drawRows({context}, {X, Y}, xs, ys, others) {
  const mark = (i, size) => context.fillRect(X(xs[i]) - size / 2, Y(ys[i]) - size / 2, size, size);
  const isNear = (i) => Math.abs(others[i]) < 0.1;
  context.fillStyle = theme.points;
  context.globalAlpha = 0.25;
  for (let i = 0; i < ys.length; i += 3) if (!isNear(i)) mark(i, 1.8);
  context.globalAlpha = 0.75;
  for (let i = 0; i < ys.length; i++) if (isNear(i)) mark(i, 2.4);
  context.globalAlpha = 1;
}
