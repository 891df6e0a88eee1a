// Part 1: a line that the reader drags, and SGD from where it was left.
"use strict";

{
  const PRESETS = {
    noisy: {
      points: [[-2.6, -2.9], [-1.9, -0.6], [-1.3, -2.0], [-0.6, 0.3], [0.1, -0.9], [0.8, 1.9], [1.5, 0.6], [2.0, 3.1], [2.6, 2.1]],
      says: "The points scatter around a line, so even the best line misses them a little.",
    },
    clean: {
      points: [[-2.6, -3.6], [-1.8, -2.3], [-1.1, -1.4], [-0.4, -0.3], [0.4, 0.7], [1.1, 1.9], [1.9, 2.9], [2.6, 4.1]],
      says: "These points nearly lie on a line, so the least loss is nearly 0.",
    },
    outlier: {
      points: [[-2.6, -2.6], [-1.8, -1.9], [-1.1, -1.2], [-0.4, -0.4], [0.4, 0.3], [1.1, 1.1], [1.6, -4.6], [2.1, 2.1], [2.6, 2.5]],
      says: "One point is far from the others. Once the line fits those, its square is most of the loss, so the best line bends towards it. Drag it, and see how far it pulls.",
    },
    curve: {
      points: [[-2.7, 3.9], [-2.1, 1.6], [-1.4, -0.8], [-0.7, -2.1], [0, -2.6], [0.7, -2.1], [1.4, -0.7], [2.1, 1.7], [2.7, 3.8]],
      says: "These points follow a curve, and a line cannot. The best line runs below the points at both ends and above those in the middle.",
    },
    spread: {
      points: [[-2.7, -2.1], [-2.3, -1.9], [-1.7, -1.2], [-1.2, -1.1], [-0.5, 0.3], [0, -0.8], [0.7, 1.6], [1.3, -0.6], [1.9, 3.4], [2.3, -0.5], [2.7, 4.4]],
      says: "The points on the right spread more. Their squares are the largest, so these few points steer the line.",
    },
  };
  // The handles are beyond all points, so that they never cover one.
  const X_RANGE = [-3.5, 3.5], Y_RANGE = [-6, 6], GRIPS = [-3.2, 3.2];
  const POINTS_WITHIN = {x: [-2.9, 2.9], y: [-5.7, 5.7]};
  const START = [-0.9, 1.8];
  const RATE = 0.02, STEPS = 400, SLOW_STEPS = 6, PAUSE = 500;

  const plot = byId("hand-plot");
  // What is drawn again for each picture, and on it the handles and points, which stay, so that
  // they keep the focus.
  const behind = svg("g", {"aria-hidden": "true"}), knobs = svg("g", {});
  plot.append(behind, knobs);
  let points, params, lossAtStart, showBest = false, running = null, used = -1;
  let hasDragged = false, atBest = false;

  const rows = () => ({columns: [points.map(([x]) => x)], y: points.map(([, y]) => y)});
  const height = (x, [w, b]) => w * x + b;

  // The best line. If all points have the same x, the level one through their mean is as good as any.
  function best() {
    const sums = moments(rows());
    return leastSquares(sums) ?? [0, sums.c[1]];
  }

  function svg(name, attributes) {
    return set(document.createElementNS("http://www.w3.org/2000/svg", name), attributes);
  }

  function set(element, attributes) {
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  }

  let scale;
  function render() {
    const width = plot.clientWidth, tall = plot.clientHeight;
    if (!width) return;
    scale = scales({width, height: tall}, {x: X_RANGE, y: Y_RANGE, left: 30, right: 8, top: 8, bottom: 24});
    const {X, Y, box} = scale;
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
    if (showBest) parts.push(across("best", best()));
    parts.push(across("line", params));
    if (!hasDragged) {
      const cue = text("↕ drag this end", X(GRIPS[0]) + 20, Y(height(GRIPS[0], params)) - 8, "start");
      cue.setAttribute("class", "cue");
      parts.push(cue);
    }
    const worst = errors.reduce((most, error, i) => (Math.abs(error) > Math.abs(errors[most]) ? i : most), 0);
    if (points.length > 2 && errors[worst] ** 2 > 0.4 * total) {
      const [x, y] = points[worst];
      const below = errors[worst] > 0 && Y(y) + 24 < box.bottom;
      const share = text(`${Math.round((100 * errors[worst] ** 2) / total)} % of the loss`, clamp(X(x), [box.left + 55, box.right - 55]), Y(y) + (below ? 24 : -14), "middle");
      share.setAttribute("class", "share");
      parts.push(share);
    }
    behind.replaceChildren(...parts);

    const loss = total / points.length;
    const wanted = GRIPS.length + points.length;
    while (knobs.children.length > wanted) knobs.lastChild.remove();
    while (knobs.children.length < wanted) knobs.append(knob(knobs.children.length));
    GRIPS.forEach((x, k) => {
      const y = clamp(height(x, params), Y_RANGE);
      set(knobs.children[k], {
        transform: `translate(${X(x)} ${Y(y)})`, "aria-valuenow": y.toFixed(2), "aria-valuetext": `y ${fixed(y, 2)}, loss ${loss.toFixed(3)}`,
      });
    });
    points.forEach(([x, y], i) => set(knobs.children[GRIPS.length + i], {
      transform: `translate(${X(x)} ${Y(y)})`, "aria-valuenow": y.toFixed(1), "aria-valuetext": `x ${fixed(x, 1)}, y ${fixed(y, 1)}, loss ${loss.toFixed(3)}`,
    }));
    score(loss);
  }

  function text(content, x, y, anchor) {
    const element = svg("text", {x, y, "text-anchor": anchor});
    element.textContent = content;
    return element;
  }

  function across(name, line) {
    const {X, Y} = scale;
    return svg("line", {class: name, x1: X(GRIPS[0]), x2: X(GRIPS[1]), y1: Y(height(GRIPS[0], line)), y2: Y(height(GRIPS[1], line))});
  }

  // A handle or a point, with an unseen ring around it that fingers can hit.
  function knob(number) {
    const isHandle = number < GRIPS.length, i = isHandle ? number : number - GRIPS.length;
    const element = svg("g", {
      class: isHandle ? "handle" : "point", "data-what": isHandle ? `handle ${i}` : `point ${i}`,
      "aria-label": isHandle ? `${i ? "Right" : "Left"} end of the line` : `Point ${i + 1}`,
      tabindex: 0, role: "slider", "aria-orientation": "vertical", "aria-valuemin": Y_RANGE[0], "aria-valuemax": Y_RANGE[1],
    });
    element.append(svg("circle", {class: "reach", r: isHandle ? 24 : 15}), svg("circle", {class: "seen", r: isHandle ? 12 : 8}));
    return element;
  }

  function score(loss) {
    const least = leastLoss();
    byId("hand-loss").textContent = loss.toFixed(3);
    byId("hand-best").textContent = least.toFixed(3);
    byId("hand-gauge").style.width = `${Math.min(100, (100 * loss) / lossAtStart)}%`;
    byId("hand-goal").style.left = `${Math.min(100, (100 * least) / lossAtStart)}%`;
    byId("hand-w").textContent = fixed(params[0], 2);
    byId("hand-b").textContent = `${params[1] < 0 ? MINUS : "+"} ${Math.abs(params[1]).toFixed(2)}`;
  }

  const lossOf = (line) => squareLoss(rows(), Array.from(points.keys()), line);
  const lossNow = () => lossOf(params);
  const leastLoss = () => lossOf(best());

  // Say so when a hand has found the best line.
  function judge() {
    const excess = lossNow() - leastLoss();
    if (!atBest && excess < 0.01) says("You have found the best line: no other has a loss that is lower by even 0.01.");
    if (atBest && excess > 0.1) says("");
    atBest = excess < (atBest ? 0.1 : 0.01);
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
    if (kind === "point") {
      points[number] = inside(x, y);
      return render();
    }
    hasDragged = true;
    moveGrip(Number(number), clamp(y, Y_RANGE));
    render();
    judge();
  }

  const inside = (x, y) => [clamp(x, POINTS_WITHIN.x), clamp(y, POINTS_WITHIN.y)];

  function remove(i) {
    if (points.length < 3) return says("A line needs two points at least, so this one stays.");
    const focused = knobs.contains(document.activeElement);
    points.splice(i, 1);
    presses.clear();
    render();
    if (focused) focus(Math.min(i, points.length - 1));
  }

  function focus(point) {
    knobs.children[GRIPS.length + point].focus({preventScroll: true});
  }

  function valueAt(event) {
    const frame = plot.getBoundingClientRect(), {box} = scale;
    const share = (value, low, high) => (value - low) / (high - low);
    return [
      X_RANGE[0] + share(event.clientX - frame.left, box.left, box.right) * (X_RANGE[1] - X_RANGE[0]),
      Y_RANGE[0] + share(event.clientY - frame.top, box.bottom, box.top) * (Y_RANGE[1] - Y_RANGE[0]),
    ];
  }

  // What each finger holds, so that two of them can turn the line by both ends.
  const presses = new Map();
  let lastTap = {what: null, time: 0};

  // A finger on a knob drags it, elsewhere it scrolls the page. (Chromium ignores the style
  // touch-action of what is inside an SVG.)
  plot.addEventListener("touchstart", (event) => {
    if (event.target.closest("[data-what]")) event.preventDefault();
  }, {passive: false});

  plot.addEventListener("pointerdown", (event) => {
    const element = event.target.closest("[data-what]");
    const press = {at: [event.clientX, event.clientY], what: element?.dataset.what ?? null, moved: false};
    presses.set(event.pointerId, press);
    if (!element) return;
    stop();
    // A knob is seldom hit at its centre. It keeps its distance from the finger.
    const [x, y] = valueAt(event), [kind, number] = press.what.split(" ");
    const from = kind === "handle" ? [0, clamp(height(GRIPS[number], params), Y_RANGE)] : points[number];
    press.offset = [from[0] - x, from[1] - y];
    plot.setPointerCapture(event.pointerId);
    element.focus({preventScroll: true});
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => {
    const press = presses.get(event.pointerId);
    if (!press) return;
    if (!press.moved && Math.hypot(event.clientX - press.at[0], event.clientY - press.at[1]) < 4) return;
    press.moved = true;
    const [x, y] = valueAt(event);
    if (press.what) timed(() => move(press.what, x + press.offset[0], y + press.offset[1]));
  });
  plot.addEventListener("pointerup", (event) => {
    const press = presses.get(event.pointerId);
    presses.delete(event.pointerId);
    if (!press || press.moved) return;
    if (!press.what) return add(...valueAt(event));
    const [kind, number] = press.what.split(" ");
    const isSecond = lastTap.what === press.what && event.timeStamp - lastTap.time < 500;
    lastTap = {what: isSecond ? null : press.what, time: event.timeStamp};
    if (isSecond && kind === "point") remove(Number(number));
  });
  plot.addEventListener("pointercancel", (event) => presses.delete(event.pointerId));
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
    points.push(inside(x, y));
    render();
  }

  byId("hand-add").addEventListener("click", () => {
    add(0.3 * (points.length % 7) - 0.9, 3);
    focus(points.length - 1);
  });

  byId("hand-show").addEventListener("click", (event) => {
    showBest = !showBest;
    event.target.setAttribute("aria-pressed", showBest);
    render();
  });

  // One row per step, in a new order each time all have been used: SGD with batches of one row.
  function stop(message) {
    if (running === null) return;
    cancelAnimationFrame(running);
    running = null;
    used = -1;
    byId("hand-sgd").textContent = "Let the computer go on";
    if (message) says(message);
    render();
  }

  function go() {
    const atOnce = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let step = 0, order = [], due = 0;
    byId("hand-sgd").textContent = "Stop the computer";
    says("Each step takes one point, whose square is dark, and moves the line a little towards it. The first steps are slow, so that you can watch them. " +
      `This is stochastic gradient descent, SGD, with the learning rate ${RATE}.`);
    const take = () => {
      if (!order.length) order = shuffled(points.length);
      const row = order.pop();
      params = SGD(params, gradient(rows(), [row], params), RATE);
      step += 1;
      // Later steps are too quick for the eye: a square that changes with each would flicker.
      used = step <= SLOW_STEPS ? row : -1;
    };
    const frame = (time) => {
      running = requestAnimationFrame(frame);
      if (time < due) return;
      if (step < STEPS) take();
      while (atOnce && step > SLOW_STEPS && step < STEPS) take();
      if (step <= SLOW_STEPS) due = time + PAUSE;
      timed(render);
      if (step < STEPS) return;
      stop(`After ${STEPS} steps the loss is ${lossNow().toFixed(3)}, and the best line has ${leastLoss().toFixed(3)}. The line never quite rests, because each point pulls it another way.`);
    };
    running = requestAnimationFrame(frame);
  }

  // The numbers from 0 to count - 1 in a random order.
  function shuffled(count) {
    const keys = Array.from({length: count}, Math.random);
    return Array.from(keys.keys()).sort((i, j) => keys[i] - keys[j]);
  }

  byId("hand-sgd").addEventListener("click", () => (running === null ? go() : stop("Stopped. Drag the line, or let the computer go on.")));

  function choose(name) {
    stop();
    points = PRESETS[name].points.map((point) => point.slice());
    params = START.slice();
    lossAtStart = lossNow();
    atBest = false;
    says(PRESETS[name].says);
    render();
  }

  byId("presets").addEventListener("change", (event) => choose(event.target.value));
  byId("hand-reset").addEventListener("click", () => choose(document.querySelector('[name="preset"]:checked').value));
  new ResizeObserver(render).observe(plot);
  choose("noisy");
}
