"use strict";
(() => {
const gallery = window.gallery, read = from => JSON.parse(from.querySelector("#studio-data").textContent);
if (!gallery) return;
const {$, $$, el, button, copier, cards, data, view} = gallery;
const strip = $("#studio"), agree = $("#agree"), variables = $("#variables"), runs = $("#runs");
const go = $(".go", strip), stop = $(".stop", strip), meter = $(".meter", strip), notices = $(".notices", strip);
let known = read(document), version = +strip.dataset.version, state = null, last = null, tried = null, trouble = "null";
const SAYS = {INTENT: "sending", ACCEPTED: "being made", SUCCEEDED: "downloading", UNKNOWN: "in doubt"};
const STATES = {call: "to buy", wait: "to come", local: "to make", cached: "there", "needs-pick": "to pick from"};
const dollars = micros => micros == null ? "an unknown price" : micros === 0 ? "nothing" : "$" + (micros / 1e6).toFixed(micros % 1e4 ? 3 : 2);
const span = seconds => seconds < 60 ? seconds + " s" : Math.floor(seconds / 60) + " min " + String(seconds % 60).padStart(2, "0") + " s";

// --- asking the studio ---
class Refused extends Error {}
let asked = 0;
async function act(name, said) {
  let answer, told;
  asked++;
  strip.classList.add("is-busy");
  try {
    answer = await fetch("_do/" + name, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(said)});
    told = await answer.json();
  } catch { told = {error: answer ? {message: "this is a bug of ours", hint: "the terminal of the studio says more", errors: []} : {message: "the studio does not answer", hint: "start it again: banana-pipe studio", errors: []}}; }
  finally { strip.classList.toggle("is-busy", --asked > 0); }
  if (told.error) throw Object.assign(new Refused(told.error.message), {told});
  return told;
}
function command(words, label = "The same:") { return words ? el("p", {class: "same"}, el("span", {}, label), el("code", {}, words), copier(words, "the command")) : null; }
function troubled(error) {
  const all = error.errors?.length ? error.errors : [error];
  return el("div", {class: "trouble failed said"}, all.slice(0, 8).flatMap(one => one.at || one.lines?.length > 2
    ? el("pre", {tabindex: 0}, (one.lines || [one.message]).join("\n"))
    : [el("p", {class: "error"}, one.message), one.hint ? el("p", {class: "advice"}, el("span", {"aria-hidden": "true"}, "→ "), one.hint) : null]),
    all.length > 8 ? el("p", {}, "and " + (all.length - 8) + " more") : null);
}
// Behind a dialog nobody sees the bar: what is said stands in the large view while that is open.
const near = el("div", {class: "notices", "aria-live": "polite"});
function notice(...inside) {
  const own = el("div", {class: "notice"}, el("div", {}, inside), button("×", () => own.remove(), {class: "round", "aria-label": "Dismiss"}));
  (view.open ? near : notices).replaceChildren(own);
  return own;
}
view.addEventListener("close", () => { if (near.firstChild) notices.replaceChildren(...near.childNodes); });
const complain = error => { if (!(error instanceof Refused)) throw error; notice(troubled(error.told.error)); };

// --- what is new on the page ---
const html = new Map(cards.map(card => [card.id, card.innerHTML]));
const shape = from => $$(".card", from).map(card => card.id + $("[title]", card).title).join("\n");
const whole = shape(document);
const isBusy = () => !!$("dialog[open]") || !!$("[type=search]").value;
function swap(what, next, before) {
  const old = $(what), fresh = $(what, next);
  if (!old && !fresh || old && fresh && old.outerHTML === fresh.outerHTML) return;
  const made = fresh && document.adoptNode(fresh);
  if (made && old) { if (old.open) made.open = true; old.replaceWith(made); }
  else if (made) $(before).before(made);
  else old.remove();
  for (const link of made ? $$("a[href^='#n']", made) : []) link.addEventListener("click", event => { event.preventDefault(); gallery.open(+link.getAttribute("href").slice(2)); });
}
async function renew() {
  let text;
  try { const answer = await fetch("./"); if (!answer.ok) return; text = await answer.text(); } catch { return; } // that nobody answers the bar says
  const next = new DOMParser().parseFromString(text, "text/html");
  if (shape(next) !== whole) { // other nodes: another page
    if (!isBusy()) location.reload();
    else notice(el("p", {}, "The recipe has other nodes now. ", button("look at them", () => location.reload())));
    return;
  }
  known = read(next); version = +$("#studio", next).dataset.version;
  for (const fresh of $$(".card", next)) {
    if (html.get(fresh.id) === fresh.innerHTML) continue;
    const own = document.getElementById(fresh.id), held = own.contains(document.activeElement);
    html.set(fresh.id, fresh.innerHTML);
    own.replaceChildren(...[...fresh.childNodes].map(node => document.adoptNode(node)));
    own.classList.remove("fresh"); void own.offsetWidth; own.classList.add("fresh");
    if (held) $(".frame", own).focus({preventScroll: true});
  }
  for (const fresh of $$(".chip[value]", next)) {
    const own = $(`.chip[value="${fresh.value}"]`);
    if (own) { own.hidden = fresh.hidden; $("small", own).textContent = $("small", fresh).textContent; }
  }
  const cells = $$(".graph .cell", next);
  $$(".graph .cell").forEach((own, i) => {
    if (!cells[i]) return;
    own.setAttribute("class", cells[i].getAttribute("class") + (own.classList.contains("lit") ? " lit" : ""));
    $("text", own).textContent = $("text", cells[i]).textContent;
  });
  swap(".where", next, ".numbers"); swap(".numbers", next, ".again"); swap(".warnings", next, "main > *"); swap(".troubles", next, "main > .bar"); swap(".timeline", next, "#none");
  gallery.renew(JSON.parse($("#data", next).textContent).cards);
  for (const [node, one] of picking) if (version > one.from) picking.delete(node); else show(node, one.take);
  priced(); bar();
}
// One at a time; whoever asks meanwhile is answered by the one after it, all of them by the same.
let renewing = Promise.resolve(), after = null;
const again = () => after ??= renewing = renewing.catch(() => {}).then(() => { after = null; return renew(); });
function priced() {
  cards.forEach((card, i) => {
    const price = known.nodes[data[i].n]?.w, place = $(".badges", card);
    if (price && price !== "free" && data[i].k.includes("call") && !$(".price", place)) place.append(el("span", {class: "price"}, price));
  });
}

// --- the bar ---
const barSays = () => $(".todo", strip).textContent; // also behind the large view, which says it again
function bar() {
  const going = state?.going;
  strip.classList.toggle("is-going", !!going);
  $(".todo", strip).textContent = !going ? known.words : going.stopping ? "Stopping: what is accepted is collected"
    : going.what === "reroll" ? "Making one more take" : going.to_do ? `${going.made} of ${going.to_do} made` : "Beginning";
  const parts = !going ? [] : [
    going.spent + (going.cap ? " of " + going.cap : ""),
    going.left ? "about " + span(going.left) + " left" : span(going.seconds),
    going.flying ? going.flights.slice(0, 3).map(one => `${one.name} ${SAYS[one.state] || ""}`).join(", ") + (going.flying > 3 ? ` and ${going.flying - 3} more` : "") : null,
    going.waits.length && !going.flying ? going.waits[0].node + " " + going.waits[0].why : null];
  $$(".then", view).forEach(one => { one.textContent = barSays(); });
  $(".more", strip).textContent = parts.filter(Boolean).join(" · ");
  go.hidden = !!going || !known.todo;
  go.textContent = known.bill.calls ? "Run…" : "Run";
  stop.hidden = !going; stop.disabled = !!going?.stopping;
  meter.hidden = !going || !going.to_do;
  if (!meter.hidden) {
    meter.setAttribute("aria-valuemax", going.to_do); meter.setAttribute("aria-valuenow", going.made);
    meter.firstChild.style.width = Math.max(2, going.made / going.to_do * 100) + "%";
  }
}
function told(ended) {
  if (ended.error) return notice(troubled(ended.error));
  if (ended.what === "reroll") {
    const take = ended.takes[0];
    if (!take) return notice(el("p", {}, el("strong", {}, ended.node + ": no take was bought")), ended.said ? el("p", {class: "error"}, ended.said) : null);
    return notice(el("p", {}, el("strong", {}, `${take.node}: take ${take.take} is here`), take.picked ? " and picked. " : ", to be picked. ",
      take.picked && take.before ? button("back to take " + take.before, () => pick(take.node, take.before)) : !take.picked ? button("pick it", () => pick(take.node, take.take)) : null));
  }
  const cost = ended.cost ? ` for ${dollars(ended.cost)}` : "", made = ended.paid_images;
  const how = {ok: "All done", failed: "Not all done", parked: "Some calls are in doubt", waiting: "It waits for picks", stopped: "Stopped", interrupted: "Stopped"}[ended.status];
  return notice(el("p", {}, el("strong", {}, how + ": "), `${made} ${made === 1 ? "picture" : "pictures"} made${cost} in ${span(Math.round(ended.seconds))}.`),
    ended.said ? el("p", {class: "error"}, ended.said) : null);
}
// One word after the other: what ended is told by the second, and the page that the first one asks for is there by then.
let catching = Promise.resolve();
const caughtUp = now => catching = catching.catch(() => {}).then(async () => {
  await renewing.catch(() => {});
  if (version !== now && tried !== now) { tried = now; await again(); }
});
async function hear(event) {
  state = JSON.parse(event.data);
  strip.classList.remove("is-off");
  const ended = JSON.stringify(state.ended), isNews = last !== null && state.ended && ended !== last;
  last = ended;
  if (JSON.stringify(state.trouble) !== trouble) {
    trouble = JSON.stringify(state.trouble);
    $("[data-trouble]")?.remove();
    if (state.trouble) notice(el("p", {}, el("strong", {}, "The recipe cannot be read now; this is how it stood before.")), troubled(state.trouble)).dataset.trouble = "1";
  }
  bar();
  await caughtUp(state.version);
  if (isNews) told(JSON.parse(ended));
}
let events = null;
function listen() {
  events?.close();
  events = new EventSource("_events");
  events.onmessage = hear;
  events.onerror = () => { strip.classList.add("is-off"); $(".todo", strip).textContent = "Not connected: has the studio ended?"; $(".more", strip).textContent = ""; };
}
// A page that nobody looks at leaves its connection to others; what it missed it hears with the first word.
document.addEventListener("visibilitychange", () => { if (document.hidden) { events?.close(); events = null; } else if (!events) listen(); });

// --- picking ---
const takes = i => data[i].t.filter(shot => /^\d+$/.test(shot.n));
const picking = new Map();
// What is picked is shown at once: of a large recipe the next page takes seconds to make.
function show(node, take) {
  const i = data.findIndex(card => card.n === node), own = cards[i], card = data[i];
  if (!card?.t.some(shot => shot.n === String(take))) return;
  known.nodes[node].c = 1;
  html.delete(own.id); // the next page says how it is, whatever comes of this
  card.t.forEach((shot, k) => {
    shot.p = +(shot.n === String(take));
    const link = $$(".takes a", own)[k];
    if (link) { link.classList.toggle("picked", !!shot.p); $("span", link).textContent = shot.n + (shot.p ? " ✓" : ""); }
  });
  if (view.open && gallery.at()[0] === i) gallery.draw();
}
async function done(name, said, words, undo) {
  try {
    const answer = await act(name, said), back = undo?.(answer);
    notice(el("p", {}, el("strong", {}, words), back && button("undo", back)), command(answer.command));
    return true;
  } catch (error) { complain(error); }
  return false;
}
async function pick(node, take) {
  const own = {take, from: Infinity}; // shown until there is a page after this one
  picking.set(node, own); show(node, take);
  const ok = await done("pick", {node, take}, `${node}: take ${take} is picked. `, ({picked: [{before}]}) => before !== take && (() => before ? pick(node, before) : unpick(node)));
  own.from = ok ? version : -1;
  if (!ok || !state?.going) await again(); // while something is bought, the studio says when there is another page
}
const unpick = node => { picking.delete(node); return done("unpick", {node}, `${node}: the recipe decides. `).then(again); };
const accept = node => done("accept", {nodes: [node]}, `${node}: accepted as it is. `, () => () => unpick(node)).then(again);

// --- what costs money is agreed to ---
function consent(title, bill, words, buy, said) {
  const commit = button(bill.calls ? "Buy for " + dollars(bill.micros) : words, async () => {
    commit.disabled = true;
    try { await buy({calls: bill.calls, micros: bill.micros}); agree.close(); }
    catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.told.bill) consent(title, error.told.bill, words, buy, error.told.error);
      else { commit.disabled = false; $(".why", agree).replaceChildren(troubled(error.told.error)); }
    }
  }, {class: "button primary commit"});
  const flags = !bill.calls ? "" : ` --max-calls ${bill.calls}` + (bill.micros == null ? "" : ` --max-cost ${(Math.ceil(bill.micros / 1e4) / 100).toFixed(2)}`);
  const cancel = button("Cancel", () => agree.close());
  agree.replaceChildren(...[el("h2", {id: "agree-title"}, title), bill.calls ? el("p", {class: "price-of"}, bill.words) : null,
    el("p", {}, bill.calls ? "No more than that is bought, and what is bought is kept." : "Free: nothing is paid for."),
    el("div", {class: "why"}, said ? troubled(said) : null), command(consent.command + flags),
    el("p", {class: "choice"}, commit, cancel)].filter(Boolean));
  if (!agree.open) agree.showModal();
  (said ? cancel : commit).focus(); // a key that was pressed for the old price agrees to no new one
}
// A key that is held is one key: the one that opened a question does not answer it.
document.addEventListener("keydown", event => { if (event.repeat && event.key === "Enter" && !event.target.matches("textarea")) event.preventDefault(); }, true);
function run() {
  if (go.hidden) return;
  const begin = agreed => act("run", {agreed});
  if (!known.bill.calls) {
    go.disabled = true;
    return begin({calls: 0, micros: 0}).catch(complain).finally(() => { go.disabled = false; });
  }
  consent.command = known.commands.run;
  consent("Run?", known.bill, "Run", begin);
}
function reroll(node) {
  const one = known.nodes[node];
  if (!one?.r || state?.going) return;
  const bill = one.m === 0 ? {calls: 0, micros: 0, words: "One more take, free"} : {calls: 1, micros: one.m, words: "1 picture for " + (one.m == null ? "an unknown price" : "about " + one.w)};
  consent.command = known.commands.reroll.replace("%NODE%", () => quoted(node));
  consent(`One more take of ${node}?`, bill, "Draw it", agreed => act("reroll", {node, agreed}));
}
const quoted = text => /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", `'"'"'`) + "'";
go.addEventListener("click", run);
stop.addEventListener("click", () => act("stop", {}).catch(complain));

// --- in the large view ---
view.addEventListener("drawn", () => {
  const [i, k] = gallery.at(), card = data[i], one = known.nodes[card.n], shot = card.t[k], acts = $(".acts", view);
  if (!one) return;
  const choosing = (shot, words) => button(words, () => pick(card.n, +shot.n), {class: "button primary pick take-" + shot.n});
  const several = takes(i).length > 1 || one.q;
  if (shot && several && /^\d+$/.test(shot.n)) acts.prepend(shot.p ? el("span", {class: "chosen"}, "✓ picked") : choosing(shot, `pick take ${shot.n}`));
  if (one.c) acts.append(button("let the recipe decide", () => unpick(card.n), {class: "button unpick"}));
  if (one.a) acts.prepend(button("accept the file", () => accept(card.n), {class: "button primary accept"}));
  acts.after(el("p", {class: "soft then"}, barSays()), near);
  if (one.r) acts.append(button("one more take · " + one.w, () => reroll(card.n), {class: "button reroll", "aria-haspopup": "dialog", disabled: !!state?.going}));
  $$(".stage.many figure", view).forEach((figure, j) => { const own = card.t[j]; if (own && !own.p && /^\d+$/.test(own.n)) figure.append(choosing(own, "pick take " + own.n)); else figure.append(el("span", {class: "no-pick"})); });
});
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input, textarea, select")) return;
  if (agree.open || variables.open || runs.open || $("#compare").open || $("#keys").open) return;
  const card = event.target.closest?.(".card"), i = view.open ? gallery.at()[0] : card ? cards.indexOf(card) : null;
  if (i == null) return;
  const node = data[i].n, one = known.nodes[node];
  if (/^[1-9]$/.test(event.key) && takes(i).some(shot => shot.n === event.key)) { event.preventDefault(); pick(node, +event.key); }
  else if (event.key === "0" && one?.c) unpick(node);
  else if (event.key === "r" && one?.r) reroll(node);
  else if (event.key === "a" && one?.a) accept(node);
});
// Another page waits until nobody looks at this one from near.
for (const dialog of $$("dialog")) dialog.addEventListener("close", () => { if (state && state.version !== version) again(); });
for (const dialog of [agree, variables, runs]) {
  dialog.addEventListener("keydown", event => event.stopPropagation());
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
}
$("#keys dl").append(...[["1 … 9", "pick that take"], ["0", "let the recipe decide"], ["r", "one more take; its price is asked first"], ["a", "accept a file changed by hand"]]
  .flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)]));
const headed = (dialog, title) => el("header", {}, el("h2", {id: dialog.id + "-title"}, title), button("×", () => dialog.close(), {class: "round close", "aria-label": "Close"}));
const changed = pieces => el("p", {class: "whole"}, pieces.map(([kind, words]) => kind === "same" ? words : el(kind === "added" ? "ins" : "del", {}, words)));

// --- other values ---
let asking = 0;
function values() {
  const fields = known.vars.map(one => {
    const input = el(one.text && one.value.length < 60 ? "input" : "textarea", {name: one.name, spellcheck: one.text ? null : "false", rows: one.text ? 2 : 3, autocomplete: "off"});
    input.value = one.value;
    return {one, input};
  });
  const found = el("div", {class: "found", "aria-live": "polite"});
  const preview = async () => {
    const set = Object.fromEntries(fields.filter(({one, input}) => input.value !== one.value).map(({one, input}) => [one.name, input.value]));
    const mine = ++asking; // who asked last is answered
    if (!Object.keys(set).length) return found.replaceChildren(el("p", {class: "soft"}, "Type another value: what a run would buy with it stands here. Nothing is written."));
    found.classList.add("is-old");
    try { const answer = await act("preview", {set}); if (mine === asking) found.replaceChildren(...previewed(answer)); }
    catch (error) { if (!(error instanceof Refused)) throw error; if (mine === asking) found.replaceChildren(troubled(error.told.error)); }
    if (mine === asking) found.classList.remove("is-old");
  };
  let timer;
  for (const {input} of fields) input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(preview, 300); });
  variables.replaceChildren(headed(variables, "Variables"),
    el("div", {class: "fields"}, fields.map(({one, input}) => el("label", {}, el("span", {}, one.name, one.text ? null : el("small", {}, " YAML")), input))), found);
  preview();
  variables.showModal();
  fields[0]?.input.focus();
}
function previewed(answer) {
  const one = count => count === 1 ? "1 node changes" : count + " nodes change";
  return [el("p", {class: "price-of"}, answer.words), el("p", {class: "soft"}, one(answer.changed) + (answer.gone.length ? `, ${answer.gone.length} would be gone` : "")),
    command(answer.command, "To do it:"),
    ...answer.warnings.map(words => el("p", {class: "caution"}, words)),
    el("ul", {class: "nodes"}, answer.nodes.map(node => el("li", {}, el("h3", {}, node.node, el("small", {}, " " + (node.price === "free" && node.state === "call" ? "to draw" : STATES[node.state] || node.state) + (node.price && node.price !== "free" ? " · " + node.price : ""))), node.prompt.length ? changed(node.prompt) : null))),
    answer.changed > answer.nodes.length ? el("p", {class: "soft"}, `and ${answer.changed - answer.nodes.length} more`) : null].filter(Boolean);
}
$(".to-vars", strip)?.addEventListener("click", values);

// --- two runs ---
const named = id => `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)} ${id.slice(9, 11)}:${id.slice(11, 13)}:${id.slice(13, 15)} UTC`;
function compare() {
  const choose = (label, ids, chosen, first) => {
    const input = el("select", {}, first, ids.map(id => el("option", {value: id, selected: id === chosen}, named(id))));
    return [el("label", {}, el("span", {}, label), input), input];
  };
  const [before, a] = choose("Before", known.runs, known.runs[1] || known.runs[0]), [after, b] = choose("After", known.runs, null, el("option", {value: ""}, "the folder as it is now"));
  const found = el("div", {class: "found", "aria-live": "polite"});
  const look = async () => {
    if (!a.value) return found.replaceChildren(el("p", {class: "soft"}, "There is no run to compare with yet."));
    found.replaceChildren(el("p", {class: "soft"}, "Comparing…"));
    try { found.replaceChildren(...compared(await act("diff", {a: a.value, b: b.value}), a.value, b.value)); }
    catch (error) { if (!(error instanceof Refused)) throw error; found.replaceChildren(troubled(error.told.error)); }
  };
  a.addEventListener("change", look); b.addEventListener("change", look);
  runs.replaceChildren(headed(runs, "Runs"), el("div", {class: "fields two"}, before, after), found);
  runs.showModal(); a.focus(); look();
}
function compared(answer, a, b) {
  const {totals, pictures, notes} = answer.comparison, news = pictures.filter(one => one.kind !== "same" || one.prompt.length);
  const far = one => one.distance ? `${(one.distance.pixels * 100).toFixed(one.distance.pixels < 0.1 ? 1 : 0)} % of the pixels` : "";
  return [el("p", {class: "price-of"}, ["changed", "added", "removed", "renamed"].filter(kind => totals[kind]).map(kind => `${totals[kind]} ${kind}`).join(", ") || "Nothing is different"),
    !news.length ? null : el("p", {}, el("a", {class: "button", href: `_diff?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`, target: "_blank", rel: "noopener"}, "see the pictures side by side")),
    command(answer.command), ...notes.map(words => el("p", {class: "caution"}, words)),
    el("ul", {class: "nodes"}, news.slice(0, 200).map(one => el("li", {}, el("h3", {}, one.name, el("small", {}, " " + [one.kind, far(one)].filter(Boolean).join(" · "))),
      one.prompt.length ? changed(one.prompt.map(piece => [piece.kind, piece.text])) : null)))].filter(Boolean);
}
$(".to-runs", strip).addEventListener("click", compare);

priced(); bar(); listen();
})();
