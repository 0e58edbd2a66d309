/* The charts. Each has words that say what it shows, a legend that follows the pointer, and a table. */
const Charts = (() => {
  "use strict";
  const { element, duration, brief, percent, day, time, number } = View;
  const POINTS_MAX = 2500;
  const YEAR = 31536000;
  /* Round durations: the steps of an even axis, and the marks of a logarithmic one. */
  const ROUND = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 7776000, YEAR];
  const MARKS_APART_PX = 16;
  let alive = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");

  function axes(format, more = {}) {
    const marks = format === duration ? brief : format;
    const common = {
      stroke: colour("soft"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("line"), width: 1 }, ticks: { show: false },
    };
    return [
      { ...common, grid: { show: false }, space: (_, __, low, high) => (high - low < 5 * Figures.DAY ? 104 : 76), values: dates },
      { ...common, size: 58, values: (_, values) => values.map((value) => (value === null ? "" : marks(value))), ...more },
    ];
  }

  /* "3 Nov", the year where it changes, the hour in short spans. */
  function dates(_, splits) {
    const short = splits.length > 1 && splits[1] - splits[0] < Figures.DAY;
    let year = null;
    return splits.map((seconds) => {
      const [date, month, now] = day(seconds).split(" ");
      const turned = now !== year;
      year = now;
      if (short) return `${date} ${month} ${time(seconds).slice(11)}`;
      return `${date} ${month}${turned ? `\n${now}` : ""}`;
    });
  }

  function durationSplits(top, count = 5) {
    const step = ROUND.find((one) => top / one <= count) || YEAR * Math.ceil(top / YEAR / count);
    return Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step);
  }

  function panel(home, { title, hint, wide, label, legend, table }) {
    const plot = element("div", { class: "plot", role: "img", "aria-label": label });
    const list = element("ul", { class: "legend" });
    const values = legend.map((one) => {
      const value = element("b");
      list.append(element("li", {}, element("span", { class: `swatch ${one.shape} c-${one.colour}` }), `${one.label} `, value));
      return value;
    });
    const at = element("li", { class: "at" });
    list.append(at);
    const details = element("details", {}, element("summary", { text: "As a table" }));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(tableOf(title, table()));
    });
    home.append(element("figure", { class: wide ? "chart wide" : "chart" },
      element("figcaption", {}, element("h2", { text: title }), element("p", { class: "hint", text: hint })), plot, list, details));
    return { plot, say: (when, texts) => {
      at.textContent = when;
      values.forEach((value, index) => { value.textContent = texts[index] ?? ""; });
    } };
  }

  function tableOf(title, { head, rows }) {
    const cell = (name, text, index) => element(name, { text, class: index ? "n" : null, scope: name === "th" ? "col" : null });
    const shown = rows.slice(-500);
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, element("table", {},
      element("caption", { text: shown.length < rows.length ? `The newest ${shown.length} of ${number(rows.length)}` : "Newest last" }),
      element("thead", {}, element("tr", {}, ...head.map((text, index) => cell("th", text, index)))),
      element("tbody", {}, ...shown.map((row) => element("tr", {}, ...row.map((text, index) => cell("td", text, index)))))));
  }

  function draw(plot, options, data, height = 190) {
    const chart = new uPlot({
      width: Math.max(200, plot.clientWidth), height, tzDate: utc, legend: { show: false }, padding: [8, 28, 0, 0],
      ...options,
      cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { show: false }, ...options.cursor },
    }, data, plot);
    alive.push({ chart, plot, height });
    return chart;
  }

  /* Lines and bars over days, weeks or months. */
  function overTime(home, about, buckets, series, { format, splits, range, bars = false, dashed = null }) {
    if (!series.some((one) => one.values.some((value) => value))) {
      home.append(element("figure", { class: "chart" }, element("figcaption", {}, element("h2", { text: about.title }),
        element("p", { class: "hint", text: about.hint })), element("p", { class: "nothing", text: about.nothing })));
      return;
    }
    const say = (value) => (value === null ? "–" : format(value));
    const spoken = panel(home, {
      ...about, legend: series,
      table: () => ({
        head: [buckets.unit, ...series.map((one) => one.label)],
        rows: buckets.list.map((one, index) => [day(one.start, buckets.unit), ...series.map((line) => say(line.values[index]))]),
      }),
    });
    const x = buckets.list.map((one) => one.middle);
    const width = buckets.list[0].end - buckets.list[0].start;
    /* Bars stand on each other: the tallest sum is drawn first, and the others over it. */
    const stacked = bars
      ? series.map((_, index) => x.map((__, place) => series.slice(0, index + 1).reduce((sum, one) => sum + one.values[place], 0)))
      : series.map((one) => one.values);
    const drawn = series.map((one, index) => ({ one, values: stacked[index] }));
    if (bars) drawn.reverse();
    draw(spoken.plot, {
      scales: { x: { range: () => [x[0] - width / 2, x[x.length - 1] + width / 2] }, y: { range } },
      axes: axes(format, splits ? { splits: (_, __, low, high) => splits(high) } : {}),
      series: [{}, ...drawn.map(({ one }) => (bars
        ? { fill: colour(one.colour), stroke: colour(one.colour), width: 0, paths: uPlot.paths.bars({ size: [0.78, 60] }), points: { show: false } }
        : { stroke: colour(one.colour), width: 2, spanGaps: false, dash: one.shape === "dash" ? [5, 4] : [],
            points: { show: true, size: 5, fill: colour(one.colour), space: 0 } }))],
      hooks: {
        setCursor: [(chart) => {
          const place = chart.cursor.idx;
          if (place === null || place === undefined) spoken.say("", []);
          else spoken.say(day(buckets.list[place].start, buckets.unit), series.map((one) => say(one.values[place])));
        }],
        draw: dashed === null ? [] : [(chart) => {
          const y = chart.valToPos(dashed, "y", true);
          const { ctx, bbox } = chart;
          ctx.save();
          ctx.strokeStyle = colour("soft");
          ctx.setLineDash([2, 4]);
          ctx.beginPath();
          ctx.moveTo(bbox.left, y);
          ctx.lineTo(bbox.left + bbox.width, y);
          ctx.stroke();
          ctx.restore();
        }],
      },
    }, [x, ...drawn.map(({ values }) => values)]);
  }

  /* At most POINTS_MAX, spread evenly; those that people look for are never left out. */
  function sampled(rows, keep) {
    const must = rows.filter(keep);
    const rest = rows.filter((row) => !keep(row));
    const room = Math.max(0, POINTS_MAX - must.length);
    const step = Math.max(1, rest.length / Math.max(1, room));
    const chosen = room ? Array.from({ length: Math.min(rest.length, room) }, (_, index) => rest[Math.floor(index * step)]) : [];
    return [...chosen, ...must].sort((one, other) => one - other);
  }

  const marksOf = (low, high) => ROUND.filter((one) => one >= low && one <= high);

  /* Those of the marks that have room on a logarithmic axis of this height. */
  function apart(marks, low, high, height) {
    const up = (one) => (Math.log(one / low) / Math.log(high / low)) * height;
    let last = -Infinity;
    return marks.filter((one) => {
      const fits = up(one) - last >= MARKS_APART_PX;
      if (fits) last = up(one);
      return fits;
    });
  }

  /* Points on a ladder of durations. `paint(context, row, x, y, ratio)` draws one. */
  function scatter(home, about, rows, shown, { value, say, paint, span, ends = (row) => [value(row), value(row)], height = 250 }) {
    const spoken = panel(home, about);
    let low = Infinity;
    let high = 0;
    for (const row of shown) {
      const [from, to] = ends(row);
      low = Math.min(low, from);
      high = Math.max(high, to);
    }
    low = Math.max(0.5, low * 0.85);
    high = Math.max(low * 3, high * 1.2);
    while (marksOf(low, high).length < 2) [low, high] = [low * 0.8, high * 1.25];
    const place = (chart, row) => [chart.valToPos(rows.ended[row], "x", true), chart.valToPos(Math.max(low, value(row)), "y", true)];
    draw(spoken.plot, {
      scales: { x: { range: () => roomy(span) }, y: { distr: 3, range: () => [low, high] } },
      axes: axes(duration, { splits: (chart) => apart(marksOf(low, high), low, high, chart.bbox.height / uPlot.pxRatio), filter: (_, splits) => splits }),
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(chart) => {
          const { ctx, bbox } = chart;
          ctx.save();
          ctx.beginPath();
          const room = 8 * uPlot.pxRatio;
          ctx.rect(bbox.left - room, bbox.top - room, bbox.width + 2 * room, bbox.height + 2 * room);
          ctx.clip();
          paint(chart, ctx, shown, (row) => place(chart, row), uPlot.pxRatio);
          ctx.restore();
        }],
        setCursor: [(chart) => {
          const { left, top } = chart.cursor;
          if (left < 0) return spoken.say("", []);
          let best = null;
          let distance = 30 * 30;
          for (const row of shown) {
            const dx = chart.valToPos(rows.ended[row], "x") - left;
            if (dx * dx > distance) continue;
            const dy = chart.valToPos(Math.max(low, value(row)), "y") - top;
            if (dx * dx + dy * dy < distance) {
              distance = dx * dx + dy * dy;
              best = row;
            }
          }
          return spoken.say(best === null ? "" : say(best), []);
        }],
      },
    }, [shown.map((row) => rows.ended[row]), shown.map(value)], height);
  }

  /* So that no point lies on an edge. */
  function roomy([since, until]) {
    const room = Math.max(1800, (until - since) * 0.015);
    return [since - room, until + room];
  }

  function triangle(ctx, x, y, radius) {
    ctx.moveTo(x, y - radius);
    ctx.lineTo(x + radius, y + radius);
    ctx.lineTo(x - radius, y + radius);
    ctx.closePath();
  }

  function dot(ctx, x, y, radius) {
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }

  function strokes(ctx, style, width, rows, shape) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.beginPath();
    rows.forEach(shape);
    ctx.stroke();
  }

  function clear(home) {
    for (const { chart } of alive) chart.destroy();
    alive = [];
    home.replaceChildren();
  }

  function resize() {
    for (const { chart, plot, height } of alive) {
      const width = Math.max(200, plot.clientWidth);
      if (width !== chart.width) chart.setSize({ width, height });
    }
  }

  return { overTime, scatter, sampled, strokes, dot, triangle, clear, resize, colour, durationSplits, percent, time, number, count: () => alive.length };
})();
