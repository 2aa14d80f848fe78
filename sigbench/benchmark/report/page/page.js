// The frame of a page: theme, filters of tables, copying, links into closed parts, printing.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Theme

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);

  function showTheme() {
    const button = document.getElementById("theme");
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isDark()));
    document.dispatchEvent(new Event("theme-change"));
  }

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("sigbench-theme", root.dataset.theme);
    } catch {
      // The choice then lasts as long as the page.
    }
    showTheme();
  }

  document.getElementById("theme").addEventListener("click", toggleTheme);
  dark.addEventListener("change", showTheme);
  showTheme();

  // Tables. Sorting replaces the body of a table, so its rows are looked up each time.

  function filter(board) {
    const search = board.querySelector("input[type=search]");
    if (!search) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const boxes = all(".tags input", board);
    const tags = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const rows = all("tbody tr", board);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const tagged = !boxes.length || !row.dataset.tag || tags.has(row.dataset.tag);
      row.hidden = !(tagged && words.every((word) => text.includes(word)));
      shown += !row.hidden;
    }
    board.querySelector(".count").textContent =
      shown === rows.length ? "" : `${shown} of ${rows.length} rows`;
  }

  for (const board of all(".board")) board.addEventListener("input", () => filter(board));

  // What scrolls can be reached by keyboard

  const scrollers = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const scrolls = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
      if (scrolls) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const frame of all(".scroll, .chart-frame, pre")) scrollers.observe(frame);

  // Copying

  for (const button of all("button.copy")) {
    const source = document.getElementById(button.dataset.copies);
    const text = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      getSelection().selectAllChildren(source); // stays selected where copying is not allowed
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Selected: copy with Ctrl-C";
      }
      setTimeout(() => (button.textContent = text), 2000);
    });
  }

  // A link to something inside a closed part opens it

  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    let inside = target;
    while ((inside = inside.closest("details:not([open])"))) inside.open = true;
    target.scrollIntoView();
  }

  addEventListener("hashchange", openTarget);
  for (const link of all('nav a[href^="#"]')) {
    link.addEventListener("click", () => setTimeout(openTarget)); // also if the hash stays the same
  }
  if (matchMedia("(max-width: 60rem)").matches) {
    for (const details of all(".contents details")) details.open = false;
  }
  if (location.hash) openTarget();

  // On paper the theme is light, and the parts that matter are open

  let closed = [];
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    document.dispatchEvent(new Event("theme-change"));
    closed = all("details.printed:not([open])");
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    document.dispatchEvent(new Event("theme-change"));
    for (const details of closed) details.open = false;
  });
})();
