/* The figures of a choice are looked up; what is counted here is what one mark of a chart stands for. */
const Figures = (() => {
  "use strict";
  const DAY = 86400;

  function quantile(sorted, share) {
    const place = (sorted.length - 1) * share;
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  }

  function typical(values) {
    const known = Float64Array.from(values.filter((value) => value !== null)).sort();
    return known.length ? { count: known.length, median: quantile(known, 0.5), p90: quantile(known, 0.9) } : null;
  }

  const isBad = (outcome) => outcome === 2 || outcome === 3;

  /* Of a choice, as deploy_action/dashboard/metrics.py computed them; null where it has no deployment. */
  function of(data, period, environment, stack) {
    const found = (data.figures[period] || {})[`${environment},${stack}`];
    return found ? { now: named(data, found[0]), before: found[1] && named(data, found[1]) } : null;
  }

  function named(data, values) {
    const typical = (value) => (Array.isArray(value) ? { count: value[0], median: value[1], p90: value[2] } : value);
    return Object.fromEntries(data.figureNames.map((name, place) => [name, typical(values[place])]));
  }

  const share = (rows, keep, of) => {
    const known = rows.filter(of);
    return known.length ? known.filter(keep).length / known.length : null;
  };

  /* Days, weeks from Monday, or months, so that there are never many more than fifty. */
  function unitOf(since, until) {
    const days = (until - since) / DAY;
    return days <= 45 ? "day" : days <= 400 ? "week" : "month";
  }

  function startOf(time, unit) {
    const date = new Date(time * 1000);
    if (unit === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
    const day = Math.floor(time / DAY) * DAY;
    return unit === "day" ? day : day - ((date.getUTCDay() + 6) % 7) * DAY;
  }

  function nextOf(start, unit) {
    if (unit === "day") return start + DAY;
    if (unit === "week") return start + 7 * DAY;
    const date = new Date(start * 1000);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1000;
  }

  function buckets(rows, chosen, since, until) {
    const unit = unitOf(since, until);
    const found = [];
    let place = 0;
    for (let start = startOf(since, unit); start <= until && found.length < 400; start = nextOf(start, unit)) {
      const end = nextOf(start, unit);
      const members = [];
      while (place < chosen.length && rows.ended[chosen[place]] < end) members.push(chosen[place++]);
      found.push({ start, end, middle: (start + end) / 2, rows: members });
    }
    return { unit, list: found };
  }

  return { DAY, quantile, typical, isBad, of, share, buckets };
})();
