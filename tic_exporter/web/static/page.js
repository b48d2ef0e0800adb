// The live status page: asks ./api/v1/meters, shows the answer, and changes only what is different.
// Texts of meters reach the document as text nodes and attribute values alone.

const EVERY = 2, EVERY_HIDDEN = 60, LONGEST_PAUSE = 60; // seconds
const PATIENCE = 10; // seconds until an answer is given up
const MOST_CARDS = 6; // more meters than these are a list
const STEP = 10, HOUR = 3600; // seconds between two points of the session, and how long they are kept
const BREAK = 150; // seconds without a point after which a curve has a gap
const NEAR = 0.8; // of the subscribed power
const API = "./api/v1/meters";

const words = await (await fetch("./static/words.json")).json();
const view = { meters: null, at: null, failures: 0, retryAt: 0, search: "", unknown: false, language: language() };
const curves = new Map(); // name -> [[time, power]] seen by this session
let states = new Map();
let timer = 0, asked = 0;

// ---- words, numbers, times

function language() {
  let kept = null;
  try { kept = localStorage.getItem("language"); } catch { /* storage is forbidden: the browser's language holds */ }
  const wanted = [kept, ...navigator.languages].map(tag => (tag || "").slice(0, 2));
  return wanted.find(tag => tag in words) || "en";
}

function say(key, values = {}) {
  const text = words[view.language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// The language that is shown, as the browser's region writes it.
const locale = () => navigator.languages.find(tag => tag.startsWith(view.language)) || view.language;

const formats = new Map();
function number(value, decimals = 0) {
  const key = view.language + decimals;
  if (!formats.has(key)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(key, new Intl.NumberFormat(locale(), digits));
  }
  return formats.get(key).format(value).replace("-", "\u2212");
}

function percent(ratio) {
  // 99.99 % is not 100 %
  const shown = ratio < 1 ? Math.min(ratio * 100, 99.9) : ratio * 100;
  return `${number(shown, shown < 100 && shown > 99 ? 1 : 0)}\u00a0%`;
}

function quantity(value, unit) {
  return Math.abs(value) < 10000 ? [number(value), unit] : [number(value / 1000, 1), "k" + unit];
}

const together = (value, unit) => quantity(value, unit).join("\u00a0");

function duration(seconds) {
  const [value, unit] = seconds < 90 ? [seconds, "seconds"] : seconds < 5400 ? [seconds / 60, "minutes"]
    : seconds < 172800 ? [seconds / 3600, "hours"] : [seconds / 86400, "days"];
  return `${number(Math.round(value))}\u00a0${say(unit)}`;
}

const age = seconds => seconds < 1 ? say("age_now") : say("age", { age: duration(seconds) });

function clock(unix) {
  const when = new Date(unix * 1000), isToday = when.toDateString() === new Date().toDateString();
  return when.toLocaleString(locale(), isToday ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
}

// ---- a tree of what is wanted, and the document made so

const SVG = new Set(["svg", "path", "line", "rect", "circle"]);

function h(tag, attributes, ...children) {
  return { tag, attributes: attributes || {}, children: children.flat(9).filter(child => child != null && child !== false) };
}

function patch(parent, wanted) {
  const keyed = new Map([...parent.childNodes].filter(node => node.key !== undefined).map(node => [node.key, node]));
  let next = parent.firstChild;
  for (const child of wanted) {
    let node;
    if (typeof child !== "object") {
      node = next?.nodeType === Node.TEXT_NODE ? next : document.createTextNode("");
      if (node.data !== String(child)) node.data = child;
    } else {
      const { key, ...attributes } = child.attributes;
      const fits = next?.nodeType === Node.ELEMENT_NODE && next.key === key && next.localName === child.tag;
      node = key !== undefined ? keyed.get(key) : fits ? next : null;
      if (!node) {
        node = SVG.has(child.tag) ? document.createElementNS("http://www.w3.org/2000/svg", child.tag)
          : document.createElement(child.tag);
        node.key = key;
      }
      dress(node, attributes);
      patch(node, child.children);
    }
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

function dress(node, attributes) {
  for (const name of Object.keys(node.worn || {})) if (!(name in attributes)) node.removeAttribute(name);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node[name] = value;
    else if (value == null || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
  node.worn = attributes;
}

// ---- parts of the page

const hasProblem = meter => meter.link.state !== "ok";
const openAt = meter => meter.status.disconnector && meter.status.disconnector !== "closed";

function alerts(meter) {
  const { status, tariff } = meter, found = [];
  if (meter.test_mode) found.push(["warn", say("test_mode")]);
  if (openAt(meter)) found.push(["bad", say("disconnector", { state: say(status.disconnector) })]);
  for (const name of ["overload", "overvoltage"]) if (status[name]) found.push(["bad", say(name)]);
  if (tariff?.critical_peak) found.push(["warn", say("critical_peak")]);
  if (tariff?.critical_peak_notice) found.push(["warn", say("critical_peak_notice")]);
  for (const name of ["overload_warning", "terminal_cover_open", "clock_degraded"])
    if (status[name] && !(name === "overload_warning" && status.overload)) found.push(["warn", say(name)]);
  for (const phase of meter.phases) if (phase.missing) found.push(["bad", `${say("phase")} ${phase.phase}: ${say("missing")}`]);
  return found;
}

function badge(meter) {
  const state = meter.link.state;
  const shape = state === "ok" ? h("circle", { cx: 6, cy: 6, r: 5 }) : state === "noise"
    ? h("path", { d: "M6 0 12 11.5H0z" }) : h("rect", { x: 1, y: 1, width: 10, height: 10, rx: 1.5 });
  return h("span", { class: `state ${state}` },
    h("svg", { viewBox: "0 0 12 12", width: 10, height: 10, "aria-hidden": "true" }, shape), say(`state_${state}`));
}

function gauge(power, isSmall) {
  if (!power?.subscribed || power.ratio === null) return null;
  const { ratio } = power, full = Math.max(1, ratio);
  const level = ratio > 1 ? "over" : ratio > NEAR ? "near" : "";
  const share = value => `${(100 * value / full).toFixed(1)}%`;
  const text = `${together(power.import, power.unit)} ${say("of_subscribed", { value: together(power.subscribed.value, power.subscribed.unit) })}`;
  return h("svg", {
    class: `gauge ${level}`, height: isSmall ? 4 : 10, role: "meter", "aria-label": say("power"), "aria-valuemin": 0,
    "aria-valuemax": Math.round(100 * full), "aria-valuenow": Math.round(100 * ratio), "aria-valuetext": text,
  },
  h("rect", { class: "track", width: "100%", height: "100%", rx: isSmall ? 2 : 3 }),
  ratio > 0 && h("rect", { class: "fill", width: share(ratio), height: "100%", rx: isSmall ? 2 : 3 }),
  ratio > 1 && h("line", { class: "limit", x1: share(1), x2: share(1), y1: 0, y2: "100%" }));
}

function figure(value, unit, label, isLesser) {
  const [shown, shownUnit] = quantity(value, unit);
  return h("p", { class: isLesser ? "figure lesser" : "figure" }, h("strong", null, shown), "\u00a0", h("span", { class: "unit" }, shownUnit),
    label && [" ", h("span", { class: "what" }, label)]);
}

function powerPart(meter) {
  const { power } = meter;
  if (!power) return null;
  const limit = power.subscribed, exports = power.export !== null;
  return h("section", { class: "power", key: "power" },
    h("h3", null, say("power"), power.basis !== "instantaneous" && h("small", null, say(power.basis))),
    h("div", { class: "figures" },
      power.import !== null && figure(power.import, power.unit, exports && say("drawn"), exports && !power.import && power.export),
      exports && figure(power.export, power.unit, say("exported"), power.import)),
    gauge(power),
    h("p", { class: "scale" },
      h("span", null, power.ratio === null ? "" : percent(power.ratio)),
      h("span", null, limit ? say("of_subscribed", { value: together(limit.value, limit.unit) }) : say("no_subscribed"))));
}

function points(meter) {
  const own = curves.get(meter.name) || [];
  const first = own.length ? own[0][0] : Infinity;
  const told = (meter.history || []).filter(point => point.at < first).map(point => [point.at, point.power]);
  return [...told, ...own].filter(([at]) => at > view.at - HOUR);
}

function curvePart(meter) {
  const all = points(meter), known = all.map(([, value]) => value).filter(value => value !== null);
  const unit = meter.power?.unit || curves.get(meter.name)?.unit;
  if (!unit) return null;
  if (known.length < 2) return h("section", { class: "curve", key: "curve" }, h("h3", null, say("last_hour")), h("p", { class: "quiet" }, say("curve_soon")));
  const low = Math.min(...known), high = Math.max(...known), bottom = Math.min(0, low), top = Math.max(0, high, bottom + 1);
  const x = at => (600 * (1 - (view.at - at) / HOUR)).toFixed(1), y = value => (76 - 72 * (value - bottom) / (top - bottom)).toFixed(1);
  const runs = [];
  let before = -Infinity;
  for (const [at, value] of all) {
    if (value === null) before = -Infinity;
    else {
      if (at - before > BREAK) runs.push([]);
      runs.at(-1).push([at, value]);
      before = at;
    }
  }
  const lines = runs.map(run => "M" + run.map(([at, value]) => `${x(at)} ${y(value)}`).join("L"));
  const areas = runs.map((run, i) => `${lines[i]}L${x(run.at(-1)[0])} ${y(0)}L${x(run[0][0])} ${y(0)}Z`);
  return h("section", { class: "curve", key: "curve" },
    h("h3", null, say("last_hour"), low < 0 && h("small", null, say("below_zero"))),
    h("svg", { class: "sparkline", viewBox: "0 0 600 80", preserveAspectRatio: "none", role: "img", "aria-label": say("curve", { low: together(low, unit), high: together(high, unit) }) },
      h("path", { class: "area", d: areas.join("") }),
      h("line", { class: "zero", x1: 0, x2: 600, y1: y(0), y2: y(0) }),
      h("path", { class: "stroke", d: lines.join("") })),
    h("p", { class: "scale" }, h("span", null, say("ago_60")), h("span", null, low < 0 ? say("curve_range", { low: together(low, unit), high: together(high, unit) }) : say("highest", { value: together(high, unit) })), h("span", null, say("now"))));
}

const chip = color => h("span", { class: "chip" }, h("span", { class: `swatch ${color}`, "aria-hidden": "true" }), say(color));

function facts(...rows) {
  return h("dl", { class: "facts" }, rows.filter(Boolean).map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))));
}

const periodName = (code, name) => name && name !== code ? [name, " ", h("span", { class: "quiet" }, code)] : code;

function tariffPart(meter) {
  const { tariff, colors, contract } = meter;
  const name = contract?.name && [contract.name, contract.calendar && contract.calendar !== contract.name && contract.calendar.length > 1 ? ` · ${contract.calendar}` : ""].join("");
  if (!tariff && !colors && !name) return null;
  return h("section", { class: "tariff", key: "tariff" }, h("h3", null, say("tariff")), facts(
    tariff && [say("period"), h("b", null, periodName(tariff.period, tariff.name))],
    colors?.today && [say("today"), chip(colors.today)],
    colors?.tomorrow && [say("tomorrow"), chip(colors.tomorrow)],
    name && [say("contract"), name]));
}

function energyPart(meter) {
  const { energy } = meter, total = energy.total_import_kwh;
  const all = [...energy.import, ...energy.export];
  if (!all.length && total === null) return null;
  const decimals = [...all.map(row => row.kwh), total ?? 0].every(Number.isInteger) ? 0 : 1;
  const row = (key, name, kwh, isNow, kind = "") => h("tr", { key, class: `${kind} ${isNow ? "now" : ""}` },
    h("th", { scope: "row" }, name, isNow && [" ", h("span", { class: "mark" }, say("in_force"))]),
    h("td", null, number(kwh, decimals), h("span", { class: "unit" }, "\u00a0kWh")));
  const named = register => register.tariff_period ? periodName(register.tariff_period, register.name) : say("all_periods");
  return h("section", { class: "energy", key: "energy" }, h("h3", null, say("energy")), h("table", null,
    h("tbody", { key: "in" }, energy.export.length > 0 && h("tr", { key: "title", class: "title" }, h("th", { colspan: 2, scope: "rowgroup" }, say("imported"))),
      energy.import.map(register => row(register.tariff_period, named(register), register.kwh, register.in_force && energy.import.length > 1)),
      total !== null && energy.import.length !== 1 && row("total", say("total"), total, false, "total")),
    energy.export.length > 0 && h("tbody", { key: "out" }, h("tr", { key: "title", class: "title" }, h("th", { colspan: 2, scope: "rowgroup" }, say("exported_energy"))),
      energy.export.map(register => row(register.tariff_period, named(register), register.kwh, false)))));
}

function phasesPart(meter) {
  const columns = [["current", "amperes", "A"], ["voltage", "volts", "V"], ["apparent_power", "voltamperes", "VA"]]
    .filter(([name]) => meter.phases.some(phase => phase[name] !== null));
  if (!columns.length) return null;
  return h("section", { class: "phases", key: "phases" }, h("h3", null, say("phases")), h("table", null,
    h("thead", null, h("tr", null, h("th", { scope: "col" }, say("phase")), columns.map(([name, title]) => h("th", { key: name, scope: "col" }, say(title))))),
    h("tbody", null, meter.phases.map(phase => h("tr", { key: phase.phase }, h("th", { scope: "row" }, phase.phase),
      columns.map(([name, , unit]) => h("td", { key: name }, phase[name] === null ? "–" : [number(phase[name], Number.isInteger(phase[name]) ? 0 : 2), h("span", { class: "unit" }, `\u00a0${unit}`)])))))));
}

function linePart(meter) {
  const { line, link, last_interruption: silence } = meter;
  const total = line.frames + Object.values(line.invalid_frames).reduce((sum, count) => sum + count, 0);
  const reasons = Object.entries(line.invalid_frames).filter(([, count]) => count);
  const told = !silence ? say("interruption_none") : silence.ended_at === null
    ? say("interruption_since", { began: clock(silence.began_at) })
    : say("interruption_was", { began: clock(silence.began_at), length: duration(silence.ended_at - silence.began_at) });
  return h("section", { class: "line", key: "line" }, h("h3", null, say("line")), facts(
    [say("quality_title"), line.valid_ratio === null ? say("no_frames") : say("quality", { ratio: percent(line.valid_ratio), frames: number(total) })],
    ...reasons.map(([reason, count]) => [say(`reason_${reason}`), number(count)]),
    line.parity_errors > 0 && [say("parity_errors"), number(line.parity_errors)],
    line.interruptions > 0 && [say("interruptions"), number(line.interruptions)],
    [say("interruption"), told],
    [say("port"), h("span", { class: "long" }, link.port)],
    link.baud_rate && [say("speed"), [say("baud", { speed: number(link.baud_rate) }), link.parity && `, ${say("parity").toLowerCase()} ${say(`parity_${link.parity}`)}`]]));
}

const kind = meter => meter.family === "linky" ? "Linky" : meter.family === "concentrator" ? say("concentrator") : (meter.family || "").toUpperCase();
const TWO_MODES = ["linky", "saphir"];
const familyName = meter => [kind(meter), TWO_MODES.includes(meter.family) && say(meter.mode)].filter(Boolean).join(", ");

function card(meter, level) {
  const state = meter.link.state, seen = meter.link.last_frame_age;
  const about = [familyName(meter), meter.device?.manufacturer, meter.device?.year, meter.meter_id].filter(Boolean).join(" · ");
  const waits = state === "ok" && !meter.meter_id && !meter.test_mode;
  return h("article", { class: "card", key: meter.name, "aria-label": meter.name },
    h("header", { key: "header" }, h("div", null, h(level, null, meter.name), h("p", { class: "quiet" }, about || meter.link.port)),
      h("div", { class: "now" }, badge(meter), h("p", { class: "quiet" }, seen === null ? say("never") : say("last_frame", { age: age(seen) })))),
    state !== "ok" && h("p", { key: "why", class: "alert bad" }, say(`why_${state}`, { port: meter.link.port }), " ", seen !== null && say(meter.link.up ? "values_of_last" : "withdrawn")),
    waits && h("p", { key: "waits", class: "alert" }, say("waiting")),
    alerts(meter).map(([kind, text]) => h("p", { key: text, class: `alert ${kind}` }, text)),
    h("div", { class: state === "ok" ? "parts" : "parts past", key: "parts" }, powerPart(meter), curvePart(meter),
      h("div", { key: "left" }, tariffPart(meter), energyPart(meter)), h("div", { key: "right" }, phasesPart(meter), linePart(meter))));
}

const linkTo = name => `#meter=${encodeURIComponent(name)}`;
const chosen = () => location.hash.startsWith("#meter=") ? decodeURIComponent(location.hash.slice(7)) : null;

function listed(meters) {
  const text = view.search.trim().toLowerCase();
  const rank = meter => hasProblem(meter) ? 0 : alerts(meter).some(([kind]) => kind === "bad") ? 1 : 2;
  return meters.filter(meter => !text || [meter.name, meter.family, meter.meter_id, meter.link.port, say(`state_${meter.link.state}`)].join("\n").toLowerCase().includes(text))
    .map((meter, place) => [rank(meter), place, meter]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , meter]) => meter);
}

function row(meter, hasColors) {
  const { power, tariff, colors, line } = meter, found = alerts(meter)[0];
  const net = power && (power.import || -power.export || 0);
  const [value, unit] = power ? quantity(net, power.unit) : ["", ""];
  const about = () => [badge(meter), found && h("span", { class: "quiet found" }, found[1])];
  return h("tr", { key: meter.name, class: hasProblem(meter) ? "problem" : "" },
    h("th", { scope: "row" }, h("a", { href: linkTo(meter.name) }, meter.name), h("div", { class: "narrow" }, about())),
    h("td", { class: "wide quiet" }, familyName(meter)),
    h("td", { class: "link" }, about()),
    h("td", { class: "number" }, h("div", { class: "inline" }, gauge(power, true), h("span", null, value, h("span", { class: "unit" }, `\u00a0${unit}`)))),
    h("td", { class: "wide" }, tariff && (tariff.name || tariff.period)),
    hasColors && h("td", { key: "colors", class: "wide" }, colors && [colors.today && chip(colors.today), colors.tomorrow && [" → ", chip(colors.tomorrow)]]),
    h("td", { key: "last", class: "number wide" }, meter.link.last_frame_age === null ? say("never") : age(meter.link.last_frame_age)),
    h("td", { key: "quality", class: "number wide" }, line.valid_ratio === null ? "–" : percent(line.valid_ratio)));
}

function list(meters) {
  const shown = listed(meters), isAll = shown.length === meters.length, hasColors = meters.some(meter => meter.colors);
  const columns = [["meter", ""], ["family", "wide"], ["link", "link"], ["power", "number"], ["tariff", "wide"],
    hasColors && ["colors", "wide"], ["last", "number wide"], ["frames", "number wide"]].filter(Boolean);
  return [
    h("form", { class: "search", role: "search", key: "search", onsubmit: event => event.preventDefault() },
      h("label", { for: "search" }, say("search")),
      h("input", { id: "search", type: "search", autocomplete: "off", spellcheck: "false", placeholder: say("search_hint"), oninput: event => { view.search = event.target.value; show(); } }),
      h("output", { for: "search" }, isAll ? `${say("summary", { count: number(meters.length) })}, ${say("problems_first")}` : say("matches", { shown: number(shown.length), total: number(meters.length) }))),
    shown.length ? h("div", { class: "card", key: "list" }, h("table", { class: "list" }, h("caption", { class: "hidden" }, say("meters")),
      h("thead", null, h("tr", null, columns.map(([name, side]) => h("th", { key: name, scope: "col", class: side }, say(name), name === "power" && h("span", { class: "unit" }))))),
      h("tbody", null, shown.map(meter => row(meter, hasColors))))) : h("p", { class: "card empty", key: "none" }, say("no_match"))];
}

function content() {
  const { meters } = view, name = chosen();
  if (!meters) return null;
  if (name !== null) {
    const meter = meters.find(found => found.name === name);
    return [meters.length > 1 || view.many || view.unknown ? h("p", { class: "back", key: "back" }, h("a", { href: "#" }, `← ${say("back")}`)) : null,
      meter ? card(meter, "h2") : view.unknown && h("p", { class: "card empty", key: "none" }, say("unknown_meter"))];
  }
  if (!meters.length) return [h("p", { class: "card empty", key: "none" }, say("no_meters"))];
  return meters.length > MOST_CARDS ? list(meters)
    : [h("div", { class: `cards ${meters.length === 1 ? "single" : ""}`, key: "cards" }, meters.map(meter => card(meter, "h2")))];
}

function top() {
  const { meters, failures, at } = view;
  const bad = meters?.filter(hasProblem).length, isPart = chosen() !== null;
  const seconds = Math.max(1, Math.ceil((view.retryAt - performance.now()) / 1000));
  const live = failures ? say(at ? "offline" : "offline_first", { seconds: number(seconds), time: at && clock(at) })
    : !at ? say("loading") : document.hidden ? say("paused") : `${say("live")} · ${say("updated", { time: clock(at) })}`;
  const count = meters && !isPart && `${meters.length === 1 ? say("summary_one") : say("summary", { count: number(meters.length) })}, ${bad ? say("summary_bad", { count: number(bad) }) : say("summary_ok")}`;
  return [
    h("h1", { key: "title" }, h("svg", { class: "logo", viewBox: "0 0 32 32", width: 26, height: 26, "aria-hidden": "true" }, h("rect", { width: 32, height: 32, rx: 7 }), h("path", { d: "M6 17h5l3-8 5 15 3-7h4" })), "tic_exporter"),
    h("p", { class: "summary", key: "summary" }, count || ""),
    h("p", { class: failures ? "live alert bad" : "live", key: "live" }, live),
    h("div", { class: "languages", role: "group", "aria-label": say("language"), key: "languages" }, Object.keys(words).map(tag =>
      h("button", { type: "button", lang: tag, "aria-label": tag === "fr" ? "Français" : "English", "aria-pressed": String(tag === view.language), onclick: () => choose(tag) }, tag.toUpperCase())))];
}

function show() {
  const focused = document.activeElement;
  document.documentElement.lang = view.language;
  document.documentElement.classList.toggle("stale", view.failures > 0);
  const bad = view.meters?.filter(hasProblem).length;
  document.title = (bad && chosen() === null ? `${say("summary_bad", { count: bad })} – ` : "") + (chosen() !== null ? `${chosen()} – ` : "") + "tic_exporter";
  patch(document.getElementById("top"), top());
  const wanted = content();
  if (wanted) patch(document.getElementById("main"), wanted.filter(Boolean));
  if (focused !== document.activeElement && focused.isConnected) focused.focus();
}

function choose(tag) {
  view.language = tag;
  try { localStorage.setItem("language", tag); } catch { /* forgotten with the page */ }
  show();
}

// ---- what changes, said once for those who do not see it

function speak(text) { document.getElementById("spoken").textContent = text; }

function announce(meters) {
  const changed = meters.filter(meter => states.has(meter.name) && states.get(meter.name) !== meter.link.state);
  const text = changed.slice(0, 3).map(meter => `${say("at_state", { name: meter.name, state: say(`state_${meter.link.state}`) })}. ${say(`why_${meter.link.state}`, { port: meter.link.port })}`);
  if (changed.length > 3) text.push(say("summary_bad", { count: number(meters.filter(hasProblem).length) }));
  if (text.length) speak(text.join(" "));
  states = new Map([...states, ...meters.map(meter => [meter.name, meter.link.state])]);
}

function remember(meters, now) {
  for (const { name, power } of meters) {
    const curve = curves.get(name) || [];
    if (power) curve.unit = power.unit;
    if (!curve.length || now - curve.at(-1)[0] >= STEP) curve.push([now, power ? (power.import ?? 0) - (power.export ?? 0) : null]);
    while (curve.length && curve[0][0] < now - HOUR) curve.shift();
    curves.set(name, curve);
  }
}

// ---- asking

async function ask(query) {
  const answer = await fetch(`${API}?${query}`, { signal: AbortSignal.timeout(PATIENCE * 1000), cache: "no-store", headers: { Accept: "application/json" } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function refresh() {
  const mine = ++asked, name = chosen();
  clearTimeout(timer);
  try {
    const needsCurves = name !== null || (view.meters && !view.many && view.meters.length <= MOST_CARDS);
    const query = (name === null ? "" : `meter=${encodeURIComponent(name)}&`) + (needsCurves ? "omit=readings" : "omit=readings,history");
    let body = await ask(query);
    const isUnknown = body === null;
    if (isUnknown) body = await ask("omit=readings,history");
    if (!needsCurves && body.meters.length <= MOST_CARDS) body = await ask("omit=readings");
    if (mine !== asked) return;
    if (view.failures) speak(say("live"));
    if (name === null) view.many = body.meters.length > MOST_CARDS;
    Object.assign(view, { meters: body.meters, at: body.now, failures: 0, unknown: isUnknown });
    if (name !== null || !view.many) remember(body.meters, body.now);
    announce(body.meters);
    later(document.hidden ? EVERY_HIDDEN : EVERY);
  } catch {
    if (mine !== asked) return;
    view.failures += 1;
    const pause = Math.min(EVERY * 2 ** view.failures, LONGEST_PAUSE);
    view.retryAt = performance.now() + pause * 1000;
    if (view.failures === 1) speak(say(view.at ? "offline" : "offline_first", { seconds: pause, time: view.at && clock(view.at) }));
    later(pause);
  }
  show();
}

function later(seconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, seconds * 1000);
}

setInterval(() => { if (view.failures && !document.hidden) show(); }, 1000);
document.addEventListener("visibilitychange", () => { if (document.hidden) later(EVERY_HIDDEN); else refresh(); });
addEventListener("hashchange", () => {
  const name = chosen(), found = view.meters?.find(meter => meter.name === name);
  if (found) show();
  refresh().then(() => { document.getElementById("main").focus({ preventScroll: true }); scrollTo(0, 0); });
});
show();
refresh();
