// Two methods compared item by item: one value against the other, and the sorted differences.
(() => {
  "use strict";
  const { unpacked, color, axis, plot, forget } = curves;
  const { element, whenSeen, select } = tools;
  const all = JSON.parse(document.getElementById("comparisons").textContent);
  const number = (x) => (typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x);

  // Two digits of half the interval, as far as there is one.
  function places(low, high) {
    const half = (high - low) / 2;
    return half > 0 && half < Infinity ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(half)))) : 3;
  }

  function testOf(data, a, b) {
    const [i, j] = [Math.min(a, b), Math.max(a, b)];
    const k = data.methods.length;
    const [mean, low, high, p, sign] = data.tests[i * k - (i * (i + 1)) / 2 + j - i - 1];
    const ends = [mean, low, high].map((x) => (x === null ? NaN : number(x)));
    return a < b
      ? { mean: ends[0], low: ends[1], high: ends[2], p, sign }
      : { mean: -ends[0], low: -ends[2], high: -ends[1], p, sign };
  }

  function sentence(data, a, b) {
    const [nameA, nameB] = [data.methods[a], data.methods[b]];
    if (a === b) return "Choose two different methods.";
    const { mean, low, high, p, sign } = testOf(data, a, b);
    if (Number.isNaN(mean)) return `${nameA} and ${nameB} have no items in common.`;
    const unit = data.unit ? ` ${data.unit}` : "";
    const digits = places(low, high);
    const text = (x) => (x > 0 ? "+" : "") + x.toFixed(digits).replace("-", "−");
    let found = `${nameA} − ${nameB}: ${text(mean)}${unit}`;
    if (!Number.isNaN(low)) found += ` [${text(low)}, ${text(high)}], 95 % interval${sign ? " of the sign test" : ""}`;
    if (!data.enough) return `${found}. There are too few items for a test.`;
    if (p === null) return `${found}. One of them has no rank, so the difference is not tested.`;
    const value = p < 0.0001 ? "p < 0.0001" : `p = ${p < 0.05 && p >= 0.04995 ? p.toPrecision(6) : p.toFixed(4)}`;
    const pairs = (data.ranked * (data.ranked - 1)) / 2;
    const corrected = `${value}, corrected for ${pairs} pair${pairs === 1 ? "" : "s"}`;
    const better = (mean > 0) === data.higher ? nameA : nameB;
    return p < 0.05 ? `${found}. ${better} is better (${corrected}).` : `${found}. The difference is not significant (${corrected}).`;
  }

  function make(part) {
    const data = all[part.dataset.problem];
    const values = unpacked(data);
    const size = data.item.length;
    const of = (method) => values.slice(method * size, (method + 1) * size);
    const unit = data.unit ? ` (${data.unit})` : "";
    let [a, b] = data.first;
    let plots = [];
    const result = element("output", { class: "result", "aria-live": "polite" });
    const note = element("p", { class: "note" });
    const scatterTitle = element("figcaption");
    const scatter = element("div", { class: "plot", role: "img" });
    const sortedTitle = element("figcaption", { text: "Differences, sorted" });
    const sorted = element("div", { class: "plot", role: "img" });

    function draw() {
      plots.forEach(forget);
      plots = [];
      const [x, y] = [of(a), of(b)];
      const common = x.map((_, i) => i).filter((i) => Number.isFinite(x[i]) && Number.isFinite(y[i]));
      result.textContent = sentence(data, a, b);
      const unshown = size - common.length;
      note.textContent =
        (data.methods.length < data.all ? `The first ${data.methods.length.toLocaleString("en")} of ${data.all.toLocaleString("en")} methods of the board can be compared here. ` : "") +
        (size < data.items ? `${size.toLocaleString("en")} of ${data.items.toLocaleString("en")} items are drawn, evenly sampled; the test uses all. ` : "") +
        (unshown ? `${unshown} drawn items have no finite value for both. ` : "") + extremes(x, y, common);
      scatterTitle.textContent = `One point per item; ${data.methods[b]} is better ${data.higher ? "above" : "below"} the line`;
      if (!common.length || a === b) return;
      common.sort((i, j) => x[i] - x[j]);
      const [xs, ys] = [common.map((i) => x[i]), common.map((i) => y[i])];
      const ends = [Math.min(xs[0], Math.min(...ys)), Math.max(xs[xs.length - 1], Math.max(...ys))];
      const margin = 0.03 * (ends[1] - ends[0] || 1);
      const range = [ends[0] - margin, ends[1] + margin];
      scatter.setAttribute("aria-label", `${data.methods[b]} over ${data.methods[a]}, ${data.metric}${unit}, ${common.length} items`);
      plots.push(plot(scatter, [xs, xs, ys], {
        scales: { x: { time: false, range }, y: { range } },
        cursor: { drag: { x: true, y: true }, points: { show: false } },
        series: [
          {},
          { stroke: () => color("--strong-line"), width: 1, points: { show: false } },
          { stroke: () => color("--chart-series-0"), paths: () => null, points: { show: true, size: 4, fill: () => color("--chart-series-0"), width: 0 } },
        ],
        axes: [axis(`${data.methods[a]}${unit}`), { ...axis(`${data.methods[b]}${unit}`), size: 60 }],
      }));
      const d = common.map((i) => x[i] - y[i]).sort((p, q) => p - q);
      const { mean } = testOf(data, a, b);
      const share = d.map((_, i) => (100 * (i + 0.5)) / d.length);
      sorted.setAttribute("aria-label", `Sorted differences ${data.methods[a]} − ${data.methods[b]}, ${common.length} items`);
      const flat = (value) => share.map(() => value);
      plots.push(plot(sorted, [share, d, flat(0), flat(Number.isFinite(mean) ? mean : null)], {
        scales: { x: { time: false, range: [0, 100] } },
        series: [
          {},
          { stroke: () => color("--chart-series-0"), width: 2, fill: () => color("--accent-ground"), fillTo: 0, points: { show: false } },
          { stroke: () => color("--strong-line"), width: 1, points: { show: false } },
          { stroke: () => color("--chart-series-1"), width: 1.5, dash: [6, 4], points: { show: false } },
        ],
        axes: [axis("share of items (%)"), { ...axis(`difference${unit}`), size: 60 }],
      }));
    }

    function extremes(x, y, common) {
      if (!common.length || a === b) return "";
      const by = (better) => common.reduce((best, i) => (better(x[i] - y[i], x[best] - y[best]) ? i : best), common[0]);
      const name = (i) => `seed ${data.seed[i]}, item ${data.item[i]}`;
      return `Smallest difference: ${name(by((p, q) => p < q))}; largest: ${name(by((p, q) => p > q))}. The dashed line is the mean difference.`;
    }

    part.append(
      element("div", { class: "choices" },
        select("A", data.methods, a, (index) => ((a = index), draw())),
        select("B", data.methods, b, (index) => ((b = index), draw())),
        element("button", { type: "button", text: "Zoom out", onclick: draw })),
      element("p", {}, result),
      element("div", { class: "pair" },
        element("figure", {}, scatterTitle, scatter),
        element("figure", {}, sortedTitle, sorted)),
      note);
    draw();
  }

  for (const part of document.querySelectorAll(".compare")) whenSeen(part, make);
})();
