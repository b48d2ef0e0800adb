// One function for each type of panel; each fills the element that it is given.
"use strict";

function element(kind, parent, properties = {}) {
  const made = Object.assign(document.createElement(kind), properties);
  parent.append(made);
  return made;
}

function legend(body, drawn) {
  const list = element("div", body, { className: "legend" });
  for (const field of drawn) {
    const entry = element("span", list);
    const line = element("i", entry);
    line.style.cssText = `--hue:${field.color};background:${field.color}`;
    if (field.config.custom.lineStyle) line.className = "dashed";
    entry.append(field.name);
  }
}

// One column of times for all series, as uPlot wants it; without a sample in time a line is broken.
function aligned(all, panel) {
  const times = [];
  for (let time = panel.from - (panel.from % panel.step); time <= panel.to + panel.step; time += panel.step) times.push(time);
  const known = new Set(all.flatMap((field) => field.values.map(([time]) => time)));
  const axis = known.size ? [...new Set([...known])].sort((one, other) => one - other) : times;
  const filled = [];
  for (const time of axis) {
    if (filled.length && time - filled.at(-1) > panel.step * 1.5) filled.push(filled.at(-1) + panel.step);
    filled.push(time);
  }
  return [filled, ...all.map((field) => {
    const at = new Map(field.values);
    return filled.map((time) => at.get(time) ?? null);
  })];
}

function stacked(data) {
  const sums = data[0].map(() => 0);
  return [data[0], ...data.slice(1).map((column) => column.map((value, index) => (sums[index] += value ?? 0)))];
}

function axes(scales) {
  const style = { stroke: "#9093a0", grid: { stroke: "#26292f", width: 1 }, ticks: { show: false }, font: "11px sans-serif" };
  const hours = (plot, splits) => {
    const span = plot.scales.x.max - plot.scales.x.min;
    const options = span > 3 * 86400 ? { day: "2-digit", month: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
    return splits.map((split) => clock(split, options));
  };
  const value = (unit, index) => ({
    ...style, scale: unit, side: index ? 1 : 3, grid: index ? { show: false } : style.grid, size: 64,
    values: (_plot, splits) => splits.map((split) => UNITS[unit](split).join(" ").trim()),
  });
  return [{ ...style, values: hours, size: 30 }, ...scales.map(value)];
}

function events(plot) {
  const { ctx, bbox } = plot;
  for (const event of content.events) {
    const [left, right] = [event.from, event.to].map((time) => Math.max(bbox.left, Math.min(plot.valToPos(time, "x", true), bbox.left + bbox.width)));
    if (event.to < plot.scales.x.min || event.from > plot.scales.x.max) continue;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = hue(event.color);
    ctx.globalAlpha = 0.13;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.globalAlpha = 0.8;
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }
}

function timeseries(panel, body) {
  const all = fields(panel);
  if (!all.length) return empty(panel, body);
  const custom = panel.fieldConfig.defaults.custom ?? {};
  const isBars = custom.drawStyle === "bars", isStacked = custom.stacking?.mode === "normal";
  const place = element("div", body, { className: "plot" });
  legend(body, all);
  const units = [...new Set(all.map((field) => field.config.unit))];
  const raw = aligned(all, panel);
  const data = isStacked ? stacked(raw) : raw;
  const bars = isBars ? uPlot.paths.bars({ size: [0.8, 60], align: 1 }) : undefined;
  const series = all.map((field) => ({
    scale: field.config.unit, label: field.name, stroke: field.color, width: field.config.custom.lineWidth ?? 1, paths: bars,
    fill: field.color + Math.round((field.config.custom.fillOpacity ?? 0) * 2.55).toString(16).padStart(2, "0"),
    dash: field.config.custom.lineStyle?.dash, points: { show: false },
  }));
  // The tallest of a stack is drawn first, so that the others stand in front of it.
  const order = isStacked ? all.map((_, index) => all.length - index) : all.map((_, index) => index + 1);
  const low = panel.fieldConfig.defaults.min, high = panel.fieldConfig.defaults.max;
  const range = (_plot, least, most) => {
    const soft = (most - least || Math.abs(most) || 1) * 0.06;
    return [low ?? (isStacked || least === 0 ? 0 : least - soft), high !== undefined && most <= high ? high + 0.002 * high : most + soft];
  };
  if (isStacked && !isBars) series.forEach((line) => { line.fill = line.stroke + "d0"; });
  if (isStacked) series.forEach((line) => { line.fill = line.stroke; });
  const scales = Object.fromEntries(units.map((unit) => [unit, { range }]));
  const offset = isBars ? panel.step : 0;
  new uPlot({
    width: place.clientWidth, height: place.clientHeight, legend: { show: false }, cursor: { show: false }, padding: [10, 8, 0, 0],
    tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Europe/Paris"),
    scales: { x: { range: () => [panel.from, panel.to + offset / 2] }, ...scales },
    axes: axes(units), series: [{}, ...order.map((index) => series[index - 1])],
    hooks: { draw: isBars ? [] : [events] },
  }, [data[0], ...order.map((index) => data[index])], place);
}

function stat(panel, body) {
  const tiles = element("div", body, { className: "stats" });
  const all = fields(panel);
  if (!all.length) return empty(panel, body);
  for (const field of all) {
    const tile = element("div", tiles, { className: "stat" });
    const isName = panel.options.textMode === "name";
    if (!isName) element("div", tile, { className: "name", textContent: field.name });
    const value = element("div", tile, { className: "value" });
    value.style.color = field.color;
    const [text, unit] = isName ? [field.name, ""] : written(field.config, field.last);
    value.append(text);
    if (unit) element("small", value, { textContent: unit });
    if (isName) value.style.fontSize = "24px";
    if (panel.options.graphMode === "area" && field.values.length > 2) spark(tile, field);
  }
}

function spark(tile, field) {
  const place = element("div", tile, { className: "spark" });
  const height = Math.round(tile.clientHeight * 0.34);
  place.style.height = `${height}px`;
  new uPlot({
    width: tile.clientWidth, height, legend: { show: false }, cursor: { show: false }, padding: [2, 0, 0, 0],
    axes: [{ show: false }, { show: false }], scales: { x: { time: false } },
    series: [{}, { stroke: field.color, width: 1, fill: field.color + "30", points: { show: false } }],
  }, [field.values.map(([time]) => time), field.values.map(([, value]) => value)], place);
}

function bargauge(panel, body) {
  const all = fields(panel);
  if (!all.length) return empty(panel, body);
  const list = element("div", body, { className: "bars" });
  const most = panel.fieldConfig.defaults.max ?? Math.max(...all.map((field) => field.last));
  for (const field of all) {
    element("span", list, { textContent: field.name });
    const bar = element("div", element("div", list, { className: "track" }));
    bar.style.cssText = `width:${Math.min(100, 100 * field.last / most)}%;background:linear-gradient(90deg,${field.color}55,${field.color})`;
    const value = element("span", list, { className: "number", textContent: plain(field.config, field.last) });
    value.style.color = field.color;
  }
}

function empty(panel, body) {
  element("div", body, { className: "empty", textContent: panel.fieldConfig.defaults.noValue ?? "No data" });
}
