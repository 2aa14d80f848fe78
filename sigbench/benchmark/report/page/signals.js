// Signals: the clean and the noisy curve and the estimates over each other, to be zoomed.
(() => {
  "use strict";
  const { unpacked, color, series, axis, plot, forget } = curves;
  const { element, whenSeen, select } = tools;
  const media = JSON.parse(document.getElementById("media").textContent);
  const SHOWN = 2; // estimates at first

  function make(part) {
    const { domain, metric, examples } = media[part.dataset.problem];
    const frame = element("div", { class: "plot", role: "img" });
    const switches = element("fieldset", { class: "switches" });
    const note = element("p", { class: "note" });
    const off = new Set();
    let item = 0;
    let made = null;

    function lines() {
      const example = examples[item];
      const found = [];
      if (example.noisy) found.push({ name: "noisy", curve: example.noisy, stroke: () => color("--chart-other"), width: 1 });
      found.push({ name: "clean", curve: example.clean, stroke: () => color("--text"), width: 2 });
      example.estimates.forEach(({ method, value, curve }, index) => {
        found.push({ name: method, value, curve, stroke: () => series(index), width: 1.5, index });
      });
      return found;
    }

    function draw() {
      if (made) forget(made);
      const { clean, fs, size } = examples[item];
      const own = lines();
      const values = own.map((line) => unpacked(line.curve));
      const length = Math.max(...values.map((one) => one.length));
      const x = Array.from({ length }, (_, i) => (fs ? i / fs : i));
      frame.setAttribute("aria-label", `Item ${examples[item].item}: ${own.map((line) => line.name).join(", ")}`);
      made = plot(frame, [x, ...values.map((one) => x.map((_, i) => one[i] ?? null))], {
        scales: { x: { time: false } },
        series: [{}, ...own.map((line) => ({ stroke: line.stroke, width: line.width, show: !off.has(line.name), points: { show: false } }))],
        axes: [axis(fs ? "time (s)" : "sample"), axis("")],
        hooks: { setScale: [(u, key) => key === "x" && described(u)] },
      });
      const shown = unpacked(clean).length;
      note.dataset.cut = shown < size ? `The first ${shown} of ${size} samples. ` : "";
      described(made);
      switches.replaceChildren(
        element("legend", { text: `Show (with ${metric})` }),
        ...own.map((line, index) => {
          const box = element("input", { type: "checkbox", autocomplete: "off" });
          box.checked = !off.has(line.name);
          box.addEventListener("change", () => {
            if (box.checked) off.delete(line.name);
            else off.add(line.name);
            made.setSeries(index + 1, { show: box.checked });
          });
          const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
          swatch.style.background = line.stroke();
          return element("label", {}, box, swatch, element("span", { text: line.name }), element("span", { class: "value muted", text: line.value ?? "" }));
        }));
    }

    function described(u) {
      const { min, max } = u.scales.x;
      if (typeof min !== "number") return; // not drawn yet
      const all = u.data[0];
      const whole = min <= all[0] && max >= all[all.length - 1];
      note.textContent = `${note.dataset.cut ?? ""}${whole ? "Drag over the curves to zoom in; double-click to see all." : `From ${min.toPrecision(4)} to ${max.toPrecision(4)}.`}`;
    }

    function zoom(factor, shift) {
      const { min, max } = made.scales.x;
      const all = made.data[0];
      const [first, last] = [all[0], all[all.length - 1]];
      const width = Math.min(last - first, (max - min) * factor);
      const middle = (min + max) / 2 + shift * width;
      const from = Math.max(first, Math.min(last - width, middle - width / 2));
      made.setScale("x", { min: from, max: from + width });
    }

    examples[0].estimates.forEach(({ method }, index) => {
      if (index >= SHOWN) off.add(method);
    });
    const button = (text, label, factor, shift) =>
      element("button", { type: "button", text, "aria-label": label, onclick: () => zoom(factor, shift) });
    part.append(
      element("div", { class: "choices" },
        ...(examples.length > 1 ? [select("Item", examples.map((one) => String(one.item)), 0, (index) => ((item = index), draw()))] : []),
        element("span", { class: "buttons" },
          button("−", "Zoom out", 2, 0), button("+", "Zoom in", 0.5, 0),
          button("←", "Earlier", 1, -0.25), button("→", "Later", 1, 0.25),
          element("button", { type: "button", text: "All", onclick: () => zoom(Infinity, 0) }))),
      frame, note, switches);
    draw();
    document.addEventListener("theme-change", () => {
      const own = lines();
      switches.querySelectorAll(".swatch").forEach((swatch, index) => (swatch.style.background = own[index].stroke()));
    });
  }

  for (const part of document.querySelectorAll(".media")) {
    const own = media[part.dataset.problem];
    if (own && (own.domain === "signal" || own.domain === "system")) whenSeen(part, make);
  }
})();
