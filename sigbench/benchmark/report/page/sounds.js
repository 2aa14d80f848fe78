// Sounds: all sources of an item share one position, so that switching continues at the same place.
(() => {
  "use strict";
  const { element, whenSeen, select } = tools;
  const media = JSON.parse(document.getElementById("media").textContent);
  const players = []; // only one of them plays

  function make(part) {
    const { metric, examples } = media[part.dataset.problem];
    let item = 0;
    let sources = [];
    let current = 0;
    const seconds = () => examples[item].seconds;
    const time = (s) => `${s.toFixed(1)} s`;

    const play = element("button", { type: "button", class: "play", text: "Play", onclick: () => (playing() ? pause() : start()) });
    const position = element("input", { type: "range", min: 0, step: 0.01, "aria-label": "Position", oninput: () => seek(Number(position.value)) });
    const clock = element("span", { class: "clock muted" });
    const list = element("div", { class: "sources", role: "radiogroup", "aria-label": "Sound" });

    const audio = () => sources[current].audio;
    const playing = () => sources.length > 0 && !audio().paused;

    // A sound is decoded when it is first heard.
    function ready(source) {
      if (!source.audio) {
        source.audio = new Audio(source.flac);
        source.audio.preload = "auto";
        source.audio.addEventListener("ended", () => (seek(0), show()));
      }
      return source.audio;
    }

    function start() {
      players.forEach((other) => other !== pause && other());
      if (audio().currentTime >= seconds() - 0.02) seek(0);
      audio().play().then(tick);
      show();
    }

    function pause() {
      if (sources.length) audio().pause();
      show();
    }

    function seek(s) {
      audio().currentTime = Math.min(s, Math.max(0, seconds() - 0.01));
      show();
    }

    function choose(index) {
      const before = audio();
      const [at, was] = [before.currentTime, !before.paused];
      current = index;
      const next = ready(sources[index]);
      next.currentTime = at;
      if (was) next.play().then(() => (before.pause(), tick()));
      else before.pause();
      show();
    }

    function tick() {
      show();
      if (playing()) requestAnimationFrame(tick);
    }

    function show() {
      const at = audio().currentTime;
      position.value = at;
      position.setAttribute("aria-valuetext", `${time(at)} of ${time(seconds())}`);
      clock.textContent = `${time(at)} / ${time(seconds())}`;
      play.textContent = playing() ? "Pause" : "Play";
      sources.forEach((source, index) => {
        source.row.classList.toggle("chosen", index === current);
        source.cursor.style.left = `${(100 * at) / seconds()}%`;
      });
    }

    function draw() {
      if (sources.length) audio().pause();
      const { noisy, clean, estimates } = examples[item];
      const all = [
        { name: "noisy", ...noisy },
        { name: "clean", ...clean },
        ...estimates.map(({ method, value, flac, spectrogram }) => ({ name: value ? `${method} (${metric} ${value})` : method, flac, spectrogram })),
      ];
      current = 0;
      position.max = seconds();
      sources = all.map((source, index) => {
        const radio = element("input", { type: "radio", name: part.id, value: index, autocomplete: "off", onchange: () => choose(index) });
        radio.checked = index === current;
        const cursor = element("span", { class: "cursor" });
        const picture = element("span", { class: "spectrogram", onclick: (event) => {
          const box = picture.getBoundingClientRect();
          if (current !== index) {
            radio.checked = true;
            choose(index);
          }
          seek(((event.clientX - box.left) / box.width) * seconds());
        } }, element("img", { src: source.spectrogram, alt: `Spectrogram of ${source.name}` }), cursor);
        const row = element("div", { class: "source" }, element("label", {}, radio, source.name), picture);
        return { ...source, row, cursor, audio: null };
      });
      list.replaceChildren(...sources.map((source) => source.row));
      ready(sources[current]);
      show();
    }

    const half = examples[0].fs / 2000;
    part.append(
      element("div", { class: "choices player" },
        ...(examples.length > 1 ? [select("Clip", examples.map((one) => String(one.item)), 0, (index) => ((item = index), draw()))] : []),
        play, position, clock),
      list,
      element("p", { class: "note", text: `Spectrograms: 0 to ${half} kHz from bottom to top, 70 dB below the loudest point of the clean clip. All sounds are played at the same gain. Playback continues at the same position when you switch.` }));
    players.push(pause);
    draw();
  }

  for (const part of document.querySelectorAll(".media")) {
    if (media[part.dataset.problem]?.domain === "speech") whenSeen(part, make);
  }
})();
