// Part 1: a line that the reader drags, and SGD from where it was left.
"use strict";

{
  const PRESETS = {
    noisy: {
      points: [[-2.6, -2.9], [-1.9, -0.6], [-1.3, -2.0], [-0.6, 0.3], [0.1, -0.9], [0.8, 1.9], [1.5, 0.6], [2.0, 3.1], [2.6, 2.1]],
      says: "The points lie around a line. No line gets below their own scatter.",
    },
    clean: {
      points: [[-2.6, -3.6], [-1.8, -2.3], [-1.1, -1.4], [-0.4, -0.3], [0.4, 0.7], [1.1, 1.9], [1.9, 2.9], [2.6, 4.1]],
      says: "These points nearly lie on a line, so the least loss is nearly 0.",
    },
    outlier: {
      points: [[-2.6, -2.6], [-1.8, -1.9], [-1.1, -1.2], [-0.4, -0.4], [0.4, 0.3], [1.1, 1.1], [1.6, -4.6], [2.1, 2.1], [2.6, 2.5]],
      says: "One point is far from the others. Its square is most of the loss, so the best line bends towards it. Drag it, and see how far it pulls.",
    },
    curve: {
      points: [[-2.7, 3.9], [-2.1, 1.6], [-1.4, -0.8], [-0.7, -2.1], [0, -2.6], [0.7, -2.1], [1.4, -0.7], [2.1, 1.7], [2.7, 3.8]],
      says: "These points follow a curve. Every line misses them, and the errors show it: above at the ends, below in the middle.",
    },
    spread: {
      points: [[-2.7, -2.1], [-2.3, -1.9], [-1.7, -1.2], [-1.2, -1.1], [-0.5, 0.3], [0, -0.8], [0.7, 1.6], [1.3, -0.6], [1.9, 3.4], [2.3, -0.5], [2.7, 4.4]],
      says: "The spread grows to the right. The few points there have the largest squares and steer the line.",
    },
  };
  const X_RANGE = [-3.2, 3.2], Y_RANGE = [-6, 6], GRIPS = [-2.3, 2.3];
  const START = [-0.9, 1.8];
  const RATE = 0.02, STEPS = 500;

  const byId = (id) => document.getElementById(id);
  const plot = byId("hand-plot");
  let points, params, showBest = false, running = null, used = -1;

  const rows = () => ({columns: [points.map(([x]) => x)], y: points.map(([, y]) => y)});
  const height = (x, [w, b]) => w * x + b;
  const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));
  const best = () => (points.length ? leastSquares(moments(rows())) : null);

  function svg(name, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  }

  let scale;
  function render() {
    const width = plot.clientWidth, tall = plot.clientHeight;
    if (!width) return;
    scale = scales({width, height: tall}, {x: X_RANGE, y: Y_RANGE, left: 30, right: 8, top: 8, bottom: 24});
    const {X, Y, box} = scale;
    const focused = document.activeElement?.dataset?.what;
    const parts = [];
    for (const tick of ticks(...X_RANGE, 6)) {
      parts.push(svg("line", {class: "axis", x1: X(tick), x2: X(tick), y1: box.top, y2: box.bottom}));
      parts.push(text(fixed(tick, 0), X(tick), box.bottom + 18, "middle"));
    }
    for (const tick of ticks(...Y_RANGE, 6)) {
      parts.push(svg("line", {class: "axis", x1: box.left, x2: box.right, y1: Y(tick), y2: Y(tick)}));
      parts.push(text(fixed(tick, 0), box.left - 6, Y(tick) + 4, "end"));
    }
    const errors = points.map(([x, y]) => height(x, params) - y);
    const total = errors.reduce((sum, error) => sum + error * error, 0);
    points.forEach(([x, y], i) => {
      const side = Math.abs(Y(errors[i]) - Y(0));
      const toLeft = X(x) + side > box.right;
      parts.push(svg("rect", {
        class: i === used ? "square used" : "square", x: toLeft ? X(x) - side : X(x),
        y: Math.min(Y(y), Y(y + errors[i])), width: side, height: side,
      }));
    });
    const solution = showBest && best();
    if (solution) parts.push(across("best", solution));
    parts.push(across("line", params));
    const worst = errors.reduce((most, error, i) => (Math.abs(error) > Math.abs(errors[most]) ? i : most), 0);
    if (points.length > 2 && errors[worst] ** 2 > 0.4 * total) {
      const [x, y] = points[worst];
      const share = text(`${Math.round((100 * errors[worst] ** 2) / total)} % of the loss`, clamp(X(x), [box.left + 55, box.right - 55]), Y(y) + (errors[worst] > 0 ? 24 : -14), "middle");
      share.setAttribute("class", "share");
      parts.push(share);
    }
    points.forEach(([x, y], i) => parts.push(knob("point", `point ${i}`, X(x), Y(y), 8, {
      "aria-label": `Point ${i + 1}`, "aria-valuetext": `x ${fixed(x, 1)}, y ${fixed(y, 1)}`, "aria-valuenow": y.toFixed(1),
    })));
    GRIPS.forEach((x, k) => {
      const y = height(x, params);
      parts.push(knob("handle", `handle ${k}`, X(x), Y(clamp(y, Y_RANGE)), 11, {
        "aria-label": `${k ? "Right" : "Left"} end of the line`, "aria-valuenow": y.toFixed(2), "aria-valuetext": `y ${fixed(y, 2)}`,
      }));
    });
    plot.replaceChildren(...parts);
    if (focused) plot.querySelector(`[data-what="${focused}"]`)?.focus();
    score(total);
  }

  function text(content, x, y, anchor) {
    const element = svg("text", {x, y, "text-anchor": anchor});
    element.textContent = content;
    return element;
  }

  function across(name, line) {
    const {X, Y} = scale;
    return svg("line", {class: name, x1: X(X_RANGE[0]), x2: X(X_RANGE[1]), y1: Y(height(X_RANGE[0], line)), y2: Y(height(X_RANGE[1], line))});
  }

  function knob(name, what, cx, cy, r, labels) {
    return svg("circle", {
      class: name, cx, cy, r, "data-what": what, tabindex: 0, role: "slider", "aria-orientation": "vertical",
      "aria-valuemin": Y_RANGE[0], "aria-valuemax": Y_RANGE[1], ...labels,
    });
  }

  function score(total) {
    const loss = points.length ? total / points.length : 0;
    const solution = best();
    const least = solution ? lossOverAll(moments(rows()), solution) : 0;
    byId("hand-loss").value = loss.toFixed(3);
    byId("hand-best").value = Math.abs(least).toFixed(3);
    byId("hand-gauge").style.width = `${Math.min(100, loss * 10)}%`;
    byId("hand-w").value = fixed(params[0], 2);
    byId("hand-b").value = `${params[1] < 0 ? MINUS : "+"} ${Math.abs(params[1]).toFixed(2)}`;
  }

  function says(message) {
    byId("hand-says").textContent = message;
  }

  function moveGrip(k, y) {
    const other = height(GRIPS[1 - k], params);
    const ends = k ? [other, y] : [y, other];
    const w = (ends[1] - ends[0]) / (GRIPS[1] - GRIPS[0]);
    params = [w, ends[0] - w * GRIPS[0]];
  }

  function move(what, x, y) {
    const [kind, number] = what.split(" ");
    if (kind === "handle") moveGrip(Number(number), clamp(y, Y_RANGE));
    else points[number] = [clamp(x, [-3, 3]), clamp(y, [-5.7, 5.7])];
    render();
  }

  function remove(i) {
    if (points.length < 3) return says("A line needs two points at least, so this one stays.");
    points.splice(i, 1);
    render();
  }

  function valueAt(event) {
    const frame = plot.getBoundingClientRect(), {box} = scale;
    const share = (value, low, high) => (value - low) / (high - low);
    return [
      X_RANGE[0] + share(event.clientX - frame.left, box.left, box.right) * (X_RANGE[1] - X_RANGE[0]),
      Y_RANGE[0] + share(event.clientY - frame.top, box.bottom, box.top) * (Y_RANGE[1] - Y_RANGE[0]),
    ];
  }

  let dragged = null, pressedAt = null;
  plot.addEventListener("pointerdown", (event) => {
    pressedAt = [event.clientX, event.clientY];
    dragged = event.target.dataset.what ?? null;
    if (!dragged) return;
    stop();
    plot.setPointerCapture(event.pointerId);
    event.target.focus();
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => {
    if (dragged) timed(() => move(dragged, ...valueAt(event)));
  });
  plot.addEventListener("pointerup", (event) => {
    const still = pressedAt && Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]) < 5;
    if (!dragged && still) add(...valueAt(event));
    dragged = pressedAt = null;
  });
  plot.addEventListener("pointercancel", () => (dragged = pressedAt = null));
  plot.addEventListener("dblclick", (event) => {
    // The picture has captured the pointer, so it is the target; the point lies below.
    const below = document.elementFromPoint(event.clientX, event.clientY);
    const [kind, number] = (below.dataset.what ?? "").split(" ");
    if (kind === "point") remove(Number(number));
  });
  plot.addEventListener("keydown", (event) => {
    const what = event.target.dataset.what;
    if (!what) return;
    const [kind, number] = what.split(" ");
    const by = event.shiftKey ? 0.5 : 0.1;
    const [dx, dy] = {ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, by], ArrowDown: [0, -by]}[event.key] ?? [0, 0];
    const isDelete = kind === "point" && (event.key === "Delete" || event.key === "Backspace");
    if (!dx && !dy && !isDelete) return;
    event.preventDefault();
    stop();
    if (isDelete) remove(Number(number));
    else if (kind === "point") move(what, points[number][0] + dx, points[number][1] + dy);
    else move(what, 0, height(GRIPS[number], params) + dx + dy);
  });

  function add(x, y) {
    stop();
    if (points.length >= 40) return says("Forty points are enough for this picture.");
    points.push([clamp(x, [-3, 3]), clamp(y, [-5.7, 5.7])]);
    render();
  }

  byId("hand-add").addEventListener("click", () => {
    add(0.3 * (points.length % 7) - 0.9, 3);
    plot.querySelector(`[data-what="point ${points.length - 1}"]`).focus();
  });

  byId("hand-show").addEventListener("click", (event) => {
    showBest = !showBest;
    event.target.setAttribute("aria-pressed", showBest);
    event.target.textContent = showBest ? "Hide the best line" : "Show the best line";
    render();
  });

  // One row per step, in a new order each time all have been used: SGD with batches of one row.
  function stop(message) {
    if (running === null) return;
    cancelAnimationFrame(running);
    running = null;
    used = -1;
    byId("hand-sgd").textContent = "Let SGD go on from here";
    if (message) says(message);
    render();
  }

  function go() {
    let step = 0, order = [];
    byId("hand-sgd").textContent = "Stop SGD";
    says("Each step takes one point, the dark square, and turns the line a little towards it. The learning rate is 0.02.");
    const frame = () => {
      if (!order.length) order = points.map((_, i) => i).sort(() => Math.random() - 0.5);
      used = order.pop();
      params = SGD(params, gradient(rows(), [used], params), RATE);
      step += 1;
      timed(render);
      if (step < STEPS) running = requestAnimationFrame(frame);
      else stop(`After ${STEPS} steps the line is close to the best one. It never rests, because each point pulls it another way.`);
    };
    running = requestAnimationFrame(frame);
  }

  byId("hand-sgd").addEventListener("click", () => (running === null ? go() : stop("Stopped. Drag the line, or let SGD go on.")));

  function choose(name) {
    stop();
    points = PRESETS[name].points.map((point) => point.slice());
    params = START.slice();
    says(PRESETS[name].says);
    render();
  }

  byId("presets").addEventListener("change", (event) => choose(event.target.value));
  new ResizeObserver(render).observe(plot);
  choose("noisy");
}
