// Tables and strips, and the page that holds everything: the grid of the dashboard's own JSON.
"use strict";

// "merge", "filterFieldsByName" and "organize": a row a meter, its columns as the panel names them.
function merged(panel) {
  const [names, order] = ["renameByName", "indexByName"].map((key) => panel.transformations.find(({ id }) => id === "organize").options[key]);
  const columns = Object.keys(names).sort((one, other) => order[one] - order[other]);
  const rows = new Map();
  for (const target of panel.targets) {
    for (const { metric, values } of target.series) {
      const key = `${metric.instance} ${metric.meter}`;
      const row = rows.get(key) ?? {};
      Object.assign(row, metric, { [panel.targets.length > 1 ? `Value #${target.refId}` : "Value"]: Number(values.at(-1)[1]) });
      rows.set(key, row);
    }
  }
  const sort = panel.options?.sortBy?.[0];
  const found = [...rows.values()];
  const by = sort && columns.find((column) => names[column] === sort.displayName);
  if (by) found.sort((one, other) => (sort.desc ? -1 : 1) * ((one[by] ?? 0) - (other[by] ?? 0)));
  return { columns, names, rows: found };
}

function table(panel, body) {
  const { columns, names, rows } = merged(panel);
  const whole = element("table", element("div", body, { className: "scroll" }));
  const head = element("tr", element("thead", whole));
  const configs = columns.map((column) => configure(panel, "", names[column]));
  const isNumber = (column, config) => column.startsWith("Value") && !config.custom.cellOptions;
  columns.forEach((column, index) => element("th", head, { textContent: names[column], className: isNumber(column, configs[index]) ? "number" : "" }));
  const lines = element("tbody", whole);
  for (const row of rows) {
    const line = element("tr", lines);
    columns.forEach((column, index) => cell(element("td", line), configs[index], row[column], isNumber(column, configs[index])));
  }
}

function cell(place, config, value, isNumber) {
  if (value === undefined) return;
  if (typeof value === "string") {
    place.textContent = value;
    return;
  }
  const color = colored(config, value, "");
  const kind = config.custom.cellOptions?.type;
  if (kind === "gauge") {
    const holder = element("div", place, { className: "meter" });
    const bar = element("div", element("div", holder, { className: "track" }));
    bar.style.cssText = `width:${Math.min(100, 100 * value / (config.max ?? 1))}%;background:${color}`;
    element("span", holder, { textContent: plain(config, value) }).style.color = color;
    return;
  }
  place.textContent = plain(config, value);
  if (isNumber) place.className = "number";
  if (kind === "color-background") {
    place.className = "fill";
    place.style.background = color;
  } else if (kind === "color-text") place.style.color = color;
}

function timeline(panel, body) {
  const list = element("div", body, { className: "strips" });
  const place = (time) => 100 * (time - panel.from) / (panel.to - panel.from);
  const strips = fields(panel);
  for (const field of strips) {
    element("span", list, { textContent: field.name });
    const strip = element("div", list, { className: "strip" });
    runs(field.values, panel.step).forEach(([start, end, value]) => {
      const left = Math.max(0, place(start)), right = Math.min(100, place(end));
      const found = mapped(field.config, value);
      const part = element("div", strip);
      part.style.cssText = `left:${left}%;width:${right - left}%;background:${found?.color ?? field.color}`;
      if (right - left > 7 || strips.length < 3) part.textContent = found ? found.text : plain(field.config, value);
    });
  }
  element("span", list);
  const hours = element("div", list, { className: "hours" });
  for (let time = Math.ceil(panel.from / 10800) * 10800; time < panel.to; time += 10800) {
    const hour = element("span", hours, { textContent: clock(time, { hour: "2-digit", minute: "2-digit" }) });
    hour.style.left = `${place(time)}%`;
  }
}

// Join equal values that follow each other: [from, to, value].
function runs(values, step) {
  const found = [];
  for (const [time, value] of values) {
    const last = found.at(-1);
    if (last && last[2] === value && time - last[1] <= step) last[1] = time + step;
    else {
      if (last && time - last[1] <= step) last[1] = time;
      found.push([time, time + step, value]);
    }
  }
  return found;
}

const DRAW = { timeseries, stat, bargauge, table, "state-timeline": timeline };

document.querySelector("h1").textContent = content.title;
for (const [name, value] of content.variables) {
  const holder = element("span", document.querySelector("#variables"));
  element("b", holder, { textContent: name });
  holder.append(value);
}
const isPhone = innerWidth < 769;
for (const panel of content.panels) {
  const { x, y, w, h } = panel.gridPos;
  if (panel.type === "row") {
    const title = element("div", document.querySelector("main"), { className: panel.folded ? "row folded" : "row", textContent: panel.title });
    title.style.gridRow = `${y + 1} / span 1`;
    continue;
  }
  const section = element("section", document.querySelector("main"));
  section.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
  if (isPhone) section.style.height = `${h * 38 - 8}px`;
  const title = element("h2", section, { textContent: panel.title });
  if (panel.timeFrom) element("small", title, { textContent: content.spans[panel.timeFrom] });
  DRAW[panel.type](panel, element("div", section, { className: "body" }));
}
document.body.dataset.state = "drawn";
