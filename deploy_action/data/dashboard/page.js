/* Filters, figures, and what is drawn when. */
(() => {
  "use strict";
  const { byId, element, duration, percent, number, counted, time } = View;
  const data = JSON.parse(byId("data").textContent);
  const { rows } = data;
  const PERIODS = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["365", "1 year"], ["", "All"]];
  const NOW = data.generated;
  const state = { environment: -1, stack: -1, period: "", kind: "", find: "", only: "" };
  if (!rows.ended || !rows.ended.length) return;
  byId("content").hidden = false;
  const FIRST = rows.ended[0];
  const LAST = Math.max(NOW, rows.ended[rows.ended.length - 1]);

  function choose(since, until, { environment, stack } = state) {
    const found = [];
    if (state.only) return rows.id.flatMap((id, row) => (id === state.only ? [row] : []));
    for (let row = 0; row < rows.ended.length; row++) {
      if (rows.ended[row] < since || rows.ended[row] > until) continue;
      if (environment >= 0 && rows.environment[row] !== environment) continue;
      if (stack >= 0 && !data.sets[rows.stacks[row]].includes(stack)) continue;
      found.push(row);
    }
    return found;
  }

  function span() {
    return state.period ? [NOW - Number(state.period) * Figures.DAY, LAST] : [FIRST, LAST];
  }

  function cards(now, before) {
    const was = (name, show) => (before && before.count && before[name] !== null ? `before: ${show(before[name])}` : "");
    const median = (name) => (before && before.count && before[name] ? `before: ${duration(before[name].median)}` : "");
    const p90 = (one) => (one ? `median; 9 of 10 below ${duration(one.p90)}` : "");
    const often = (perDay) => (perDay >= 1 ? `${perDay.toFixed(1)} a day` : perDay >= 1 / 7 ? `${(perDay * 7).toFixed(1)} a week` : `${(perDay * 30.4).toFixed(1)} a month`);
    const open = now.open_failures;
    const list = [
      ["Frequency", often(now.per_day), `${number(now.succeeded)} succeeded`, was("per_day", often)],
      ["Failure rate", percent(now.failure_rate), `${number(now.failed)} of ${number(now.succeeded + now.failed)}`, was("failure_rate", percent)],
      ["Time to restore", duration(now.restore?.median), now.restore ? p90(now.restore) : "no failure was ended", median("restore"), open ? `${number(open)} not restored yet` : ""],
      ["Lead time", duration(now.lead?.median), "from the commit", p90(now.lead) || "no commit's time is known", median("lead")],
      ["Request to end", duration(now.turnaround?.median), p90(now.turnaround) || "not known", median("turnaround")],
      ["Queue time", duration(now.queue?.median), p90(now.queue) || "not known", median("queue")],
      ["Duration", duration(now.duration?.median), p90(now.duration), median("duration")],
      ["Estimates held", percent(now.coverage), "aim: 80\u00a0%", now.scored ? `median error ${percent(now.median_error)}` : "none to score", was("coverage", percent)],
    ];
    byId("cards").replaceChildren(...list.map(([name, value, ...more]) => element("div", { class: "card" },
      element("dt", { text: name }),
      element("dd", { class: "value", text: value }),
      ...more.filter(Boolean).map((text) => (text.endsWith("not restored yet")
        ? element("dd", { class: "more bad" }, element("a", { href: "#broken", text }))
        : element("dd", { class: "more", text }))))));
  }

  function charts(chosen, since, until) {
    const home = byId("charts");
    Charts.clear(home);
    const buckets = Figures.buckets(rows, chosen, since, until);
    const per = (pick) => buckets.list.map((one) => pick(one.rows));
    const countOf = (keep) => per((list) => list.filter((row) => keep(rows.outcome[row])).length);
    const middle = (column, share = "median", keep = () => true) => per((list) => {
      const found = Figures.typical(list.filter(keep).map((row) => column[row]));
      return found && found[share];
    });
    const topped = (least) => (_, __, high) => [0, Math.max(least, (high || 0) * 1.12)];
    const succeeded = (row) => rows.outcome[row] === 0;
    const whole = (value) => (Number.isInteger(value) ? number(value) : "");
    const { now: figures } = Figures.of(data, state.period, state.environment, state.stack);
    const verdict = (row) => succeeded(row) || Figures.isBad(rows.outcome[row]);
    const scored = (row) => rows.held[row] !== null;
    const missedBy = (row) => Math.abs(rows.mid[row] - rows.seconds[row]) / rows.seconds[row];

    durations(home, chosen, [since, until]);
    Charts.overTime(home, {
      title: "Deployment frequency", hint: `Deployments a ${buckets.unit}, by how they ended.`, nothing: "None.",
      label: `Bars: ${figures.succeeded} succeeded and ${figures.failed} failed of ${counted(figures.count, "deployment")}.`,
    }, buckets, [
      { label: "succeeded", colour: "good", shape: "", values: countOf((one) => one === 0) },
      { label: "failed or rolled back", colour: "bad", shape: "", values: countOf(Figures.isBad) },
      { label: "other", colour: "other", shape: "", values: countOf((one) => one === 1 || one > 3) },
    ], { format: whole, range: topped(4), bars: true });
    Charts.overTime(home, {
      title: "Failure rate", hint: `Failed or rolled back, of those that came to a verdict, a ${buckets.unit}.`, nothing: "No failure in this choice.",
      label: `Line: the failure rate is ${percent(figures.failure_rate)} altogether.`,
    }, buckets, [{
      label: "failure rate", colour: "bad", shape: "line",
      values: per((list) => Figures.share(list, (row) => Figures.isBad(rows.outcome[row]), verdict)),
    }], { format: percent, range: topped(0.1) });
    restores(home, chosen, [since, until]);
    Charts.overTime(home, {
      title: "Lead and queue time", hint: "Lead: from the commit, and from the request, to the end of a deployment that succeeded.",
      nothing: figures.succeeded ? "No deployment of this choice knows when it was requested, and none waited." : "No deployment of this choice succeeded, and none waited.",
      label: `Lines: median lead time ${duration(figures.lead?.median)}, from request to end ${duration(figures.turnaround?.median)}, median queue time ${duration(figures.queue?.median)}.`,
    }, buckets, [
      { label: "lead, median", colour: "good", shape: "line", values: middle(rows.lead) },
      { label: "request to end, median", colour: "other", shape: "dash", values: middle(rows.turnaround) },
      { label: "queue, median", colour: "second", shape: "line", values: middle(rows.queue) },
    ], { format: duration, splits: (high) => Charts.durationSplits(high), range: topped(10) });
    Charts.overTime(home, {
      title: "Duration over time", hint: `Of deployments that succeeded, a ${buckets.unit}.`, nothing: "No duration is known in this choice.",
      label: `Lines: median duration ${duration(figures.duration?.median)}, nine of ten below ${duration(figures.duration?.p90)}.`,
    }, buckets, [
      { label: "median", colour: "good", shape: "line", values: middle(rows.seconds, "median", succeeded) },
      { label: "9 of 10 below", colour: "other", shape: "dash", values: middle(rows.seconds, "p90", succeeded) },
    ], { format: duration, splits: (high) => Charts.durationSplits(high), range: topped(10) });
    Charts.overTime(home, {
      title: "Estimate accuracy", hint: "How many intervals held (dotted: the 80 % that they promise), and how far the middle was off.", nothing: "No estimate can be scored in this choice.",
      label: `Lines: ${percent(figures.coverage)} of ${counted(figures.scored, "interval")} held; median error ${percent(figures.median_error)}.`,
    }, buckets, [
      { label: "intervals that held", colour: "good", shape: "line", values: per((list) => Figures.share(list, (row) => rows.held[row] === 1, scored)) },
      { label: "median error", colour: "second", shape: "line", values: per((list) => Figures.typical(list.filter(scored).map(missedBy))?.median ?? null) },
    ], { format: percent, range: (_, __, high) => [0, Math.max(1.05, high * 1.1)], dashed: 0.8 });
  }

  function nothing(home, title, text, wide) {
    home.append(element("figure", { class: wide ? "chart wide" : "chart" }, element("figcaption", {}, element("h2", { text: title })), element("p", { class: "nothing", text })));
  }

  function durations(home, chosen, span) {
    const known = chosen.filter((row) => rows.seconds[row] && (rows.outcome[row] === 0 || Figures.isBad(rows.outcome[row])));
    if (!known.length) return nothing(home, "Duration and estimate", "No duration is known in this choice.", true);
    const bad = (row) => Figures.isBad(rows.outcome[row]);
    const shown = Charts.sampled(known, (row) => bad(row) || Boolean(data.unusual[row]));
    const some = shown.length < known.length ? ` Drawn: ${number(shown.length)} of ${number(known.length)}, with every failed and unusual one.` : "";
    return Charts.scatter(home, {
      title: "Duration and estimate", wide: true,
      hint: `Each deployment, with the interval that was expected of it.${some}`,
      label: `Points: duration of ${counted(known.length, "deployment")}, and the interval that was expected of each.`,
      legend: [
        { label: "succeeded", colour: "good", shape: "dot" }, { label: "expected interval", colour: "soft", shape: "interval" },
        { label: "estimate missed", colour: "none", shape: "triangle" }, { label: "failed or rolled back", colour: "none", shape: "cross" }, { label: "unusual", colour: "mark", shape: "ring" },
      ],
      table: () => ({
        head: ["ended (UTC)", "duration", "low", "middle", "high", "outcome"],
        rows: known.map((row) => [time(rows.ended[row]), duration(rows.seconds[row]), duration(rows.low[row]), duration(rows.mid[row]), duration(rows.high[row]), Tables.wordsOf(data, row)]),
      }),
    }, rows, shown, {
      span, value: (row) => rows.seconds[row],
      ends: (row) => (rows.low[row] === null ? [rows.seconds[row], rows.seconds[row]] : [Math.min(rows.low[row] || 1, rows.seconds[row]), Math.max(rows.high[row], rows.seconds[row])]),
      say: (row) => `${time(rows.ended[row])}, ${Tables.names(data, row)}: ${duration(rows.seconds[row])}${rows.mid[row] === null ? "" : ` (expected ${duration(rows.low[row])} to ${duration(rows.high[row])})`}`,
      paint: (chart, ctx, list, place, ratio) => {
        const size = (list.length > 800 ? 2 : 3.2) * ratio;
        Charts.strokes(ctx, Charts.colour("good-soft"), 1.5 * ratio, list, (row) => {
          if (rows.low[row] === null || bad(row)) return;
          const [x] = place(row);
          ctx.moveTo(x, chart.valToPos(Math.max(0.5, rows.low[row]), "y", true));
          ctx.lineTo(x, chart.valToPos(Math.max(0.5, rows.high[row]), "y", true));
        });
        for (const [name, keep] of [["good", (row) => rows.held[row] !== 0], ["second", (row) => rows.held[row] === 0]]) {
          ctx.fillStyle = Charts.colour(name);
          ctx.beginPath();
          const shape = name === "good" ? Charts.dot : Charts.triangle;
          for (const row of list) if (!bad(row) && keep(row)) shape(ctx, ...place(row), name === "good" ? size : size * 1.25);
          ctx.fill();
        }
        Charts.strokes(ctx, Charts.colour("bad"), 2 * ratio, list.filter(bad), (row) => {
          const [x, y] = place(row);
          const arm = 3.4 * ratio;
          ctx.moveTo(x - arm, y - arm);
          ctx.lineTo(x + arm, y + arm);
          ctx.moveTo(x - arm, y + arm);
          ctx.lineTo(x + arm, y - arm);
        });
        Charts.strokes(ctx, Charts.colour("mark"), 2 * ratio, list.filter((row) => data.unusual[row]), (row) => Charts.dot(ctx, ...place(row), 6.5 * ratio));
      },
    });
  }

  function restores(home, chosen, span) {
    const ended = chosen.filter((row) => rows.restore[row] !== null && rows.restore[row] >= 0);
    const open = chosen.filter((row) => rows.restore[row] === -1).length;
    const still = open ? ` ${number(open)} not restored yet.` : "";
    if (!ended.length) return nothing(home, "Time to restore", open ? `No failure was followed by a good deployment yet; open: ${open}.` : "No failure in this choice.");
    return Charts.scatter(home, {
      title: "Time to restore", hint: `Each failure, until the same stacks were deployed well again.${still}`,
      label: `Points: ${counted(ended.length, "failure")} that ${ended.length === 1 ? "was" : "were"} ended.`,
      legend: [{ label: "failure, at its end", colour: "bad", shape: "dot" }],
      table: () => ({ head: ["failed (UTC)", "restored after"], rows: ended.map((row) => [time(rows.ended[row]), duration(rows.restore[row])]) }),
    }, rows, ended, {
      span, height: 190, value: (row) => Math.max(1, rows.restore[row]),
      say: (row) => `${time(rows.ended[row])}, ${Tables.names(data, row)}: ${duration(rows.restore[row])}`,
      paint: (_, ctx, list, place, ratio) => {
        ctx.fillStyle = Charts.colour("bad");
        ctx.beginPath();
        for (const row of list) Charts.dot(ctx, ...place(row), 3.6 * ratio);
        ctx.fill();
      },
    });
  }

  let chosen = [];
  function render() {
    const [since, until] = span();
    chosen = choose(since, until);
    const found = Figures.of(data, state.period, state.environment, state.stack);
    byId("showing").textContent = `${number(chosen.length)} of ${counted(rows.ended.length, "deployment")} shown`;
    byId("only").hidden = !state.only;
    byId("none").hidden = chosen.length > 0;
    byId("matching").hidden = !chosen.length;
    byId("summary").hidden = Boolean(state.only) || !found;
    document.documentElement.dataset.figures = JSON.stringify(found && found.now);
    if (!chosen.length) return listed();
    if (!byId("summary").hidden) {
      cards(found.now, found.before);
      charts(chosen, since, until);
      const beside = (kind) => choose(since, until, { ...state, [kind]: -1 });
      Tables.places(data, { environment: beside("environment"), stack: beside("stack") }, state.period, state, only);
      Tables.causes(data, chosen);
      Tables.unusual(data, chosen);
      Tables.slowest(data, chosen, state.stack);
    }
    return listed();
  }

  /* The table of deployments, and in words what of them is shown: on paper nothing else says it. */
  function listed() {
    const all = [nameOf("environment"), nameOf("stack"), PERIODS.find(([value]) => value === state.period)[1]].filter(Boolean).join(", ");
    const some = [state.kind && byId("kind").selectedOptions[0].text, state.find.trim() && `“${state.find.trim()}”`].filter(Boolean).join(", ");
    byId("chosen").textContent = `Shown: ${state.only ? `only the deployment ${state.only}` : all}${some && `; in the table: ${some}`}.`;
    if (chosen.length) Tables.deployments(data, chosen, state.kind, state.find);
  }

  /* What the table of deployments leaves out. */
  function narrowed() {
    Tables.first();
    remember();
    listed();
  }

  const nameOf = (kind) => (state[kind] < 0 ? "" : `${kind} ${data[`${kind}s`][state[kind]] || "(not named)"}`);

  /* One environment or stack, from a table. */
  function only(kind, place) {
    state[kind] = place;
    byId(kind).value = String(place);
    changed();
    byId(kind).focus();
  }

  /* The address says what is shown, so that it can be sent to others. */
  function remember() {
    const words = new URLSearchParams();
    if (state.environment >= 0) words.set("environment", data.environments[state.environment]);
    if (state.stack >= 0) words.set("stack", data.stacks[state.stack]);
    words.set("days", state.period || "all");
    if (state.kind) words.set("show", state.kind);
    if (state.find) words.set("find", state.find);
    history.replaceState(null, "", `#${words}`);
  }

  function recall() {
    const words = new URLSearchParams(location.hash.slice(1));
    const gone = [];
    for (const kind of ["environment", "stack"]) {
      const name = words.get(kind);
      state[kind] = name === null ? -1 : data[`${kind}s`].indexOf(name);
      if (name !== null && state[kind] < 0) gone.push(`There is no ${kind} “${name}” here: all are shown.`);
    }
    state.only = words.get("deployment") || "";
    if (state.only && !rows.id.includes(state.only)) {
      gone.push(`There is no deployment “${state.only}” here: all are shown.`);
      state.only = "";
    }
    state.find = words.get("find") || "";
    byId("find").value = state.find;
    byId("gone").textContent = gone.join(" ");
    byId("gone").hidden = !gone.length;
    const days = words.get("days");
    const recent = rows.ended.some((ended) => ended >= NOW - 90 * Figures.DAY);
    const usual = recent && FIRST < NOW - 90 * Figures.DAY ? "90" : "";
    state.period = days === "all" ? "" : PERIODS.some(([value]) => value && value === days) ? days : usual;
    state.kind = ["bad", "unusual", "missed"].includes(words.get("show")) ? words.get("show") : "";
    for (const name of ["environment", "stack", "kind"]) byId(name).value = String(state[name]);
    for (const input of document.querySelectorAll("#period input")) input.checked = input.value === state.period;
  }

  function changed() {
    byId("gone").hidden = true;
    state.only = "";
    Tables.first();
    remember();
    render();
  }

  function fill(id, names, all) {
    const order = names.map((name, place) => [name, place]).sort(([one], [other]) => one.localeCompare(other));
    byId(id).replaceChildren(element("option", { value: "-1", text: all }),
      ...order.map(([name, place]) => element("option", { value: place, text: name || "(not named)" })));
    byId(id).addEventListener("change", (event) => { state[id] = Number(event.target.value); changed(); });
  }

  fill("environment", data.environments, "all");
  fill("stack", data.stacks, "all");
  for (const [value, text] of PERIODS) {
    const input = element("input", { type: "radio", name: "period", value });
    input.addEventListener("change", () => { state.period = value; changed(); });
    byId("period").append(element("label", {}, input, text));
  }
  byId("kind").addEventListener("change", (event) => {
    state.kind = event.target.value;
    narrowed();
  });
  byId("find").addEventListener("input", (event) => {
    state.find = event.target.value;
    narrowed();
  });
  byId("reset").addEventListener("click", () => {
    Object.assign(state, { environment: -1, stack: -1, period: "", kind: "", find: "", only: "" });
    remember();
    recall();
    changed();
  });
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  /* A link to a part of the page is no choice. */
  const isChoice = () => !location.hash || location.hash.includes("=");
  addEventListener("hashchange", () => { if (isChoice()) { recall(); render(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
  let waiting = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(Charts.resize);
  }).observe(byId("charts"));
  byId("generated").textContent = `${time(NOW)} UTC`;
  recall();
  render();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
