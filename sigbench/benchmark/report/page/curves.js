// Numbers packed by Python, colors of the theme, and plots with uPlot.
const curves = (() => {
  "use strict";
  const MISSING = -32768;
  const INFINITE = 32767;
  const HEIGHT = 280;

  // Numbers in base64, 16 bits each: a value is low + step * number.
  function unpacked({ values, low, step }) {
    const bytes = Uint8Array.from(atob(values), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 2 }, (_, i) => {
      const number = view.getInt16(2 * i, true);
      if (number === MISSING) return null;
      if (Math.abs(number) === INFINITE) return number * Infinity;
      return low + step * number;
    });
  }

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const series = (index) => color(`--chart-series-${index % 8}`);
  const drawn = new Set();

  function axis(label) {
    return {
      label,
      labelSize: 18,
      labelFont: "12px system-ui, sans-serif",
      font: "12px system-ui, sans-serif",
      stroke: () => color("--muted"),
      grid: { stroke: () => color("--line"), width: 1 },
      ticks: { stroke: () => color("--line"), width: 1 },
    };
  }

  // A plot as wide as its frame, redrawn when the frame or the theme changes.
  function plot(frame, data, options) {
    const size = () => ({ width: Math.max(240, frame.clientWidth), height: HEIGHT });
    const made = new uPlot(
      { ...size(), legend: { show: false }, cursor: { drag: { x: true, y: false } }, ...options },
      data,
      frame,
    );
    drawn.add(made);
    new ResizeObserver(() => {
      if (frame.clientWidth && made.width !== size().width) made.setSize(size());
    }).observe(frame);
    return made;
  }

  function forget(made) {
    drawn.delete(made);
    made.destroy();
  }

  document.addEventListener("theme-change", () => drawn.forEach((made) => made.redraw(false, true)));

  return { unpacked, color, series, axis, plot, forget };
})();
