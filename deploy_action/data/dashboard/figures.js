/* Figures of a choice of rows: the same that deploy_action/dashboard/metrics.py computes. Nothing here draws. */
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

  function of(rows, chosen, since, until) {
    const pick = (column, keep = () => true) => chosen.filter(keep).map((row) => column[row]);
    const succeeded = chosen.filter((row) => rows.outcome[row] === 0).length;
    const failed = chosen.filter((row) => isBad(rows.outcome[row])).length;
    const restores = pick(rows.restore).filter((seconds) => seconds !== null);
    const scored = chosen.filter((row) => rows.held[row] !== null);
    const errors = scored.map((row) => Math.abs(rows.mid[row] - rows.seconds[row]) / rows.seconds[row]);
    const error = typical(errors);
    return {
      count: chosen.length,
      succeeded,
      failed,
      per_day: succeeded / Math.max(1, (until - since) / DAY),
      failure_rate: succeeded + failed ? failed / (succeeded + failed) : null,
      restore: typical(restores.filter((seconds) => seconds >= 0)),
      open_failures: restores.filter((seconds) => seconds < 0).length,
      lead: typical(pick(rows.lead)),
      queue: typical(pick(rows.queue)),
      duration: typical(pick(rows.seconds, (row) => rows.outcome[row] === 0)),
      scored: scored.length,
      coverage: scored.length ? scored.filter((row) => rows.held[row]).length / scored.length : null,
      median_error: error && error.median,
    };
  }

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

  return { DAY, quantile, typical, isBad, of, buckets };
})();
