"use strict";
(() => {
  const PAGE = 50;
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const [ID, QUESTION, TRUTH, ANSWERS, TAGS, PICTURES] = [0, 1, 2, 3, 4, 5];
  const [VALUE, STATUS, TEXT, ERROR] = [0, 1, 2, 3];
  const two = data.runs.length > 1;
  const state = { sort: two ? "change" : "value", down: two, page: 0, shown: [], open: -1 };

  /* Words of models become text nodes only: nothing here writes HTML. */
  function make(name, look, words, children) {
    const node = document.createElement(name);
    if (look) node.className = look;
    if (words !== undefined) node.textContent = words;
    for (const child of children || []) node.append(child);
    return node;
  }
  const number = (value) => value === null ? "–" : data.factor === 100 ? (100 * value).toFixed(2) : String(+value.toPrecision(4));
  const better = (entry) => {
    const [a, b] = entry[ANSWERS].map((each) => each[VALUE]);
    return a === null || b === null || a === undefined || b === undefined ? null : data.higher ? b - a : a - b;
  };
  const isBad = (entry) => entry[ANSWERS].some((each) => each[STATUS] !== "ok");
  const dot = (run) => make("i", "dot run" + run);

  /* Colour scheme */
  const THEMES = ["", "light", "dark"];
  const NAMES = { "": "Auto", light: "Light", dark: "Dark" };
  function setTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    $("theme").querySelector("span").textContent = NAMES[theme];
    $("theme").setAttribute("aria-label", "Colour scheme: " + (theme || "as the system"));
  }
  function kept(value) {
    try {
      if (value === undefined) return localStorage.getItem("refbench-theme") || "";
      localStorage.setItem("refbench-theme", value);
    } catch { /* a file may have no storage */ }
    return "";
  }
  $("theme").addEventListener("click", () => {
    const now = document.documentElement.dataset.theme || "";
    const theme = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    setTheme(theme);
    kept(theme);
  });
  setTheme(THEMES.includes(kept()) ? kept() : "");

  /* The list */
  const columns = [
    { key: "place", name: "Sample", of: (entry, place) => place },
    ...data.runs.map((name, run) => ({ key: run ? "other" : "value", name: two ? name : data.metric, run, of: (entry) => entry[ANSWERS][run][VALUE] })),
    ...(two ? [{ key: "change", name: "Change", of: better, size: true }] : []),
  ];
  const folded = data.entries.map((entry) => [entry[ID], entry[QUESTION], entry[TRUTH], ...entry[ANSWERS].flatMap((each) => [each[TEXT], each[ERROR]])].join("\n").toLowerCase());

  function passes(entry, place, wanted) {
    if (wanted.words && !folded[place].includes(wanted.words)) return false;
    if (wanted.status === "ok" && isBad(entry)) return false;
    if (wanted.status === "bad" && !isBad(entry)) return false;
    if (wanted.status === "pictured" && !entry[PICTURES].length) return false;
    if (wanted.slice && entry[TAGS][wanted.slice[0]] !== wanted.slice[1]) return false;
    if (!wanted.change) return true;
    const change = better(entry);
    return wanted.change === "up" ? change > 0 : wanted.change === "down" ? change < 0 && change !== null : change === 0;
  }
  function refresh() {
    const wanted = {
      words: $("search").value.trim().toLowerCase(),
      status: $("status").value,
      change: two ? $("change").value : "",
      slice: $("slice").value ? JSON.parse($("slice").value) : null,
    };
    const places = data.entries.map((_, place) => place).filter((place) => passes(data.entries[place], place, wanted));
    const column = columns.find((each) => each.key === state.sort);
    const weight = (place) => {
      const value = column.of(data.entries[place], place);
      return value === null || value === undefined ? null : column.size ? Math.abs(value) : value;
    };
    const weights = new Map(places.map((place) => [place, weight(place)]));
    places.sort((a, b) => {
      const x = weights.get(a), y = weights.get(b);
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return (state.down ? y - x : x - y) || a - b;
    });
    state.shown = places;
    state.page = Math.min(state.page, Math.max(0, Math.ceil(places.length / PAGE) - 1));
    draw();
  }
  function heads() {
    $("heads").replaceChildren(...columns.map((column) => {
      const button = make("button", "", column.name + (state.sort === column.key ? (state.down ? " ↓" : " ↑") : ""));
      button.type = "button";
      button.dataset.sort = column.key;
      button.addEventListener("click", () => {
        state.down = state.sort === column.key ? !state.down : column.key === "change";
        state.sort = column.key;
        state.page = 0;
        refresh();
        $("heads").querySelector('[data-sort="' + column.key + '"]').focus();
      });
      const head = make("th", column.key === "place" ? "" : "num", undefined, [button]);
      head.scope = "col";
      if (state.sort === column.key) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      return head;
    }), make("th", "", "Answer"));
  }
  function valueCell(entry, column) {
    if (column.key === "change") {
      const change = better(entry);
      const look = change === null || change === 0 ? "" : change > 0 ? "up" : "down";
      const [a, b] = entry[ANSWERS].map((each) => each[VALUE]);
      const words = change === null ? "–" : change === 0 ? "=" : (b > a ? "+" : "−") + number(Math.abs(b - a));
      return make("td", "num " + look, words);
    }
    const said = entry[ANSWERS][column.run];
    const cell = make("td", "num");
    if (two) cell.append(dot(column.run));
    cell.append(said[STATUS] === "ok" ? number(said[VALUE]) : make("span", "tag", said[STATUS].replace("_", " ")));
    return cell;
  }
  function row(place) {
    const entry = data.entries[place];
    const button = make("button", "", undefined, [make("span", "question", entry[QUESTION] || entry[ID])]);
    if (entry[QUESTION]) button.append(make("small", "", entry[ID]));
    button.type = "button";
    button.dataset.place = place;
    button.dir = "auto";
    const answer = make("td", "long", undefined, entry[ANSWERS].map((said, run) => {
      const line = make("span", "answer", said[STATUS] === "ok" ? said[TEXT] : said[ERROR]);
      line.dir = "auto";
      if (two && line.textContent) line.prepend(dot(run));
      return line;
    }));
    const node = make("tr", "", undefined, [make("td", "", undefined, [button]), ...columns.slice(1).map((column) => valueCell(entry, column)), answer]);
    node.addEventListener("click", () => show(place));
    return node;
  }
  function draw() {
    heads();
    const start = state.page * PAGE, pages = Math.max(1, Math.ceil(state.shown.length / PAGE));
    $("rows").replaceChildren(...state.shown.slice(start, start + PAGE).map(row));
    const all = data.entries.length.toLocaleString("en"), some = state.shown.length.toLocaleString("en");
    $("count").textContent = state.shown.length === data.entries.length ? all + " samples" : some + " of " + all + " samples";
    $("page").textContent = "Page " + (state.page + 1) + " of " + pages;
    $("before").disabled = state.page === 0;
    $("after").disabled = state.page >= pages - 1;
  }
  function turn(step) {
    state.page += step;
    draw();
    $("list").scrollIntoView({ block: "start" });
  }
  $("before").addEventListener("click", () => turn(-1));
  $("after").addEventListener("click", () => turn(1));
  for (const id of ["search", "status", "change", "slice"]) {
    if ($(id)) $(id).addEventListener("input", () => { state.page = 0; refresh(); });
  }
  document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
  data.tags.forEach((tag, at) => {
    const counts = new Map();
    for (const entry of data.entries) if (entry[TAGS][at] !== null) counts.set(entry[TAGS][at], (counts.get(entry[TAGS][at]) || 0) + 1);
    if (counts.size < 2 || counts.size > 60) return;
    const group = make("optgroup");
    group.label = tag;
    for (const [value, count] of [...counts].sort((a, b) => a[0] < b[0] ? -1 : 1)) {
      const option = make("option", "", value + " (" + count + ")");
      option.value = JSON.stringify([at, value]);
      group.append(option);
    }
    $("slice").append(group);
  });
  $("slice-label").hidden = !$("slice").querySelector("optgroup");
  if ($("slice-label").hidden) $("slice-label").style.display = "none";

  /* Pictures */
  function image(src, look, words, size) {
    const node = make("img", look);
    node.src = src;
    node.alt = words;
    if (size) [node.width, node.height] = size;
    return node;
  }
  for (const frame of document.querySelectorAll("[data-cover]")) {
    const pictures = data.entries[frame.dataset.cover][PICTURES];
    const answers = pictures.filter((each) => each[1] !== "truth" && each[1] !== "image" && !each[1].startsWith("error"));
    for (const each of answers.length ? answers.slice(0, data.runs.length) : pictures.slice(0, 1)) frame.append(image(each[0], "", ""));
  }
  for (const button of document.querySelectorAll(".sample")) button.addEventListener("click", () => show(+button.dataset.place));

  /* One sample */
  const viewer = $("viewer");
  function panel([src, title, width, height, key, lines]) {
    const parts = title ? [make("figcaption", "", title)] : [];
    parts.push(image(src, "", title || "image", [width, height]));
    if (key) parts.push(image(key, "key", "legend"));
    for (const line of lines) parts.push(make("p", "", line));
    return make("figure", "", undefined, parts);
  }
  function fact(list, name, words, look) {
    if (words === "" || words === null || words === undefined) return;
    const told = look ? make("code", "", words) : document.createTextNode(words);
    const value = make("dd", "", undefined, [told]);
    value.dir = "auto";
    list.append(make("dt", "", undefined, Array.isArray(name) ? name : [name]), value);
  }
  function facts(entry) {
    const list = make("dl");
    if (entry[TRUTH]) fact(list, "truth", entry[TRUTH], true);
    entry[ANSWERS].forEach((said, run) => {
      const name = (what) => two ? [dot(run), data.runs[run] + " · " + what] : what;
      fact(list, name(data.metric), said[STATUS] === "ok" || said[VALUE] !== null ? number(said[VALUE]) : "");
      if (said[STATUS] !== "ok") fact(list, name("no usable answer"), said[STATUS].replace("_", " ") + (said[ERROR] ? ": " + said[ERROR] : ""));
      fact(list, name("raw answer"), said[TEXT], true);
    });
    data.tags.forEach((tag, at) => fact(list, tag, entry[TAGS][at]));
    return list;
  }
  function show(place) {
    const entry = data.entries[place];
    state.open = place;
    $("viewer-title").textContent = entry[ID];
    const asked = make("p", "asked", entry[QUESTION]);
    asked.dir = "auto";
    const panels = make("div", "panels", undefined, entry[PICTURES].map(panel));
    $("viewer-body").replaceChildren(...(entry[QUESTION] ? [asked] : []), ...(entry[PICTURES].length ? [panels] : []), facts(entry));
    const at = state.shown.indexOf(place);
    $("previous").disabled = at <= 0;
    $("next").disabled = at < 0 || at >= state.shown.length - 1;
    if (!viewer.open) viewer.showModal();
    viewer.scrollTop = 0;
    mark(address(place));
  }
  function mark(hash) {
    try { history.replaceState(null, "", hash); } catch { /* some hosts forbid it; only the address misses */ }
  }
  function step(by) {
    const at = state.shown.indexOf(state.open) + by;
    if (at >= 0 && at < state.shown.length && state.shown.includes(state.open)) show(state.shown[at]);
  }
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  const address = (place) => "#sample=" + encodeURIComponent(data.entries[place][ID]);
  viewer.addEventListener("close", () => { // comes a moment after the closing: by then another sample may be asked for
    if (viewer.open) return;
    if (location.hash === address(state.open)) mark("#samples");
    const button = $("rows").querySelector('button[data-place="' + state.open + '"]');
    if (button && !document.activeElement.classList.contains("sample")) button.focus({ preventScroll: true });
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (viewer.open) {
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
      return;
    }
    const typing = event.target.matches("input,select,textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      $("search").focus();
    }
    const inList = event.target.closest("#list") || event.target.id === "search";
    if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const buttons = [...$("rows").querySelectorAll("button")];
      const at = buttons.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
      (buttons[at] || (at < 0 ? $("search") : buttons[buttons.length - 1]) || $("search")).focus();
    }
  });
  function follow() {
    const found = location.hash.match(/^#sample=(.*)$/);
    if (!found) return;
    let id = found[1];
    try { id = decodeURIComponent(id); } catch { return; }
    const place = data.entries.findIndex((entry) => entry[ID] === id);
    if (place >= 0) show(place);
  }
  state.down = two ? true : !data.higher;
  refresh();
  follow();
  addEventListener("hashchange", follow);
})();
