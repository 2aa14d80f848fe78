// Elements that several scripts make. Text is set as text: it cannot become markup.
const tools = (() => {
  "use strict";

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") made.textContent = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  // Calls a function when a part of the page is first seen or printed.
  function whenSeen(part, make) {
    const once = () => {
      observer.disconnect();
      removeEventListener("beforeprint", once);
      make(part);
    };
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && once(), { rootMargin: "300px" });
    observer.observe(part);
    addEventListener("beforeprint", once);
  }

  let selects = 0;

  function select(label, options, chosen, onchange) {
    const id = `select-${++selects}`;
    const made = element("select", { id, autocomplete: "off", onchange: () => onchange(Number(made.value)) });
    options.forEach((text, index) => made.append(element("option", { value: index, text, selected: index === chosen })));
    return element("span", { class: "choice" }, element("label", { for: id, text: label }), made);
  }

  return { element, whenSeen, select };
})();
