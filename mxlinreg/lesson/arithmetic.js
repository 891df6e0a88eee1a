// The arithmetic of the page, in 64-bit floats. Nothing here draws or knows the page.
//
// Rows are {columns: [x0, x1, ...], y}: arrays of one length. Parameters are [w0, w1, ..., b].
"use strict";

function floats(base64) {
  return new Float32Array(bytes(base64));
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
}

function predict(columns, row, params) {
  let yhat = params[columns.length];
  for (let j = 0; j < columns.length; j++) yhat += columns[j][row] * params[j];
  return yhat;
}

// The chapter's square_loss: the mean of (yhat - y)² over some rows.
function squareLoss(rows, batch, params) {
  let sum = 0;
  for (const row of batch) sum += (predict(rows.columns, row, params) - rows.y[row]) ** 2;
  return sum / batch.length;
}

// What `loss.backward()` gives: the derivative of squareLoss by each parameter.
function gradient(rows, batch, params) {
  const {columns, y} = rows;
  const sums = new Array(params.length).fill(0);
  for (const row of batch) {
    const error = predict(columns, row, params) - y[row];
    for (let j = 0; j < columns.length; j++) sums[j] += error * columns[j][row];
    sums[columns.length] += error;
  }
  return sums.map((sum) => (2 * sum) / batch.length);
}

// How much the loss changes as one parameter moves by h to either side, divided by 2 h.
function finiteDifference(rows, batch, params, which, h = 1e-3) {
  const moved = (by) => params.map((param, j) => (j === which ? param + by : param));
  return (squareLoss(rows, batch, moved(h)) - squareLoss(rows, batch, moved(-h))) / (2 * h);
}

// The chapter's SGD, but it returns new parameters.
function SGD(params, gradients, learningRate) {
  return params.map((param, j) => param - learningRate * gradients[j]);
}

// The chapter's loop over epochs and batches, as a generator that pauses after each epoch.
// `order` has the numbers of the rows for each epoch. `run.path` gets the parameters before each
// step and after the last, one after another, and `run.meanLosses` the mean loss of each epoch.
// It ends early where a loss exceeds `limit`, with `run.diverged` true.
function* training(rows, order, {batchSize, learningRate, start, limit = 1e12}) {
  const {columns, y} = rows;
  const size = start.length;
  const most = order.reduce((sum, epoch) => sum + Math.ceil(epoch.length / batchSize), 0);
  const path = new Float64Array((most + 1) * size);
  path.set(start);
  const run = {path, steps: 0, meanLosses: [], diverged: false};
  const params = Float64Array.from(start);
  const sums = new Float64Array(size);
  for (const epoch of order) {
    let lossOfEpoch = 0;
    const before = run.steps;
    for (let first = 0; first < epoch.length; first += batchSize) {
      const last = Math.min(first + batchSize, epoch.length);
      let loss = 0;
      sums.fill(0);
      for (let i = first; i < last; i++) {
        const row = epoch[i];
        const error = predict(columns, row, params) - y[row];
        loss += error * error;
        for (let j = 0; j < size - 1; j++) sums[j] += error * columns[j][row];
        sums[size - 1] += error;
      }
      loss /= last - first;
      if (!(loss < limit)) {
        run.diverged = true;
        return run;
      }
      const factor = (learningRate * 2) / (last - first);
      for (let j = 0; j < size; j++) params[j] -= factor * sums[j];
      lossOfEpoch += loss;
      run.steps += 1;
      path.set(params, run.steps * size);
    }
    run.meanLosses.push(lossOfEpoch / (run.steps - before));
    yield run;
  }
  return run;
}

// The same without a pause.
function train(rows, order, settings) {
  const epochs = training(rows, order, settings);
  let next = epochs.next();
  while (!next.done) next = epochs.next();
  return next.value;
}

// The means of all products of the columns, of 1 and of y. With z = (x0, x1, ..., 1) they hold
// the loss over all rows, whatever the parameters p: p'Ap - 2 c'p + q, where A is the mean of
// z z', c the mean of z y, and q the mean of y².
function moments({columns, y}) {
  const z = [...columns, new Float64Array(y.length).fill(1)];
  const mean = (a, b) => {
    let sum = 0;
    for (let i = 0; i < y.length; i++) sum += a[i] * b[i];
    return sum / y.length;
  };
  const A = z.map(() => []);
  z.forEach((a, i) => z.slice(0, i + 1).forEach((b, j) => (A[i][j] = A[j][i] = mean(a, b))));
  return {A, c: z.map((a) => mean(a, y)), q: mean(y, y)};
}

function lossOverAll({A, c, q}, params) {
  let loss = q;
  params.forEach((param, i) => {
    loss -= 2 * c[i] * param;
    params.forEach((other, j) => (loss += param * A[i][j] * other));
  });
  return loss;
}

// The exact solution: the parameters that solve the normal equations A p = c, by elimination.
// null if the columns are dependent.
function leastSquares({A, c}) {
  const rows = A.map((row, i) => [...row, c[i]]);
  const size = rows.length;
  for (let k = 0; k < size; k++) {
    let pivot = k;
    for (let i = k + 1; i < size; i++) {
      if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    }
    if (Math.abs(rows[pivot][k]) < 1e-12) return null;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < size; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= size; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const params = new Array(size);
  for (let k = size - 1; k >= 0; k--) {
    let rest = rows[k][size];
    for (let j = k + 1; j < size; j++) rest -= rows[k][j] * params[j];
    params[k] = rest / rows[k][k];
  }
  return params;
}

// The loss as a function of two of the parameters, i and j, with the others held: its lowest
// point, the loss there, and its curvature [[aa, ab], [ab, bb]].
function bowl({A, c, q}, params, i, j) {
  const held = params.map((param, k) => (k === i || k === j ? 0 : param));
  const rest = (k) => c[k] - held.reduce((sum, param, l) => sum + A[k][l] * param, 0);
  const determinant = A[i][i] * A[j][j] - A[i][j] ** 2;
  const lowest = [
    (A[j][j] * rest(i) - A[i][j] * rest(j)) / determinant,
    (A[i][i] * rest(j) - A[i][j] * rest(i)) / determinant,
  ];
  const there = params.slice();
  [there[i], there[j]] = lowest;
  return {lowest, floor: lossOverAll({A, c, q}, there), aa: A[i][i], ab: A[i][j], bb: A[j][j]};
}

// How far the loss of a bowl at a point is above its floor.
function above({lowest, aa, ab, bb}, [u, v]) {
  const [du, dv] = [u - lowest[0], v - lowest[1]];
  return aa * du * du + 2 * ab * du * dv + bb * dv * dv;
}

// The points of a bowl whose loss is `excess` above the floor: an ellipse, as `count` points.
function contour({lowest, aa, ab, bb}, excess, count = 72) {
  // With the Cholesky factor of the curvature the ellipse is a circle.
  const l11 = Math.sqrt(aa), l21 = ab / l11, l22 = Math.sqrt(bb - l21 * l21);
  const radius = Math.sqrt(excess);
  return Array.from({length: count}, (_, k) => {
    const angle = (2 * Math.PI * k) / count;
    const dv = (radius * Math.sin(angle)) / l22;
    const du = (radius * Math.cos(angle) - l21 * dv) / l11;
    return [lowest[0] + du, lowest[1] + dv];
  });
}

// The largest curvature of the loss: twice the largest eigenvalue of A, by repeated multiplication.
function largestCurvature({A}) {
  let vector = A.map((_, i) => 1 + i / 7);
  let length = 0;
  for (let turn = 0; turn < 200; turn++) {
    vector = A.map((row) => row.reduce((sum, value, j) => sum + value * vector[j], 0));
    length = Math.hypot(...vector);
    vector = vector.map((value) => value / length);
  }
  return 2 * length;
}

// The running mean of the last `window` values.
function smoothed(values, window) {
  let sum = 0;
  return values.map((value, i) => {
    sum += value - (i >= window ? values[i - window] : 0);
    return sum / Math.min(i + 1, window);
  });
}

// Round numbers from `low` to `high`, about `count` of them, for an axis.
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

if (typeof module !== "undefined") {
  module.exports = {
    floats, bytes, predict, squareLoss, gradient, finiteDifference, SGD, training, train, moments,
    lossOverAll, leastSquares, bowl, above, contour, largestCurvature, smoothed, ticks,
  };
}
