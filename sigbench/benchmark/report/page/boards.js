// The boards: another metric is shown in the same table.
(() => {
  "use strict";
  const boards = JSON.parse(document.getElementById("boards").textContent);

  function line(from, to) {
    return from === null || to === null ? "" : `M${from} 7H${to}`;
  }

  function fill(td, text, order) {
    td.textContent = text;
    td.dataset.sort = order;
  }

  function showMetric(board, metric) {
    const body = board.querySelector("tbody");
    const rows = new Map([...body.rows].map((row) => [Number(row.dataset.row), row]));
    metric.cells.forEach((cell, index) => {
      const row = rows.get(index);
      const [rank, rankOf, mean, meanOf, gap, gapOf, best, low, at, high] = cell ?? ["", "", "-", "", "", "", false, null, null, null];
      const find = (name) => row.querySelector(`.${name}`);
      fill(find("rank"), rank, rankOf);
      fill(find("mean"), mean, meanOf);
      find("mean").classList.toggle("best", best);
      if (find("gap")) fill(find("gap"), gap, gapOf);
      const bar = row.querySelector("svg.bar");
      bar.querySelector(".to-limit").setAttribute("d", line(at, metric.limit));
      bar.querySelector(".limit").setAttribute("d", metric.limit === null ? "" : `M${metric.limit} 1V13`);
      bar.querySelector(".range").setAttribute("d", line(low, high));
      bar.querySelector(".point").setAttribute("d", at === null ? "" : `M${at} 7h0`);
    });
    for (const th of board.querySelectorAll("th[aria-sort]")) th.removeAttribute("aria-sort");
    const left = [...rows.keys()].filter((index) => !metric.order.includes(index));
    body.append(...[...metric.order, ...left].map((index) => rows.get(index)));
    const heading = board.querySelector("thead .mean");
    board.querySelector("thead .interval").textContent = metric.scale;
    heading.title = metric.title;
    heading.dataset.title = metric.name;
    heading.querySelector("button").textContent = metric.name;
  }

  for (const [anchor, metrics] of Object.entries(boards)) {
    const board = document.getElementById(`${anchor}-board`);
    const select = board.querySelector(".metric select");
    const wide = board.querySelector(".wide input");
    wide.addEventListener("change", () => board.classList.toggle("full", wide.checked));
    if (select) select.addEventListener("change", () => showMetric(board, metrics[select.value]));
  }
})();
