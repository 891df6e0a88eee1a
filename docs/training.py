#!/usr/bin/env python
"""Draw the README's picture, docs/training.svg: python docs/training.py FILE

The picture replays the training that docs/chapter.html has recorded. It is animated by CSS, and
stands still, at the end of the training, where animation is off.
"""

import base64
import json
import re
import sys
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parent / "chapter.html"
WIDTH, HEIGHT = 960, 400
SECONDS, SHARE = 12, 0.75  # of a round, and the part of it that the training takes
FRAMES = 60
RINGS = 9
STYLE = """
svg { --panel: #ffffff; --ink: #1b1f24; --muted: #565d68; --rule: #dcd8ce; --model: #0067ab;
  --data: #b84700; --true: #007a58; --points: #5c6570; font: 15px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --panel: #1c2026; --ink: #eceae4; --muted: #a9b0ba;
  --rule: #363c45; --model: #62b5f0; --data: #ff9a52; --true: #45c9a0; --points: #a7aeb8; } }
text { fill: var(--muted); } .title { fill: var(--ink); font-weight: 600; }
.grid { stroke: var(--rule); } .rows { stroke: var(--points); stroke-width: 2.5; opacity: .5;
  stroke-linecap: round; } .model { stroke: var(--model); stroke-width: 4; }
.true { stroke: var(--true); stroke-width: 2.5; stroke-dasharray: 8 7; }
.ring { fill: var(--model); fill-opacity: .09; stroke: var(--model); stroke-opacity: .45; }
.path { stroke: var(--data); stroke-width: 3; fill: none; stroke-dasharray: 1; }
.ball { fill: var(--data); stroke: var(--panel); stroke-width: 2; }
.numbers { fill: var(--ink); font-variant-numeric: tabular-nums; opacity: 0; }
.numbers:last-of-type { opacity: 1; }
"""


def recording():
    """The recorded inputs, labels, parameters (one row a step) and mean losses."""
    text = PAGE.read_text(encoding="utf-8")
    stored = json.loads(re.search(r'id="recording">(.*?)</script>', text)[1])

    def array(name):
        return np.frombuffer(base64.b64decode(stored[name]), "<f4").astype(float)

    X = np.stack([array("x0"), array("x1")], axis=1)
    return X, array("y"), array("params").reshape(-1, 3), stored["mean_losses"]


def draw(X, y, params, mean_losses):
    """The picture as text: the loss as a bowl over w0 and w1, and a slice through the data."""
    steps = np.linspace(0, len(params) - 1, FRAMES + 1).astype(int)
    kept = params[steps]
    style, bowl = draw_bowl(X, y, kept)
    more, rows = draw_slice(X, y, kept)
    numbers = draw_numbers(kept, mean_losses)
    animation = style + more + numbers[0]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        "<title>The parameters roll to the bottom of the loss; the line finds the data</title>\n"
        f"<style>{STYLE}@media (prefers-reduced-motion: no-preference) {{\n{animation}}}\n"
        "</style>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="var(--panel)"/>\n'
        f"{bowl}{rows}{numbers[1]}</svg>\n"
    )


def draw_bowl(X, y, kept):
    """The loss over w0 and w1 with b held at its end, and the parameters' way on it."""
    residual = y - kept[-1, 2]
    curvature = X.T @ X / len(y)
    lowest = np.linalg.solve(curvature, X.T @ residual / len(y))

    def above(points):
        return np.einsum("ni,ij,nj->n", points - lowest, curvature, points - lowest)

    reach = 1.15 * above(kept[:1, :2])[0]
    radius = 1.05 * np.sqrt(reach / np.linalg.eigvalsh(curvature)[0])

    def place(points):  # seen from the front and above
        right = 240 + 175 * (points[:, 0] - lowest[0]) / radius
        down = 268 - 78 * (points[:, 1] - lowest[1]) / radius - 120 * above(points) / reach
        return np.stack([right, down], axis=1)

    angles = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    factor = np.linalg.inv(np.linalg.cholesky(curvature))
    parts = ['<text class="title" x="30" y="38">The loss over w₀ and w₁</text>\n']
    for ring in range(RINGS, 0, -1):
        ellipse = lowest + np.sqrt(reach) * ring / RINGS * circle @ factor
        parts.append(f'<path class="ring" d="{line_of(place(ellipse))}Z"/>\n')
    way = place(kept[:, :2])
    length = np.append(0, np.cumsum(np.hypot(*np.diff(way, axis=0).T)))
    parts.append(f'<path class="path" pathLength="1" d="{line_of(way)}"/>\n')
    x, y = way[-1]
    parts.append(f'<circle class="ball" cx="{x:.1f}" cy="{y:.1f}" r="9"/>\n')
    rules = keyframes(
        "ball", [f"transform: translate({a - x:.1f}px, {b - y:.1f}px)" for a, b in way]
    )
    rules += keyframes("path", [f"stroke-dashoffset: {1 - at / length[-1]:.4f}" for at in length])
    return rules, "".join(parts)


def draw_slice(X, y, kept):
    """The rows with x0 near 0, y against x1, and the model's line through them."""
    left, right, top, bottom = 540, 930, 60, 350

    def place(x, value):
        return left + (x + 3) / 6 * (right - left), bottom - (value + 8) / 24 * (bottom - top)

    parts = ['<text class="title" x="515" y="38">The rows with x₀ near 0, and the line</text>\n']
    for value in (-5, 0, 5, 10, 15):
        height = place(0, value)[1]
        parts.append(f'<path class="grid" d="M{left} {height:.1f}H{right}"/>\n')
        parts.append(
            f'<text x="{left - 8}" y="{height + 5:.1f}" text-anchor="end">{signed(value)}</text>\n'
        )
    for value in (-2, 0, 2):
        x, name = place(value, 0)[0], signed(value)
        parts.append(f'<text x="{x:.1f}" y="372" text-anchor="middle">{name}</text>\n')
    parts.append(f'<text x="{right}" y="392" text-anchor="end">x₁</text>\n')
    near = (np.abs(X[:, 0]) < 0.2) & (np.abs(X[:, 1]) < 3)
    marks = zip(*place(X[near, 1], y[near]))
    parts.append(f'<path class="rows" d="{"".join(f"M{a:.1f} {b:.1f}h0" for a, b in marks)}"/>\n')
    parts.append(f'<path class="true" d="{line_of(ends(place, -3.4, 4.2))}"/>\n')
    _, w1, b = kept[-1]
    parts.append(f'<path class="model" d="{line_of(ends(place, w1, b))}"/>\n')
    # The line at another time is this one, sheared and moved.
    moves = []
    for _, w, c in kept:
        (x1, y1), (x2, y2) = ends(place, w, c)
        (_, z1), (_, z2) = ends(place, w1, b)
        shear = (y2 - y1 - (z2 - z1)) / (x2 - x1)
        moves.append(f"transform: matrix(1, {shear:.5f}, 0, 1, 0, {y1 - z1 - shear * x1:.2f})")
    return keyframes("model", moves), "".join(parts)


def draw_numbers(kept, mean_losses):
    """A line of text for each epoch; all but the last are hidden where nothing moves."""
    rules, parts = "", []
    for epoch, loss in enumerate(mean_losses):
        w0, w1, b = kept[(epoch + 1) * FRAMES // len(mean_losses)]
        text = f"epoch {epoch}: mean loss {loss:.3g}"
        parts.append(
            f'<text class="numbers n{epoch}" x="30" y="372">{text}'
            f'<tspan x="30" dy="20">w₀ {signed(w0, 2)}, w₁ {signed(w1, 2)}, b {signed(b, 2)}'
            "</tspan></text>\n"
        )
        first = 100 * SHARE * epoch / len(mean_losses)
        last = 100 * SHARE * (epoch + 1) / len(mean_losses) if loss != mean_losses[-1] else 100
        rules += (
            f"@keyframes n{epoch} {{ 0%, {first:.2f}% {{ opacity: 0 }} "
            f"{first + 0.01:.2f}%, {last:.2f}% {{ opacity: 1 }} "
            f"{min(last + 0.01, 100):.2f}%, 100% {{ opacity: {int(last == 100)} }} }}\n"
            f".n{epoch} {{ animation: n{epoch} {SECONDS}s infinite }}\n"
        )
    return rules, "".join(parts)


def keyframes(name, states):
    """CSS that takes the elements of class `name` through these states, evenly in time."""
    times = np.linspace(0, 100 * SHARE, len(states))
    lines = [f"  {time:.2f}% {{ {state} }}" for time, state in zip(times, states)]
    lines.append(f"  100% {{ {states[-1]} }}")
    rule = f".{name} {{ animation: {name} {SECONDS}s linear infinite }}"
    return f"@keyframes {name} {{\n" + "\n".join(lines) + f"\n}}\n{rule}\n"


def ends(place, w, b):
    return [place(x, w * x + b) for x in (-3, 3)]


def line_of(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def signed(value, digits=0):
    return f"{value:.{digits}f}".replace("-", "−")


def main():
    Path(sys.argv[1]).write_text(draw(*recording()), encoding="utf-8")


if __name__ == "__main__":
    main()
