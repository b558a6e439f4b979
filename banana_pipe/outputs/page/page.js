"use strict";
(() => {
const $ = (what, where = document) => where.querySelector(what);
const $$ = (what, where = document) => [...where.querySelectorAll(what)];
// What one part of a picture says another need not: here it is whole again.
function whole(card) {
  for (const shot of card.t) {
    if (shot.u === 1) shot.u = shot.f[1];
    shot.f = shot.f.flatMap((word, k, all) => k % 2 ? [[all[k - 1], word || shot.h]] : []);
    if (shot.t === 1) shot.t = "_/thumbs/" + shot.h + ".webp";
    if (shot.r?.images === 0) shot.r.images = shot.i.map(one => one[1]);
  }
  return card;
}
const data = JSON.parse($("#data").textContent).cards.map(whole);
const cards = $$(".card");
if (!cards.length) return;
document.documentElement.classList.add("js");
const view = $("#view"), compare = $("#compare"), keys = $("#keys"), tray = $(".tray"), search = $("[type=search]");
const prompts = i => $(".prompt", cards[i]).textContent;

// Every text comes from the data by `textContent`, never as HTML; every address was made by Python.
function el(tag, having = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(having)) {
    if (value == null || (value === false && !name.startsWith("aria-"))) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
  }
  made.append(...inside.flat().filter(one => one != null));
  return made;
}
const button = (words, click, having = {}) => el("button", {type: "button", class: "button", click, ...having}, words);

function copier(text, what) {
  const own = button("copy", async () => {
    try { await navigator.clipboard.writeText(text); }
    catch {
      const area = el("textarea", {class: "unseen"}); area.value = text;
      own.after(area); area.select(); document.execCommand("copy"); area.remove(); own.focus();
    }
    own.textContent = "copied"; setTimeout(() => { own.textContent = "copy"; }, 1200);
  }, {class: "copy", "aria-label": "copy " + what});
  return own;
}
for (const code of $$(".again code")) code.after(copier(code.textContent, "the command"));

// A small picture that is not there yet: the picture itself.
document.addEventListener("error", event => {
  const own = event.target, whole = own.dataset?.whole || own.closest?.("a")?.getAttribute("href");
  if (own.tagName === "IMG" && whole && whole[0] !== "#" && own.getAttribute("src") !== whole) own.src = whole;
}, true);

// --- which are shown ---
const wanted = {words: [], kinds: new Set(), only: null};
const texts = [];
const text = i => texts[i] ??= [data[i].n, prompts(i), data[i].e, ...data[i].t.flatMap(shot => shot.f.map(one => one[1]))].join(" ").toLowerCase();
// Words are looked up where nothing else is to be done: the first search need not wait for them.
let warmed = 0;
const warm = idle => { while (warmed < cards.length && idle.timeRemaining() > 3) text(warmed++); if (warmed < cards.length) requestIdleCallback(warm); };
window.requestIdleCallback?.(warm);
const blocks = $$(".sheet, .group, .step").map(block => [block, $$(".card", block)]);
const only = $(".chip.only");
// A sheet that is out of sight is not laid out: it is as tall as its cards will be, nearly.
function fit() {
  const room = $(".steps").clientWidth, root = getComputedStyle(document.documentElement), size = parseFloat(root.getPropertyValue("--size"));
  const forms = new Map($$(".step").map(step => [step, getComputedStyle(step)]).map(([step, form]) => [step, [form.getPropertyValue("--wide") || 1, form.getPropertyValue("--shape") || "1"]]));
  for (const [block, those] of blocks) { // all was read: from here on nothing asks how the page is laid out
    const number = those.reduce((sum, card) => sum + !card.hidden, 0);
    if (block.hidden === number > 0) block.hidden = !number;
    if (!number || !block.classList.contains("many")) continue;
    const [wide, shape] = forms.get(block.closest(".step")), [across, high = 1] = shape.split("/").map(Number);
    const columns = Math.max(1, Math.floor((room + 18) / (size * wide + 18))), width = (room + 18) / columns - 18;
    block.style.containIntrinsicBlockSize = Math.ceil(number / columns) * (width / across * high + 130) - 18 + "px";
  }
}
addEventListener("resize", fit);
function show() {
  let number = 0;
  cards.forEach((card, i) => {
    const fits = (!wanted.only || wanted.only.has(i)) && (!wanted.kinds.size || data[i].k.some(kind => wanted.kinds.has(kind)))
      && wanted.words.every(word => text(i).includes(word));
    if (card.hidden === fits) card.hidden = !fits;
    number += fits;
  });
  fit();
  $("#none").hidden = number > 0;
  $(".count").textContent = number === cards.length ? "" : number + " of " + cards.length;
}
search.addEventListener("input", () => { wanted.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); show(); });
for (const chip of $$(".chip[value]")) chip.addEventListener("click", () => {
  const on = !wanted.kinds.delete(chip.value);
  if (on) wanted.kinds.add(chip.value);
  chip.setAttribute("aria-pressed", on); show();
});
function showOnly(those, words) {
  wanted.only = those && new Set(those);
  only.hidden = !those;
  only.textContent = words + " ×";
  only.setAttribute("aria-label", words + " ×, show all again");
  for (const card of $$(".graph .cell, .graph .box")) card.classList.toggle("lit", !!those && card.dataset.words === words);
  show();
}
only.addEventListener("click", () => showOnly(null, ""));
$(".size input").addEventListener("input", event => { document.documentElement.style.setProperty("--size", event.target.value + "px"); fit(); });
fit();

// --- who comes from whom ---
const places = new Map();
const place = () => data.forEach((card, i) => card.t.forEach((shot, k) => { if (!places.has(shot.h) || shot.p) places.set(shot.h, [i, k]); }));
place();
const above = i => [...new Set(data[i].t.slice(0, 1).flatMap(shot => shot.i.map(one => places.get(one[1])?.[0])).filter(one => one != null && one !== i))];
let below;
function readers(i) {
  below ??= data.reduce((all, _, j) => { for (const k of above(j)) (all[k] ??= []).push(j); return all; }, []);
  return below[i] || [];
}
function reach(i, next) {
  const seen = new Set([i]), left = [i];
  while (left.length) for (const one of next(left.pop())) if (!seen.has(one)) { seen.add(one); left.push(one); }
  return seen;
}
function lineage(i) { // levels, the first generate first
  const depth = new Map(), walking = new Set();
  const deep = one => {
    if (depth.has(one)) return depth.get(one);
    if (walking.has(one)) return 0;
    walking.add(one);
    const level = 1 + Math.max(-1, ...above(one).map(deep));
    depth.set(one, level);
    return level;
  };
  const levels = [];
  for (let level = deep(i); level >= 0; level--) levels.push([]);
  for (const one of reach(i, above)) levels[deep(one)].push(one);
  return levels;
}

// --- the graph and the timeline ---
const indexOf = link => { const found = /^#n(\d+)$/.exec(link.getAttribute("href")); return found && +found[1]; };
for (const link of $$(".graph a[href]")) {
  const i = indexOf(link), name = $("title", link).textContent.trim();
  const words = i == null ? name : "the line of " + name;
  link.dataset.words = words;
  const light = on => {
    const id = link.getAttribute("href").slice(1);
    const those = i == null ? null : new Set([...reach(i, above), ...reach(i, readers)].map(one => "n" + one));
    for (const line of $$(".graph .line"))
      line.classList.toggle("lit", on && (those ? those.has(line.dataset.a) && those.has(line.dataset.b) : [line.dataset.a, line.dataset.b].includes(id)));
  };
  for (const [event, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) link.addEventListener(event, () => light(on));
  link.addEventListener("click", event => {
    event.preventDefault();
    const those = i == null ? $$(".card", document.getElementById(link.getAttribute("href").slice(1))).map(card => cards.indexOf(card)) : [...reach(i, above), ...reach(i, readers)];
    if (wanted.only && only.textContent === words + " ×") showOnly(null, ""); else showOnly(those, words);
  });
}
for (const link of $$(".timeline a[href], .trouble a")) link.addEventListener("click", event => { event.preventDefault(); open(indexOf(link)); });

// --- the large view ---
let here = null, take = 0, side = false;
const shown = () => cards.map((card, i) => i).filter(i => !cards[i].hidden);
function picture(shot, alt, whole = false) {
  const from = (whole && shot.u) || shot.t || shot.u;
  return from ? el("img", {src: from, width: shot.z[0], height: shot.z[1], alt, "data-whole": shot.u}) : el("span", {class: "missing"}, "no picture");
}
function badge(kind) { return $(".badge." + kind, cards[here])?.cloneNode(true); }
function small(i, k, words, having = {}) {
  const shot = data[i].t[k];
  return el("button", {type: "button", class: "small", title: words, ...having}, shot ? picture(shot, "") : el("span", {class: "missing"}, "–"), el("span", {}, words));
}
const named = i => data[i].l || data[i].n;
function stage(card) {
  const label = shot => "take " + shot.n + (shot.p ? " ✓ picked" : "");
  if (side && card.t.length > 1)
    return el("div", {class: "stage many"}, card.t.map((shot, k) => el("figure", {class: shot.p ? "picked" : ""}, picture(shot, card.n + ", take " + shot.n, true), el("figcaption", {}, label(shot)))));
  const shot = card.t[take];
  return el("div", {class: "stage"}, shot ? picture(shot, card.n + ", take " + shot.n + ": " + prompts(here), true) : el("p", {class: "missing"}, $(".frame span", cards[here])?.textContent || ""));
}
function part(title, ...inside) { return el("section", {}, el("h3", {}, title), inside); }
function about(card) {
  const shot = card.t[take], prompt = prompts(here), parts = [];
  if (card.e) parts.push(part("Why it is not done", el("p", {class: "error"}, card.e)));
  if (card.t.length > 1) parts.push(part("Takes", el("div", {class: "row"}, card.t.map((one, k) =>
    small(here, k, one.n + (one.p ? " ✓" : ""), {"aria-pressed": k === take, click: () => { take = k; side = false; draw(); }}))),
    button(side ? "one at a time" : "side by side", () => { side = !side; draw(); })));
  parts.push(part("Prompt", el("p", {class: "whole"}, prompt), copier(prompt, "the prompt")));
  if (card.c) parts.push(part(card.w ? "Changed since it was bought" : "What changed", el("p", {class: "whole"}, card.c.map(([kind, words]) =>
    kind === "same" ? words : el(kind === "added" ? "ins" : "del", {}, words)))));
  const levels = lineage(here), elsewhere = (shot || card.t[0])?.i.filter(one => !places.has(one[1])) || [];
  if (levels.length > 1 || elsewhere.length) {
    const row = el("div", {class: "row line-of"});
    if (elsewhere.length) row.append(el("div", {class: "level"}, elsewhere.slice(0, 8).map(one => el("span", {class: "chip-like"}, one[0]))));
    for (const level of levels) row.append(el("div", {class: "level"}, level.slice(0, 12).map(i => small(i, i === here ? take : 0, named(i), {"aria-current": i === here || null, click: () => open(i)}), level.length > 12 ? "and " + (level.length - 12) + " more" : null)));
    parts.push(part("From the first to this", row, card.d ? el("p", {}, card.d) : null));
  }
  if (readers(here).length) parts.push(part("Read by", el("div", {class: "row"}, readers(here).slice(0, 24).map(i => small(i, 0, named(i), {click: () => open(i)})))));
  const facts = [["node", card.n], ...(shot ? shot.f : []), ...(card.s ? [["took", card.s]] : [])];
  parts.push(part("Facts", el("dl", {}, facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value, ["node", "file", "task", "trace", "sha256", "key"].includes(name) ? copier(value, name) : null)]))));
  if (shot?.r) {
    const asked = JSON.stringify("prompt" in shot.r ? {...shot.r, prompt: shot.r.prompt || prompt} : shot.r, null, 1);
    parts.push(el("details", {}, el("summary", {}, "The request"), el("pre", {tabindex: 0}, asked), copier(asked, "the request")));
  }
  return parts;
}
function draw() {
  const card = data[here], all = shown(), at = all.indexOf(here), shot = card.t[take];
  const kept = document.activeElement?.closest("#view") ? document.activeElement.className : null;
  view.replaceChildren(
    el("div", {class: "look"}, stage(card),
      button("‹", () => step(-1), {class: "round before", "aria-label": "Picture before", disabled: at < 1}),
      button("›", () => step(1), {class: "round after", "aria-label": "Next picture", disabled: at < 0 || at === all.length - 1})),
    el("aside", {},
      el("header", {}, el("div", {}, el("p", {class: "of"}, data[here].g + (at < 0 ? "" : "  " + (at + 1) + " of " + all.length)), el("h2", {}, card.n.split(/(?<=[,[/])/).flatMap(part => [part, el("wbr")]))), button("×", () => view.close(), {class: "round close", "aria-label": "Close"})),
      el("p", {class: "badges"}, card.k.map(badge)),
      el("p", {class: "acts"},
        shot?.u ? el("a", {class: "button", href: shot.u}, "open the file") : null,
        shot ? button(marked.some(one => one[0] === here && one[1] === take) ? "unmark" : "compare", () => mark(here, take), {class: "button mark"}) : null),
      about(card)));
  view.dispatchEvent(new CustomEvent("drawn"));
  if (kept) (kept && $$("." + kept.split(" ").join("."), view).find(one => !one.disabled) || $(".close", view)).focus();
}
function open(i) {
  here = i; take = 0; side = false;
  draw();
  if (!view.open) { view.showModal(); $(".close", view).focus(); }
  $("aside", view).scrollTop = 0;
}
function step(by) {
  const all = shown(), next = all[all.indexOf(here) + by];
  if (next != null) open(next);
}
view.addEventListener("close", () => { const frame = $(".frame", cards[here]); if (frame && !compare.open) frame.focus(); });
for (const dialog of [view, compare, keys]) dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });

document.addEventListener("click", event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest(".frame, .takes a"), card = link?.closest(".card");
  if (!card) return;
  event.preventDefault();
  open(cards.indexOf(card));
  const k = link.closest(".takes") ? $$(".takes a", card).indexOf(link) : 0;
  if (k > 0) { take = k; draw(); }
});

// --- compare ---
let marked = [], mode = "side";
const modes = [["side", "side by side"], ["swipe", "swipe"], ["onion", "onion"], ["difference", "difference"]];
function mark(i, k) {
  const at = marked.findIndex(one => one[0] === i && one[1] === k);
  if (at >= 0) marked.splice(at, 1); else marked = [...marked.slice(-1), [i, k]];
  if (view.open && at >= 0) draw();
  if (at < 0 && marked.length === 2) versus(); else { trayed(); if (view.open && at < 0) draw(); }
}
function trayed() {
  tray.hidden = !marked.length;
  tray.replaceChildren(...marked.map(([i, k]) => small(i, k, named(i) + "  ×", {"aria-label": named(i) + "  ×, unmark it", click: () => mark(i, k)})),
    marked.length === 2 ? button("compare", versus) : el("span", {}, "mark another one with c"));
}
function versus() {
  trayed();
  const [a, b] = marked.map(([i, k]) => ({...data[i].t[k], name: data[i].n}));
  const label = shot => shot.name + ", take " + shot.n;
  const box = el("div", {class: "pair " + mode}, el("figure", {}, picture(a, label(a), true), el("figcaption", {}, label(a))), el("figure", {class: "top"}, picture(b, label(b), true), el("figcaption", {}, label(b))));
  const slide = el("input", {type: "range", min: 0, max: 100, value: 50, "aria-label": mode === "swipe" ? "Where the second begins" : "How much of the second", input: () => box.style.setProperty("--at", slide.value + "%")});
  box.style.setProperty("--at", "50%");
  box.addEventListener("pointermove", event => {
    if (mode !== "swipe") return;
    const area = $("img", box).getBoundingClientRect();
    slide.value = Math.max(0, Math.min(100, (event.clientX - area.left) / area.width * 100)); box.style.setProperty("--at", slide.value + "%");
  });
  compare.replaceChildren(
    el("header", {}, el("div", {class: "chips", role: "group", "aria-label": "How"}, modes.map(([name, words]) => button(words, () => { mode = name; versus(); $("[aria-pressed=true]", compare).focus(); }, {class: "chip", "aria-pressed": name === mode}))),
      mode === "swipe" || mode === "onion" ? slide : null,
      button("swap", () => { marked.reverse(); versus(); $(".swap", compare).focus(); }, {class: "button swap"}),
      button("×", () => compare.close(), {class: "round close", "aria-label": "Close"})),
    box);
  if (!compare.open) { compare.showModal(); $("[aria-pressed=true]", compare).focus(); }
}
compare.addEventListener("close", () => { marked = []; trayed(); if (view.open) draw(); });

// --- keys ---
function beside(frame, key) {
  const all = shown().map(i => $(".frame", cards[i])), at = all.indexOf(frame);
  if (at < 0) return all[0];
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  const down = key === "ArrowDown", from = frame.getBoundingClientRect();
  let best = null, least = Infinity, row = null;
  for (let k = at + (down ? 1 : -1); k >= 0 && k < all.length; k += down ? 1 : -1) {
    const area = all[k].getBoundingClientRect();
    if (Math.abs(area.top - from.top) < 8) continue;
    row ??= area.top;
    if (Math.abs(area.top - row) > 8) break;
    const away = Math.abs(area.left - from.left);
    if (away < least) { least = away; best = all[k]; }
  }
  return best;
}
const fold = what => { const own = $("details." + what); if (own) { own.open = !own.open; own.scrollIntoView({block: "nearest"}); $("summary", own).focus(); } };
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea, select"), key = event.key, arrow = key.startsWith("Arrow");
  if (typing) {
    if (key === "Escape" && event.target === search) { search.value = ""; search.dispatchEvent(new Event("input")); search.blur(); }
    return;
  }
  const done = () => event.preventDefault();
  if (key === "?") { done(); if (keys.open) keys.close(); else keys.showModal(); return; }
  if (keys.open) return;
  if (compare.open) {
    const chosen = modes["1234".indexOf(key)];
    if (chosen && key) { mode = chosen[0]; versus(); $("[aria-pressed=true]", compare).focus(); done(); }
    return;
  }
  if (view.open) {
    if (event.target.closest("pre")) return;
    if (key === "ArrowRight") { done(); step(1); }
    else if (key === "ArrowLeft") { done(); step(-1); }
    else if (key === "c" && data[here].t[take]) mark(here, take);
    else if (key === "t" && data[here].t.length > 1) { side = !side; draw(); }
    return;
  }
  const frame = event.target.closest(".frame"), card = event.target.closest(".card");
  if (key === "/") { done(); search.focus(); search.select(); }
  else if (key === "g") fold("graph");
  else if (key === "w") fold("timeline");
  else if (arrow && (frame || event.target === document.body)) { const next = beside(frame, key); if (next) { done(); next.focus(); next.scrollIntoView({block: "nearest"}); } }
  else if (key === "c" && card) { const i = cards.indexOf(card); if (data[i].t[0]) mark(i, 0); }
  else if (key === "t" && card) { const i = cards.indexOf(card); open(i); if (data[i].t.length > 1) { side = true; draw(); } }
  else if (key === "Escape" && wanted.only) showOnly(null, "");
});
$(".help").addEventListener("click", () => keys.showModal());

// --- for a script behind this one: the same cards with what is new of them ---
function renew(next) {
  data.splice(0, data.length, ...next.map(whole));
  texts.length = 0; below = undefined; places.clear(); place(); show();
  if (view.open) { take = Math.min(take, Math.max(0, data[here].t.length - 1)); draw(); }
}
window.gallery = {$, $$, el, button, copier, cards, data, view, renew, draw, open, at: () => [here, take]};
})();
