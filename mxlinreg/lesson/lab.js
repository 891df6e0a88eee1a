// Part 4: runs of the same loop with other settings, computed here in 64-bit floats.
"use strict";

{
  const CHAPTER = {rate: -40, batch: 2, noise: 1, columns: "chapter", outlier: false};
  const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 10000];
  // The raw column is x₁ in another unit and with another zero.
  const RAW = {scale: 4, shift: 3};
  const HELD_ROW = 5000; // where in each epoch the outlier comes

  const [x0, x1] = recorded.rows.columns, labels = recorded.rows.y;
  const count = labels.length;
  const noiseOf = labels.map((y, i) => (y - (2 * x0[i] - 3.4 * x1[i] + 4.2)) / recorded.noise);
  const outlier = {x: 2, y: 18};

  function settings() {
    return {
      learningRate: 10 ** (Number(byId("rate").value) / 10),
      batchSize: BATCHES[byId("batch").value],
      noise: Number(byId("noise").value) / 10,
      columns: byId("columns").value,
      outlier: byId("outlier").checked,
    };
  }

  // The rows of a run. With the chapter's settings they are the recorded ones to the bit.
  function rowsOf({noise, columns, outlier: withOutlier}) {
    const size = count + (withOutlier ? 1 : 0), more = noise - recorded.noise;
    const [scale, shift] = columns === "chapter" ? [1, 0] : [RAW.scale, RAW.shift];
    const a = new Float64Array(size), b = new Float64Array(size), y = new Float64Array(size);
    for (let i = 0; i < count; i++) {
      a[i] = x0[i];
      b[i] = shift + scale * x1[i];
      y[i] = labels[i] + more * noiseOf[i];
    }
    if (withOutlier) [a[count], b[count], y[count]] = [0, shift + scale * outlier.x, outlier.y];
    if (columns === "standard") [a, b].forEach(standardize);
    return {columns: [a, b], y};
  }

  function standardize(column) {
    let mean = 0, variance = 0;
    for (const value of column) mean += value / column.length;
    for (const value of column) variance += (value - mean) ** 2 / column.length;
    for (let i = 0; i < column.length; i++) column[i] = (column[i] - mean) / Math.sqrt(variance);
  }

  function orderOf(withOutlier) {
    if (!withOutlier) return recorded.order;
    return recorded.order.map((epoch) => {
      const longer = new Uint16Array(count + 1);
      longer.set(epoch.subarray(0, HELD_ROW));
      longer[HELD_ROW] = count;
      longer.set(epoch.subarray(HELD_ROW), HELD_ROW + 1);
      return longer;
    });
  }

  let run, computing = false, changed = false;

  function start() {
    // A run is computed to its end, so that the pictures follow a slider that does not rest.
    changed = computing;
    if (computing) return;
    computing = true;
    const given = settings();
    const rows = rowsOf(given), sums = moments(rows);
    const epochs = training(rows, orderOf(given.outlier), {...given, start: recorded.at(0)});
    // A part of the run in each frame, so that the sliders stay smooth.
    const go = () => {
      const until = performance.now() + FRAME / 2;
      let next = epochs.next();
      while (!next.done && performance.now() < until) next = epochs.next();
      if (!next.done) return requestAnimationFrame(() => timed(go));
      const {path, steps} = next.value;
      const last = Array.from(path.subarray(3 * steps, 3 * steps + 3));
      const {meanLosses} = next.value;
      const diverged = next.value.diverged || meanLosses[meanLosses.length - 1] > 2 * meanLosses[0];
      run = {...next.value, diverged, given, rows, sums, last, solution: leastSquares(sums)};
      tell();
      equations();
      [drawBowlOfRun, drawLossesOfRun, drawSlice].forEach((draw) => draw());
      computing = false;
      if (changed) requestAnimationFrame(() => timed(start));
    };
    requestAnimationFrame(() => timed(go));
  }

  // ---- pictures

  const drawBowlOfRun = picture(byId("lab-bowl"), (target) => {
    if (!run) return;
    const {sums, path, steps, last, solution, diverged} = run;
    const shape = bowl(sums, diverged ? solution : last, 0, 1);
    const reach = Math.max(1, above(bowl(sums, solution, 0, 1), path.subarray(0, 2))) * 1.1;
    const visible = spread(steps, 600).map((k) => [path[3 * k], path[3 * k + 1]]);
    drawBowl(target, shape, {reach, names: ["w₀", "w₁"], path: visible, now: last.slice(0, 2), goal: solution.slice(0, 2)});
  });

  const drawLossesOfRun = picture(byId("lab-losses"), (target) => {
    if (!run) return;
    const {context} = target;
    const series = [[recorded.meanLosses, theme.points], [run.meanLosses, theme.model]];
    const values = series.flatMap(([losses]) => losses).filter((loss) => loss > 0);
    const low = Math.floor(Math.log10(Math.min(...values))), high = Math.ceil(Math.log10(Math.max(...values)));
    const axes = scales(target, {x: [0, 9], y: [low, high], left: 62, right: 18});
    const powers = Array.from({length: high - low + 1}, (_, k) => low + k).filter((power) => (power - low) % Math.ceil((high - low) / 6) === 0);
    drawAxes(target, axes, {
      xName: "epoch", yName: "mean loss", yTicks: powers,
      yText: (power) => (Math.abs(power) < 4 ? String(Number((10 ** power).toPrecision(1))) : `10${superscript(power)}`),
    });
    series.forEach(([losses, colour], k) => {
      context.strokeStyle = colour;
      context.lineWidth = k ? 3 : 5;
      const points = losses.map((loss, epoch) => [axes.X(epoch), axes.Y(Math.log10(loss))]);
      polyline(context, points);
      if (k) points.forEach(([x, y]) => dot(context, x, y, 4.5, colour));
    });
  });

  const sliceView = {y: [-16, 24]};
  let sliceScale = null;
  // The columns as they are drawn: the run's own units.
  const sliceBehind = layer((target) => {
    drawAxes(target, sliceScale, {xName: "x₁", yName: "y"});
    drawRows(target, sliceScale, run.rows.columns[1], run.rows.y, x0);
  });
  const drawSlice = picture(byId("lab-slice"), (target) => {
    if (!run) return;
    const {context} = target, {given, last, solution, rows} = run;
    const middle = given.columns === "raw" ? RAW.shift : 0, half = given.columns === "raw" ? 4 * RAW.scale : 4;
    sliceScale = scales(target, {x: [middle - half, middle + half], ...sliceView});
    const {X, Y, x} = sliceScale;
    sliceBehind(target, given.noise, given.columns);
    // Where x₀ is 0; standardised, that is near 0 as well.
    const across = ([, w1, b]) => line(context, X(x[0]), Y(b + w1 * x[0]), X(x[1]), Y(b + w1 * x[1]));
    context.save();
    context.beginPath();
    context.rect(sliceScale.box.left, 0, sliceScale.box.right - sliceScale.box.left, sliceScale.box.bottom);
    context.clip();
    context.lineWidth = 3;
    context.strokeStyle = theme.model;
    across(last);
    context.lineWidth = 2;
    context.strokeStyle = theme.true;
    context.setLineDash([7, 6]);
    across(solution);
    context.setLineDash([]);
    context.restore();
    const handle = byId("outlier-handle");
    handle.hidden = !given.outlier;
    if (!given.outlier) return;
    const place = rows.columns[1][count], yhat = predict(rows.columns, count, last);
    const [px, py] = [X(place), Y(outlier.y)];
    context.strokeStyle = theme.data;
    context.lineWidth = 2;
    if (Number.isFinite(yhat) && !run.diverged) {
      arrow(context, px, py + 10 * Math.sign(outlier.y - yhat), Y(yhat));
      context.fillStyle = theme.data;
      context.textAlign = px > target.width / 2 ? "right" : "left";
      context.textBaseline = "middle";
      context.fillText(`${Math.round(100 * shareOfOutlier())} % of the loss`, px + (px > target.width / 2 ? -28 : 28), py);
    }
    dot(context, px, py, 7, theme.data);
    handle.style.left = `${px}px`;
    handle.style.top = `${py}px`;
  });

  function shareOfOutlier() {
    const {rows, sums, last} = run;
    return (predict(rows.columns, count, last) - outlier.y) ** 2 / (lossOverAll(sums, last) * (count + 1));
  }

  // ---- words and numbers

  function tell() {
    const {given, sums, last, meanLosses, diverged, steps, solution} = run;
    const curvature = largestCurvature(sums), limit = 2 / curvature;
    let message;
    if (diverged) {
      const loss = lossOverAll(sums, last);
      const size = loss < 1e12 ? significant(loss, 3) : "above 10¹²";
      message = `It diverges: after ${grouped(steps)} steps the loss is ${size}. The steps are so long that they climb the bowl instead of descending. Its largest curvature is ${significant(curvature, 3)}, ` +
        `so with all rows in one batch the learning rate must stay below 2 / ${significant(curvature, 3)} = ${significant(limit, 3)}. ` +
        (given.learningRate < limit ? "This one is smaller, but a single batch can be steeper than the whole." : `This one is ${significant(given.learningRate, 3)}.`);
    } else {
      const excess = lossOverAll(sums, last) - lossOverAll(sums, solution);
      const near = excess < 0.001 ? "It has arrived" : excess < 0.1 ? "It is near the bottom" : "It is still on its way";
      message = `${near} after ${grouped(steps)} steps. The mean loss of the last epoch is ${significant(meanLosses[9])}. ` +
        NAMES.map((name, k) => `${name} = ${fixed(last[k], 4)} (exact: ${fixed(solution[k], 4)})`).join(", ") + ".";
      if (given.outlier) message += ` The outlier has ${Math.round(100 * shareOfOutlier())} % of the loss over all ${grouped(count + 1)} rows.`;
    }
    byId("lab-says").textContent = message;
  }

  const MATHML = "http://www.w3.org/1998/Math/MathML";
  function math(name, ...children) {
    const element = document.createElementNS(MATHML, name);
    element.append(...children);
    return element;
  }
  const matrix = (lines) => math("mtable", ...lines.map((cells) => math("mtr", ...cells.map((content) => math("mtd", content)))));
  const numeral = (value) => math("mn", fixed(value, 4));

  function equations() {
    const {sums, solution} = run;
    const letters = [["w", "0"], ["w", "1"], ["b"]].map(([letter, index]) =>
      [index ? math("msub", math("mi", letter), math("mn", index)) : math("mi", letter)]);
    byId("normal-equations").replaceChildren(math("math",
      matrix(sums.A.map((row) => row.map(numeral))), matrix(letters), math("mo", "="), matrix(sums.c.map((value) => [numeral(value)])),
      math("mo", "⟹"), matrix(letters.map(([letter]) => [letter.cloneNode(true)])), math("mo", "="),
      matrix(solution.map((value) => [numeral(value)]))));
  }

  function showSettings() {
    const {learningRate, batchSize, noise} = settings();
    const rate = String(Number(learningRate.toPrecision(2)));
    byId("rate-value").textContent = rate;
    byId("rate").setAttribute("aria-valuetext", rate);
    byId("batch-value").textContent = batchSize === count ? `all ${grouped(count)}` : grouped(batchSize);
    byId("batch").setAttribute("aria-valuetext", `${batchSize} rows`);
    byId("noise-value").textContent = noise.toFixed(1);
    byId("noise").setAttribute("aria-valuetext", noise.toFixed(1));
  }

  let waiting = false;
  function update() {
    showSettings();
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      timed(start);
    });
  }

  function choose(values) {
    for (const [id, value] of Object.entries({...CHAPTER, ...values})) {
      if (id === "outlier") byId(id).checked = value;
      else byId(id).value = value;
    }
    update();
  }

  byId("knobs").addEventListener("input", update);
  byId("knobs").addEventListener("submit", (event) => event.preventDefault());
  byId("chapter").addEventListener("click", () => choose({}));
  byId("quick").addEventListener("click", () => choose({rate: -20, batch: 5}));
  byId("wild").addEventListener("click", () => choose({rate: 1, batch: 14}));

  // ---- the outlier

  const handle = byId("outlier-handle");

  function place(x, y) {
    outlier.x = clamp(x, [-3.8, 3.8]);
    outlier.y = clamp(y, [-15, 23]);
    handle.setAttribute("aria-label", `The outlier, at x1 ${outlier.x.toFixed(1)} and y ${outlier.y.toFixed(1)}. Arrow keys move it.`);
    update();
  }

  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const frame = byId("lab-slice").getBoundingClientRect(), {box} = sliceScale;
    const across = (event.clientX - frame.left - box.left) / (box.right - box.left);
    const up = (box.bottom - (event.clientY - frame.top)) / (box.bottom - box.top);
    place(-4 + 8 * across, sliceView.y[0] + up * (sliceView.y[1] - sliceView.y[0]));
  });
  handle.addEventListener("keydown", (event) => {
    const [dx, dy] = {ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    place(outlier.x + dx, outlier.y + dy);
  });

  update();
}
