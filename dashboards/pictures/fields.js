// What Grafana calls a field: the unit, the colour and the text of a value, by the panel's JSON.
"use strict";

const NAMED = { green: "#73bf69", orange: "#ff9830", red: "#f2495c", blue: "#5794f2", yellow: "#fade2a", purple: "#b877d9" };
const PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d", "#fade2a"];
const LOCALE = content.language === "fr" ? "fr-FR" : "en-GB";
document.documentElement.lang = content.language;
const hue = (name) => NAMED[name] ?? name;

function number(value, decimals) {
  const digits = decimals ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  const options = { maximumFractionDigits: digits, minimumFractionDigits: decimals ?? 0 };
  return (Math.abs(value) < 1e-9 ? 0 : value).toLocaleString(LOCALE, options);
}

function scaled(value, unit, decimals, first = 0) {
  const prefixes = ["", "k", "M", "G"];
  let place = first;
  for (; Math.abs(value) >= 1000 && place < prefixes.length - 1; place++) value /= 1000;
  return [number(value, decimals), prefixes[place] + unit];
}

const clock = (seconds, options) => new Date(seconds * 1000).toLocaleString(LOCALE, { timeZone: "Europe/Paris", ...options });
const ago = (seconds) => new Intl.RelativeTimeFormat(LOCALE).format(-Math.round(seconds), "second");

const UNITS = {
  watt: (value, decimals) => scaled(value, "W", decimals),
  voltamp: (value, decimals) => scaled(value, "VA", decimals),
  voltampreact: (value, decimals) => scaled(value, "var", decimals),
  kwatth: (value, decimals) => scaled(value, "Wh", decimals, 1),
  volt: (value, decimals) => scaled(value, "V", decimals),
  amp: (value, decimals) => scaled(value, "A", decimals),
  percentunit: (value, decimals) => [number(value * 100, decimals ?? (value && Math.abs(value) < 0.1 ? undefined : 0)), "%"],
  short: (value, decimals) => scaled(value, "", decimals).map((part) => part.replace("k", "K").replace("M", "Mil")),
  s: (value, decimals) => [number(value, decimals), "s"],
  cpm: (value, decimals) => [number(value, decimals), "c/m"],
  Bps: (value, decimals) => scaled(value, "B/s", decimals),
  dtdurations: (value) => [number(value, 0), content.language === "fr" ? "secondes" : "seconds"],
  dateTimeFromNow: (value) => [ago(content.now - value / 1000), ""],
  dateTimeAsLocalNoDateIfToday: (value) => [clock(value / 1000, { timeStyle: "medium" }), ""],
  string: (value) => [String(value), ""],
  none: (value, decimals) => [number(value, decimals), ""],
};

// The configuration of one field: defaults, then the overrides that match it.
function configure(panel, refId, name) {
  const config = structuredClone(panel.fieldConfig.defaults);
  config.custom = config.custom ?? {};
  for (const { matcher, properties } of panel.fieldConfig.overrides) {
    const { id: kind, options } = matcher;
    if (kind === "byRegexp" ? !new RegExp(options.slice(1, -1)).test(name) : options !== (kind === "byFrameRefID" ? refId : name)) continue;
    for (const { id, value } of properties) {
      if (id.startsWith("custom.")) config.custom[id.slice(7)] = value;
      else config[id] = value;
    }
  }
  return config;
}

function mapped(config, value) {
  for (const mapping of config.mappings ?? []) {
    const found = mapping.options[String(value)];
    if (found) return { text: found.text, color: hue(found.color) };
  }
  return null;
}

function colored(config, value, fallback) {
  const found = mapped(config, value);
  if (found) return found.color;
  if (config.color?.mode === "fixed") return hue(config.color.fixedColor);
  if (config.color?.mode === "thresholds" && config.thresholds) {
    return hue(config.thresholds.steps.filter((step) => step.value === null || value >= step.value).at(-1).color);
  }
  return fallback;
}

function written(config, value) {
  const found = mapped(config, value);
  if (found) return [found.text, ""];
  return UNITS[config.unit ?? "none"](value, config.decimals);
}

const plain = (config, value) => written(config, value).join(" ").trim();

// Every series of a panel with its name, its configuration and its colour.
function fields(panel) {
  return panel.targets.flatMap((target) => target.series.map((series) => ({ ...series, refId: target.refId })))
    .map((series, index) => {
      const config = configure(panel, series.refId, series.name);
      const values = series.values.map(([time, text]) => [time, Number(text)]);
      const last = values.at(-1)[1];
      return { ...series, config, values, last, color: colored(config, last, PALETTE[index % PALETTE.length]) };
    });
}
