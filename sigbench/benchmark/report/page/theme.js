// Runs before the page is drawn, so that a chosen theme does not flash.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("sigbench-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Without storage (some browsers, for files) the theme of the system is used.
  }
})();
