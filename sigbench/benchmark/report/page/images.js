// Images: a slider between two of noisy, clean and estimates, and the map of the error.
(() => {
  "use strict";
  const { element, whenSeen, select } = tools;
  const media = JSON.parse(document.getElementById("media").textContent);
  const WIDTH = 384; // of the slider at most, in pixels
  const SMALL = 128;

  function make(part) {
    const { metric, examples } = media[part.dataset.problem];
    let item = 0;
    let [left, right] = [0, 2];
    const choices = element("div", { class: "choices" });
    const slider = element("img-comparison-slider", { tabindex: "0", role: "slider", "aria-valuemin": 0, "aria-valuemax": 100 });
    const first = element("img", { slot: "first", alt: "" });
    const second = element("img", { slot: "second", alt: "" });
    const stills = element("div", { class: "stills" });
    const note = element("p", { class: "note" });
    slider.append(first, second);

    function pictures() {
      const { noisy, clean, error, estimates } = examples[item];
      return [
        { name: "noisy", label: "noisy", image: noisy, error },
        { name: "clean", label: "clean", image: clean, error: null },
        ...estimates.map(({ method, value, image, error: own }) => ({
          name: method, label: value ? `${method} (${metric} ${value})` : method, image, error: own,
        })),
      ];
    }

    // Pixels are enlarged by a whole number, which the width of the page allows.
    function enlarged(most) {
      const { width } = examples[item];
      const room = Math.min(most, part.clientWidth - 4);
      return width * Math.max(1, Math.floor(room / width));
    }

    function still(picture, source, text) {
      const image = element("img", { src: source, alt: text, width: small() });
      return element("figure", {}, image, element("figcaption", { text }));
    }

    const small = () => enlarged(Math.min(SMALL, (part.clientWidth - 60) / 2));

    function draw() {
      const all = pictures();
      left = Math.min(left, all.length - 1);
      right = Math.min(right, all.length - 1);
      const pair = [all[left], all[right]];
      [first, second].forEach((image, index) => {
        image.src = pair[index].image;
        image.alt = pair[index].name;
        image.width = enlarged(WIDTH);
      });
      slider.setAttribute("aria-label", `${pair[0].name} on the left, ${pair[1].name} on the right: move with the arrow keys`);
      const estimate = pair[1];
      const range = examples[item].range;
      note.textContent = `Map of the error: blue is too dark, orange too bright, with full color at ±${range}.`;
      stills.replaceChildren(
        still(all[0], all[0].image, "noisy"),
        ...(right > 1 ? [still(estimate, estimate.image, estimate.label)] : []),
        still(all[1], all[1].image, "clean"),
        ...(estimate.error ? [still(estimate, estimate.error, `error of ${estimate.name}`)] : []));
    }

    function controls() {
      const labels = pictures().map((one) => one.label);
      choices.replaceChildren(
        ...(examples.length > 1 ? [select("Image", examples.map((one) => String(one.item)), item, (index) => ((item = index), controls(), draw()))] : []),
        select("Left", labels, left, (index) => ((left = index), draw())),
        select("Right", labels, right, (index) => ((right = index), draw())));
    }

    const moved = () => slider.setAttribute("aria-valuenow", Math.round(slider.value));
    slider.addEventListener("slide", moved);
    part.append(choices, element("div", { class: "pictures" }, slider, stills), note);
    right = Math.min(right, pictures().length - 1);
    controls();
    draw();
    moved();
    new ResizeObserver(draw).observe(part);
  }

  for (const part of document.querySelectorAll(".media")) {
    if (media[part.dataset.problem]?.domain === "image") whenSeen(part, make);
  }
})();
