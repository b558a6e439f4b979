"use strict";
(() => {
  const main = document.getElementById("cards");
  const cards = [...main.querySelectorAll(".card")];
  const buttons = [...document.querySelectorAll("button[data-mode]")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let beat = 0;

  const turn = () => main.classList.toggle("was");

  function show(mode) {
    main.dataset.mode = mode;
    main.classList.remove("was");
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    clearInterval(beat);
    beat = 0;
    // Less than twice a second; who wants less motion turns it by hand.
    if (mode === "flicker" && !calm.matches) beat = setInterval(turn, 800);
  }

  function move(slider) {
    const card = slider.closest(".card");
    card.style.setProperty("--at", `${slider.value}%`);
    card.style.setProperty("--mix", String(slider.value / 100));
  }

  function current() {
    const middle = innerHeight / 3;
    const focused = cards.indexOf(document.activeElement.closest(".card"));
    if (focused >= 0) return focused;
    const below = cards.findIndex((card) => card.getBoundingClientRect().bottom > middle);
    return below < 0 ? cards.length - 1 : below;
  }

  function go(to) {
    const card = cards[Math.max(0, Math.min(cards.length - 1, to))];
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "start" });
  }

  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.mode));
  for (const slider of main.querySelectorAll("input[type=range]")) slider.addEventListener("input", () => move(slider));

  // The picture itself is a slider, too.
  for (const stage of main.querySelectorAll(".pair")) {
    const drag = (event) => {
      if (!["swipe", "onion"].includes(main.dataset.mode)) return;
      if (event.type === "pointermove" && !event.buttons) return;
      const box = stage.querySelector(".b img").getBoundingClientRect();
      const slider = stage.closest(".card").querySelector("input[type=range]");
      slider.value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
      move(slider);
      event.preventDefault();
    };
    stage.addEventListener("pointerdown", drag);
    stage.addEventListener("pointermove", drag);
    stage.addEventListener("dragstart", (event) => event.preventDefault());
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const slides = event.target.matches("input[type=range]");
    const here = current();
    const slider = here >= 0 ? cards[here].querySelector("input[type=range]") : null;
    if (event.key >= "1" && event.key <= String(buttons.length)) show(buttons[Number(event.key) - 1].dataset.mode);
    else if (event.key === "j") go(document.activeElement.closest(".card") ? here + 1 : here);
    else if (event.key === "k") go(here - 1);
    else if (event.key === " " && main.dataset.mode === "flicker" && !event.target.matches("button")) {
      clearInterval(beat);
      turn();
    } else if (!slides && slider && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      slider.value = String(Number(slider.value) + (event.key === "ArrowRight" ? 5 : -5));
      move(slider);
    } else return;
    if (!slides || "jk".includes(event.key)) event.preventDefault();
  });
})();
