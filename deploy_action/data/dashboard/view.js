/* Small helpers for what is shown. Texts reach the page by textContent only. */
const View = (() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  /* element("td", {class: "n", text: "4s"}, child, ...) */
  function element(name, options = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(options)) {
      if (key === "text") made.textContent = value;
      else if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  function drawing(name, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /* As deploy_action/common/times.py does it. */
  function duration(seconds) {
    if (seconds === null || seconds === undefined) return "–";
    const whole = Math.max(0, Math.round(seconds));
    const two = (number) => String(number).padStart(2, "0");
    if (whole < 60) return `${whole}s`;
    if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
    if (whole < 48 * 3600) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
    return `${Math.floor(whole / 86400)}d${two(Math.floor((whole % 86400) / 3600))}h`;
  }

  /* For the marks of an axis, which are round. */
  function brief(seconds) {
    if (seconds >= 86400 && seconds % 86400 === 0) return `${seconds / 86400}d`;
    return seconds ? duration(seconds).replace(/(?<=[mhd])00[msh]$/, "") : "0";
  }

  function percent(share) {
    if (share === null || share === undefined) return "–";
    const value = share * 100;
    return `${value > 0 && value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)}\u00a0%`;
  }

  const counted = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
  const number = (value) => value.toLocaleString("en-US");
  const time = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

  function day(seconds, unit = "day") {
    const date = new Date(seconds * 1000);
    const month = MONTHS[date.getUTCMonth()];
    if (unit === "month") return `${month} ${date.getUTCFullYear()}`;
    return `${unit === "week" ? "week of " : ""}${date.getUTCDate()} ${month} ${date.getUTCFullYear()}`;
  }

  function link(address, text, label) {
    if (!/^https?:\/\//.test(address)) return null;
    return element("a", { href: address, text, "aria-label": label, rel: "noopener noreferrer" });
  }

  return { byId, element, drawing, duration, brief, percent, number, counted, time, day, link };
})();
