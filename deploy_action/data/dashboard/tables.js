/* The tables: unusual deployments, slowest resources, all deployments. */
const Tables = (() => {
  "use strict";
  const { byId, element, drawing, duration, percent, time, link, number, counted } = View;
  const PAGE = matchMedia("(max-width: 46rem)").matches ? 12 : 40;
  const FEW = 8;
  const SORTS = { ended: "Ended", seconds: "Duration", queue: "Queue", turnaround: "Request to end" };
  const shown = { page: 0, sort: "ended", down: true, all: false };

  const stacksOf = (data, row) => data.sets[data.rows.stacks[row]].map((place) => data.stacks[place]);
  const wordsOf = (data, row) => data.words[data.rows.word[row]];
  const environmentOf = (data, row) => data.environments[data.rows.environment[row]];

  function pill(data, row) {
    const outcome = data.rows.outcome[row];
    const kind = outcome < 2 ? "good" : Figures.isBad(outcome) ? "bad" : "";
    return element("span", { class: `pill ${kind}`, text: wordsOf(data, row) });
  }

  function links(data, row) {
    const { head, tail, commit } = data.rows;
    const base = data.heads[head[row]];
    const when = time(data.rows.ended[row]);
    return [
      link(base + tail[row], "Run", `Run of the deployment that ended ${when}`),
      base && commit[row] ? link(`${base}/commit/${commit[row]}`, commit[row].slice(0, 7), `Commit ${commit[row].slice(0, 7)}`) : null,
    ];
  }

  function names(data, row) {
    const stacks = stacksOf(data, row);
    const more = stacks.length > 3 ? ` and ${stacks.length - 3} more` : "";
    return stacks.slice(0, 3).join(", ") + more || "no stack known";
  }

  function unusual(data, chosen) {
    const home = byId("unusual");
    const rows = chosen.filter((row) => data.unusual[row]).reverse();
    home.replaceChildren();
    if (!rows.length) {
      home.append(element("p", { class: "nothing", text: "None in this choice." }));
      return;
    }
    const list = element("ul", { class: "odd" });
    for (const row of rows.slice(0, shown.all ? 200 : FEW)) {
      list.append(element("li", {},
        element("time", { datetime: new Date(data.rows.ended[row] * 1000).toISOString(), text: time(data.rows.ended[row]) }),
        element("span", { class: "what" }, element("strong", { text: names(data, row) }), element("span", { class: "sub", text: environmentOf(data, row) })),
        element("span", { class: "why", text: data.unusual[row].join(" ") }),
        element("span", { class: "links" }, ...links(data, row))));
    }
    home.append(list);
    if (rows.length > FEW) {
      const text = shown.all ? "Show the newest only" : `Show all ${number(Math.min(rows.length, 200))}`;
      const button = element("button", { type: "button", class: "more-button", text });
      button.addEventListener("click", () => {
        shown.all = !shown.all;
        unusual(data, chosen);
        home.querySelector("button").focus();
      });
      home.append(button);
    }
  }

  function slowest(data, chosen, stack) {
    const inside = new Uint8Array(data.rows.ended.length);
    for (const row of chosen) inside[row] = 1;
    const found = [];
    for (const one of data.resources) {
      if (stack >= 0 && one.stack !== stack) continue;
      const seconds = one.seconds.filter((_, place) => inside[one.at[place]]);
      if (seconds.length) found.push({ one, seconds, typical: Figures.typical(seconds) });
    }
    found.sort((a, b) => b.typical.median - a.typical.median);
    const home = byId("slowest");
    home.replaceChildren();
    byId("slowest-hint").textContent = "By their median in the good deployments of this choice. Of each resource the newest 100 measurements are kept.";
    if (!found.length) {
      home.append(element("p", { class: "nothing", text: "No resources are known of these deployments." }));
      return;
    }
    const most = found[0].typical.median;
    const head = ["Resource", "Stack", "Times", "Median", "9 of 10 below", "Last", "Over time"];
    const body = found.slice(0, 12).map(({ one, seconds, typical }) => element("tr", {},
      element("th", { class: "name full", scope: "row" }, one.label, element("span", { class: "sub", text: `${one.type}, ${one.action.toLowerCase()}` })),
      element("td", { class: "name full", text: data.stacks[one.stack] }),
      element("td", { class: "n", text: number(seconds.length), "data-label": "times" }),
      element("td", { class: "n", "data-label": "median" }, duration(typical.median), bar(typical.median / most)),
      element("td", { class: "n", text: duration(typical.p90), "data-label": "9 of 10 below" }),
      element("td", { class: "n", text: duration(seconds[seconds.length - 1]), "data-label": "last" }),
      element("td", { class: "full" }, spark(seconds))));
    home.append(table("Slowest resources", head.map((text, place) => element("th", { scope: "col", text, class: place > 1 && place < 6 ? "n" : null })), body));
  }

  /* Failures by the kind of their cause: how often, where most, and the last one. */
  function causes(data, chosen) {
    const groups = new Map();
    for (const row of chosen) {
      const why = data.rows.why[row];
      if (why === null) continue;
      const group = groups.get(why) || { count: 0, stacks: new Map(), last: row };
      group.count += 1;
      group.last = row;
      for (const name of stacksOf(data, row)) group.stacks.set(name, (group.stacks.get(name) || 0) + 1);
      groups.set(why, group);
    }
    const home = byId("causes");
    if (!groups.size) {
      home.replaceChildren(element("p", { class: "nothing", text: "No failure in this choice." }));
      return;
    }
    const found = [...groups].sort(([, one], [, other]) => other.count - one.count || other.last - one.last);
    const body = found.slice(0, 12).map(([why, { count, stacks, last }]) => {
      const most = [...stacks].sort(([, one], [, other]) => other - one);
      const words = most.slice(0, 3).map(([name, times]) => `${name} ${number(times)}`).join(", ");
      const when = time(data.rows.ended[last]);
      return element("tr", {},
        element("th", { class: "name full", scope: "row", text: data.whys[why] }),
        element("td", { class: "n", text: `${number(count)}×`, "data-label": "failures" }),
        element("td", { class: "name full", text: words + (most.length > 3 ? ` and ${number(most.length - 3)} more` : "") }),
        element("td", { class: "when", "data-label": "last" }, element("a", { href: `#deployment=${encodeURIComponent(data.rows.id[last])}`, text: when, "aria-label": `The last one, which ended ${when}` })),
        element("td", { class: "links" }, ...links(data, last)));
    });
    const more = found.length > 12 ? [element("p", { class: "hint", text: `And ${counted(found.length - 12, "more kind")}.` })] : [];
    home.replaceChildren(table("Causes of failures", ["Cause", "Failures", "Of which", "Last", "Links"].map((text, place) => element("th", { scope: "col", text, class: place === 1 ? "n" : null })), body), ...more);
  }

  /* Of each place (an environment, or a stack) the resource whose good deployments take longest there. */
  function slowestBy(data, chosen, placeOf) {
    const inside = new Uint8Array(data.rows.ended.length);
    for (const row of chosen) inside[row] = 1;
    const found = {};
    for (const one of data.resources) {
      const seconds = {};
      one.at.forEach((row, nth) => { if (inside[row]) (seconds[placeOf(one, row)] ||= []).push(one.seconds[nth]); });
      for (const [place, all] of Object.entries(seconds)) {
        const { median } = Figures.typical(all);
        if (!found[place] || median > found[place].median) found[place] = { label: one.label, stack: data.stacks[one.stack], median };
      }
    }
    return found;
  }

  /* Per environment, or per stack: how well and how fast it goes there. `choose` filters by it; `beside`
     are the deployments of each table, whichever of its rows is chosen. */
  function places(data, beside, period, { environment, stack }, choose) {
    const rows = (names, of) => names.map((name, place) => ({ name: name || "(not named)", place, found: of(place) }))
      .filter(({ found }) => found)
      .sort((a, b) => (b.found.now.failure_rate || 0) - (a.found.now.failure_rate || 0) || b.found.now.count - a.found.now.count);
    draw("places-environment", "Environment", rows(data.environments, (one) => Figures.of(data, period, one, stack)), (place) => choose("environment", place), slowestBy(data, beside.environment, (_, row) => data.rows.environment[row]));
    draw("places-stack", "Stack", rows(data.stacks, (one) => Figures.of(data, period, environment, one)), (place) => choose("stack", place), slowestBy(data, beside.stack, (one) => one.stack));
  }

  function draw(id, title, rows, choose, slow) {
    const head = [title, "Deployments", "Failure rate", "Tries until good", "Longest wait", "Duration", "Trend", "Slowest resource"];
    const body = rows.slice(0, 30).map(({ name, place, found: { now } }) => {
      const button = element("button", { type: "button", class: "th place", text: name, "aria-label": `Show ${name} only` });
      button.addEventListener("click", () => choose(place));
      const sign = now.trend > 0 ? "+" : "";
      const one = slow[place];
      const of = one && title !== "Stack" ? ` of ${one.stack}` : "";
      return element("tr", {},
        element("th", { class: "name full", scope: "row" }, button),
        element("td", { class: "n", text: number(now.count), "data-label": "deployments" }),
        element("td", { class: "n", text: percent(now.failure_rate), "data-label": "failure rate" }),
        element("td", { class: "n", text: now.tries ? String(Math.round(now.tries.median * 10) / 10) : "–", "data-label": "tries until good" }),
        element("td", { class: "n", text: duration(now.longest_wait), "data-label": "longest wait" }),
        element("td", { class: "n", text: duration(now.duration?.median), "data-label": "duration" }),
        element("td", { class: "n", text: now.trend === null ? "–" : `${sign}${Math.round(now.trend * 100)}\u00a0%`, "data-label": "trend" }),
        element("td", { class: "name full", text: one ? `${one.label}${of}, ${duration(one.median)}` : "–" }));
    });
    const more = rows.length > 30 ? element("p", { class: "hint", text: `And ${number(rows.length - 30)} more: choose one above.` }) : null;
    byId(id).replaceChildren(table(`By ${title.toLowerCase()}`, head.map((text, place) => element("th", { scope: "col", text, class: place && place < 7 ? "n" : null })), body), ...(more ? [more] : []));
  }

  function bar(share) {
    return element("span", { class: "bar", "aria-hidden": "true" },
      drawing("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none" }, drawing("rect", { width: Math.max(1, share * 100), height: 6, rx: 1 })));
  }

  function spark(seconds) {
    if (seconds.length < 2) return null;
    const high = Math.max(...seconds);
    const points = seconds.map((one, place) => `${((place / (seconds.length - 1)) * 100).toFixed(1)},${(22 - (one / high) * 20).toFixed(1)}`);
    return drawing("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, drawing("polyline", { points: points.join(" ") }));
  }

  function table(label, head, body) {
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${label}` },
      element("table", { class: "stacked" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
  }

  const KINDS = {
    "": () => true,
    bad: (data, row) => Figures.isBad(data.rows.outcome[row]),
    unusual: (data, row) => Boolean(data.unusual[row]),
    missed: (data, row) => data.rows.held[row] === 0,
  };

  /* By commit, person, cause, correlation id, stack, environment, repository; all words have to be there. */
  function finder(data, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return () => true;
    const { rows } = data;
    return (row) => {
      const commit = rows.commit[row].toLowerCase();
      const all = [data.actors[rows.actor[row]], rows.cause[row], rows.id[row], ...stacksOf(data, row), environmentOf(data, row), data.repositories[rows.repository[row]]].join(" ").toLowerCase();
      return words.every((word) => all.includes(word) || (commit && (commit.startsWith(word) || word.startsWith(commit))));
    };
  }

  function deployments(data, chosen, kind, text) {
    const kept = KINDS[kind] || KINDS[""];
    const found = finder(data, text);
    const keep = (_, row) => kept(data, row) && found(row);
    const column = data.rows[shown.sort];
    const sign = shown.down ? -1 : 1;
    const rows = chosen.filter((row) => keep(data, row))
      .sort((a, b) => (column[a] === null) - (column[b] === null) || sign * (column[a] - column[b]) || b - a);
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    shown.page = Math.min(shown.page, pages - 1);
    const again = () => deployments(data, chosen, kind, text);
    pager(rows.length, pages, again);
    const part = rows.slice(shown.page * PAGE, (shown.page + 1) * PAGE);
    const home = byId("table");
    if (!part.length) {
      home.replaceChildren(element("p", { class: "nothing", text: "None in this choice." }));
      return;
    }
    const titles = [["ended"], [null, "Stacks"], [null, "Outcome"], ["seconds"], [null, "Estimate"], ["queue"], ["turnaround"], [null, "By"], [null, "Links"]];
    const head = titles.map(([key, text]) => heading(key, text, again));
    home.replaceChildren(table("All deployments", head, part.map((row) => line(data, row))));
  }

  function heading(key, text, again) {
    const numeric = key && key !== "ended" || text === "Estimate";
    if (!key) return element("th", { scope: "col", text, class: numeric ? "n" : null });
    const active = shown.sort === key;
    const arrow = active ? (shown.down ? " ↓" : " ↑") : "";
    const button = element("button", { type: "button", class: "th", text: SORTS[key] + arrow, "data-sort": key });
    button.addEventListener("click", () => {
      shown.down = active ? !shown.down : true;
      shown.sort = key;
      shown.page = 0;
      again();
      document.querySelector(`[data-sort="${key}"]`)?.focus();
    });
    return element("th", { scope: "col", class: numeric ? "n" : null, "aria-sort": active ? (shown.down ? "descending" : "ascending") : "none" }, button);
  }

  function line(data, row) {
    const { rows } = data;
    const estimate = rows.mid[row] === null ? [] : [duration(rows.mid[row]), element("span", { class: "sub", text: `${duration(rows.low[row])} to ${duration(rows.high[row])}${rows.held[row] === 0 ? ", missed" : ""}` })];
    const told = [...(data.unusual[row] || []), rows.cause[row]].filter(Boolean).join(" ");
    const several = data.repositories.length > 1;
    const place = [environmentOf(data, row), several ? data.repositories[rows.repository[row]] : ""].filter(Boolean).join(" · ");
    const own = `#deployment=${encodeURIComponent(rows.id[row])}`;
    return element("tr", { "data-id": rows.id[row] },
      element("td", { class: "when" }, element("a", { href: own, text: time(rows.ended[row]), "aria-label": `Only the deployment that ended ${time(rows.ended[row])}` })),
      element("td", { class: "name full" }, names(data, row), element("span", { class: "sub", text: place })),
      element("td", { class: "told" }, pill(data, row), data.unusual[row] ? element("span", { class: "pill mark", text: "unusual" }) : null,
        told ? element("span", { class: "sub", text: told }) : null),
      element("td", { class: "n", text: duration(rows.seconds[row]), "data-label": "took" }),
      element("td", { class: rows.held[row] === 0 ? "n missed" : "n", "data-label": "estimate" }, ...(estimate.length ? estimate : ["–"])),
      element("td", { class: "n", text: duration(rows.queue[row]), "data-label": "queue" }),
      element("td", { class: "n", "data-label": "request to end" }, duration(rows.turnaround[row]),
        rows.lead[row] === null ? null : element("span", { class: "sub", text: `commit to end ${duration(rows.lead[row])}` })),
      element("td", { class: "name by", text: data.actors[rows.actor[row]] }),
      element("td", { class: "links" }, ...links(data, row)));
  }

  function pager(count, pages, again) {
    const turn = (text, label, by, off) => {
      const button = element("button", { type: "button", text, "aria-label": label });
      button.disabled = off;
      button.addEventListener("click", () => {
        shown.page += by;
        again();
        const same = byId("pager").querySelector(`[aria-label="${label}"]`);
        (same.disabled ? byId("pager").querySelector("button:not(:disabled)") || byId("deployments") : same).focus();
      });
      return button;
    };
    byId("pager").replaceChildren(
      element("span", { role: "status", text: `${number(count)}, page ${shown.page + 1} of ${number(pages)}` }),
      turn("‹", "Newer page", -1, shown.page === 0), turn("›", "Older page", 1, shown.page >= pages - 1));
  }

  const first = () => { shown.page = 0; };
  return { unusual, causes, slowest, deployments, places, names, first, wordsOf, percent };
})();
