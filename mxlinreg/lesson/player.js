// Parts 2 and 3: the recorded training, and the numbers of one step.
"use strict";

const recorded = (() => {
  const stored = JSON.parse(document.getElementById("recording").textContent);
  const {epochs, num_examples: count, batch_size: batchSize, learning_rate: learningRate} = stored;
  const visits = new Uint16Array(bytes(stored.order));
  return {
    rows: {columns: [floats(stored.x0), floats(stored.x1)], y: floats(stored.y)},
    order: Array.from({length: epochs}, (_, epoch) => visits.subarray(epoch * count, (epoch + 1) * count)),
    params: floats(stored.params),
    losses: floats(stored.losses),
    meanLosses: stored.mean_losses,
    visits, epochs, batchSize, learningRate,
    noise: stored.noise,
    steps: stored.params.length && (epochs * count) / batchSize,
    perEpoch: count / batchSize,
    // The parameters before a step, and the rows of its batch.
    at(step) { return Array.from(this.params.subarray(3 * step, 3 * step + 3)); },
    batch(step) { return Array.from(visits.subarray(step * batchSize, (step + 1) * batchSize)); },
  };
})();

const TRUE = [2, -3.4, 4.2];
const NAMES = ["w₀", "w₁", "b"];

{
  const {rows, steps, perEpoch} = recorded;
  const all = moments(rows);
  const LEAST = lossOverAll(all, leastSquares(all));
  let step = 0;

  // ---- the pictures

  const REACH = {w: above(bowl(all, recorded.at(0), 0, 1), recorded.at(0).slice(0, 2)) * 1.1,
                 b: above(bowl(all, recorded.at(0), 1, 2), recorded.at(0).slice(1)) * 1.1};

  const bowlPicture = (id, i, j, reach) => picture(byId(id), (target) => {
    const now = recorded.at(step);
    const path = spread(step, 160).map((k) => [recorded.params[3 * k + i], recorded.params[3 * k + j]]);
    drawBowl(target, bowl(all, now, i, j), {reach, names: [NAMES[i], NAMES[j]], path, now: [now[i], now[j]]});
  });

  const slicePicture = (id, k) => {
    const view = {x: [-4, 4], y: [-14, 22]};
    const behind = layer((target) => {
      const axes = scales(target, view);
      drawAxes(target, axes, {xName: `x${"₀₁"[k]}`, yName: "y"});
      drawRows(target, axes, rows.columns[k], rows.y, rows.columns[1 - k]);
    });
    return picture(byId(id), (target) => {
      const {context} = target, {X, Y} = scales(target, view);
      behind(target);
      const params = recorded.at(step);
      context.lineWidth = 2;
      context.strokeStyle = theme.true;
      context.setLineDash([7, 6]);
      line(context, X(-4), Y(TRUE[2] - 4 * TRUE[k]), X(4), Y(TRUE[2] + 4 * TRUE[k]));
      context.setLineDash([]);
      context.lineWidth = 3;
      context.strokeStyle = theme.model;
      line(context, X(-4), Y(params[2] - 4 * params[k]), X(4), Y(params[2] + 4 * params[k]));
      for (const row of recorded.batch(Math.min(step, steps - 1))) {
        const x = X(rows.columns[k][row]);
        context.lineWidth = 2;
        context.strokeStyle = theme.data;
        line(context, x, Y(rows.y[row]), x, Y(predict(rows.columns, row, params)));
        dot(context, x, Y(rows.y[row]), 5, theme.data);
      }
    });
  };

  const LOWEST = 1e-4, HIGHEST = 300;
  const logOf = (loss) => Math.log10(Math.min(HIGHEST, Math.max(LOWEST, loss)));
  const running = smoothed(Array.from(recorded.losses), 250);
  const lossView = {x: [0, steps], y: [Math.log10(LOWEST), Math.log10(HIGHEST)], left: 62, right: 18};

  const lossesBehind = layer((target) => {
    const {context} = target, axes = scales(target, lossView), {X, Y} = axes;
    drawAxes(target, axes, {
      xName: "step", yName: "loss", yTicks: [-4, -3, -2, -1, 0, 1, 2],
      yText: (power) => String(Number((10 ** power).toPrecision(1))),
    });
    // A column of pixels shows the range of the losses that fall into it.
    context.strokeStyle = theme.points;
    context.globalAlpha = 0.4;
    context.lineWidth = 1;
    const perPixel = steps / (axes.box.right - axes.box.left);
    for (let first = 0; first < steps; first += perPixel) {
      const part = recorded.losses.subarray(first, Math.max(first + 1, first + perPixel));
      line(context, X(first), Y(logOf(Math.min(...part))), X(first), Y(logOf(Math.max(...part))));
    }
    context.globalAlpha = 1;
    context.strokeStyle = theme.model;
    context.lineWidth = 2;
    polyline(context, spread(steps - 1, 800).map((k) => [X(k), Y(logOf(running[k]))]));
    recorded.meanLosses.forEach((loss, epoch) => dot(context, X((epoch + 0.5) * perEpoch), Y(logOf(loss)), 5, theme.ink));
  });

  const drawLosses = picture(byId("losses"), (target) => {
    const {context} = target, {X, Y, box} = scales(target, lossView);
    lossesBehind(target);
    const k = Math.min(step, steps - 1);
    context.strokeStyle = theme.data;
    context.lineWidth = 2;
    line(context, X(step), box.top, X(step), box.bottom);
    dot(context, X(step), Y(logOf(recorded.losses[k])), 6, theme.data);
  });

  const draws = [
    bowlPicture("bowl-w", 0, 1, REACH.w), bowlPicture("bowl-b", 1, 2, REACH.b),
    slicePicture("slice-0", 0), slicePicture("slice-1", 1), drawLosses,
  ];

  // ---- the numbers beside the true ones

  const RANGE = [-4.5, 5];
  const share = (value) => `${(100 * (value - RANGE[0])) / (RANGE[1] - RANGE[0])}%`;
  const meters = NAMES.map((name, k) => {
    const meter = document.createElement("div");
    meter.className = "meter panel";
    const label = document.createElement("span"), value = document.createElement("b");
    const goal = document.createElement("span"), rail = document.createElement("div");
    label.textContent = `${name} = `;
    goal.className = "true";
    goal.textContent = `true: ${fixed(TRUE[k], 1)}`;
    rail.className = "rail";
    rail.innerHTML = '<i class="goal"></i><i class="now"></i>';
    rail.firstChild.style.left = share(TRUE[k]);
    meter.append(label, value, " ", goal, rail);
    byId("meters").append(meter);
    return {value, now: rail.lastChild};
  });

  // ---- the numbers of one step

  const cell = (content, kind = "") => {
    const element = document.createElement(kind === "head" ? "th" : "td");
    if (kind && kind !== "head") element.className = kind;
    element.textContent = content;
    return element;
  };

  function table(id, head, lines, below) {
    const element = document.createElement("table");
    const top = element.createTHead().insertRow();
    head.forEach((name) => {
      const th = cell(name, "head");
      th.scope = "col";
      top.append(th);
    });
    const body = element.createTBody();
    lines.forEach(([name, ...cells]) => {
      const row = body.insertRow(), th = cell(name, "head");
      th.scope = "row";
      row.append(th, ...cells.map((content, k) => cell(content, k === cells.length - 1 ? "result" : "")));
    });
    const parts = [element];
    if (below) {
      const result = document.createElement("p"), strong = document.createElement("b");
      result.className = "result-line";
      strong.textContent = below[1];
      result.append(below[0], strong, below[2] ?? "");
      parts.push(result);
    }
    byId(id).replaceChildren(...parts);
  }

  const n4 = (value) => fixed(value, 4), n6 = (value) => fixed(value, 6);
  const signed = (value, digits = 4) => `${value < 0 ? MINUS : "+"} ${Math.abs(value).toFixed(digits)}`;
  const inParentheses = (value) => (value < 0 ? `(${n4(value)})` : n4(value));

  // What the chapter's functions do at a step, computed here.
  function arithmetic(step) {
    const params = recorded.at(step), batch = recorded.batch(step);
    const yhat = batch.map((row) => predict(rows.columns, row, params));
    const errors = batch.map((row, i) => yhat[i] - rows.y[row]);
    const gradients = gradient(rows, batch, params);
    return {
      params, batch, yhat, errors, gradients,
      loss: squareLoss(rows, batch, params),
      differences: params.map((_, k) => finiteDifference(rows, batch, params, k)),
      next: SGD(params, gradients, recorded.learningRate),
    };
  }

  function showNumbers() {
    const k = Math.min(step, steps - 1);
    const {params, batch, yhat, errors, gradients, loss, differences, next} = arithmetic(k);
    const [x0, x1] = rows.columns, [w0, w1, b] = params;
    byId("step-number").textContent = grouped(k);
    table("numbers-data", ["row", "x₀", "x₁", "real_fn", "noise", "y"], batch.map((row) => {
      const real = 2 * x0[row] - 3.4 * x1[row] + 4.2;
      return [row, n4(x0[row]), n4(x1[row]), n4(real), n4(rows.y[row] - real), n4(rows.y[row])];
    }));
    table("numbers-params", ["param", "at the start", "now"], NAMES.map((name, j) => [name, n6(recorded.params[j]), n6(params[j])]));
    table("numbers-net", ["row", "x₀ · w₀ + x₁ · w₁ + b", "ŷ"], batch.map((row, i) => [
      row, `${n4(x0[row])} · ${inParentheses(w0)} ${signed(x1[row])} · ${inParentheses(w1)} ${signed(b)}`, n4(yhat[i]),
    ]));
    table("numbers-loss", ["row", "ŷ − y", "error", "error²"], batch.map((row, i) => [
      row, `${n4(yhat[i])} ${MINUS} ${inParentheses(rows.y[row])}`, n4(errors[i]), n4(errors[i] ** 2),
    ]), [`Their mean: (${errors.map((error) => n4(error ** 2)).join(" + ")}) / ${batch.length} = `, n6(loss),
         `. Recorded: ${n6(recorded.losses[k])}.`]);
    const sum = (column) => errors.map((error, i) => {
      const product = column ? error * column[batch[i]] : error;
      return i ? signed(product, 3) : fixed(product, 3);
    }).join(" ");
    table("numbers-gradient", ["param", "2/4 · the sum of error · input", "gradient", "by difference"], [
      ["w₀", `0.5 · (${sum(x0)})`, n6(gradients[0]), n6(differences[0])],
      ["w₁", `0.5 · (${sum(x1)})`, n6(gradients[1]), n6(differences[1])],
      ["b", `0.5 · (${sum(null)})`, n6(gradients[2]), n6(differences[2])],
    ]);
    const after = recorded.at(k + 1);
    table("numbers-SGD", ["param", "param − 0.0001 · gradient", "new", "recorded"], NAMES.map((name, j) => [
      name, `${n6(params[j])} ${MINUS} 0.0001 · ${gradients[j] < 0 ? `(${n4(gradients[j])})` : n4(gradients[j])}`, n6(next[j]), n6(after[j]),
    ]));
  }

  // ---- the player

  let numbersAt = 0;

  function show(wanted, hurried = false) {
    step = Math.min(steps, Math.max(0, Math.round(wanted)));
    const params = recorded.at(step);
    const epoch = Math.min(recorded.epochs - 1, Math.floor(step / perEpoch));
    byId("scrub").value = step;
    byId("scrub").setAttribute("aria-valuetext", `step ${step} of ${steps}, epoch ${epoch}`);
    byId("where").textContent = step < steps ? `step ${grouped(step)}, epoch ${epoch}` : `step ${grouped(step)}, the end`;
    meters.forEach(({value, now}, k) => {
      value.textContent = n4(params[k]);
      now.style.left = share(params[k]);
    });
    draws.forEach((draw) => draw());
    const time = performance.now();
    if (hurried && time - numbersAt < 120) return;
    numbersAt = time;
    showNumbers();
    summarise(params);
  }

  // For screen readers, and for whoever looks away from the pictures.
  function summarise(params) {
    const loss = lossOverAll(all, params);
    const told = NAMES.map((name, k) => `${name} ${n4(params[k])} (true ${fixed(TRUE[k], 1)})`).join(", ");
    byId("training-says").textContent = `${step < steps ? `Before step ${grouped(step)}` : "At the end"}: ${told}. The loss over all rows is ${significant(loss)}. The least possible is ${significant(LEAST)}.`;
    byId("bowl-w").setAttribute("aria-label", `Bowl of the loss over w0 and w1; now at ${n4(params[0])}, ${n4(params[1])}`);
    byId("bowl-b").setAttribute("aria-label", `Bowl of the loss over w1 and b; now at ${n4(params[1])}, ${n4(params[2])}`);
  }

  let playing = null, exact = 0, before = 0;
  const button = byId("play");

  // The two buttons that play and pause, and whether a screen reader hears of each change: while it
  // plays, there are ten a second.
  function showState(plays) {
    byId("begin").textContent = plays ? "Pause the training" : "Play the training";
    button.textContent = plays ? "❚❚" : "▶";
    button.setAttribute("aria-label", plays ? "Pause" : "Play");
    byId("training-says").setAttribute("aria-live", plays ? "off" : "polite");
  }

  function pause() {
    if (playing !== null) cancelAnimationFrame(playing);
    playing = null;
    showState(false);
    show(step);
  }

  function play() {
    exact = step >= steps ? 0 : step;
    before = performance.now();
    showState(true);
    const frame = (time) => {
      exact += (Math.max(0, Math.min(100, time - before)) / 1000) * Number(byId("speed").value);
      before = time;
      timed(() => show(Math.floor(exact), true));
      if (step < steps) playing = requestAnimationFrame(frame);
      else pause();
    };
    playing = requestAnimationFrame(frame);
  }

  const by = (count) => () => { pause(); show(step + count); };
  const toggle = () => (playing === null ? play() : pause());
  button.addEventListener("click", toggle);
  byId("begin").addEventListener("click", () => {
    toggle();
    // On a phone the pictures are further down.
    if (playing !== null) byId("stage").scrollIntoView();
  });
  byId("back").addEventListener("click", by(-1));
  byId("forward").addEventListener("click", by(1));
  byId("scrub").addEventListener("input", (event) => {
    const wanted = Number(event.target.value);
    if (playing !== null) pause();
    timed(() => show(wanted, true));
  });
  byId("scrub").addEventListener("change", (event) => show(Number(event.target.value)));

  // ---- part 5: the mean losses and their ratios

  {
    const losses = recorded.meanLosses;
    const top = byId("ratios").createTHead().insertRow();
    ["epoch", "mean loss", "above the least", "divided by"].forEach((name) => {
      const th = cell(name, "head");
      th.scope = "col";
      top.append(th);
    });
    const body = byId("ratios").createTBody();
    losses.forEach((loss, epoch) => {
      const excess = loss - LEAST;
      const ratio = epoch ? fixed((losses[epoch - 1] - LEAST) / excess, 2) : "";
      body.insertRow().append(cell(epoch), cell(significant(loss, 5)), cell(significant(excess, 4)), cell(ratio, "result"));
    });
  }

  show(0);
}
