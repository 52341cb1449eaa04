// Draws the charts, filters, sorts, and switches the theme. What is drawn lies in #data: rows, the
// configurations, and charts, whose rows name them by number (see charts.py).
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = new Map(data.charts.map((chart) => [chart.id, chart]));
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  // Colours that differ in each of the three kinds of colour blindness, each 3:1 on the page.
  // Shapes and dashes tell optimizers apart, and backbones of one colour where there are many.
  const THEMES = {
    light: {
      page: "#ffffff", text: "#1a2027", muted: "#55606c", line: "#d3dae2",
      low: "#eef4fb", high: "#0a58a6", onlow: "#000000", onhigh: "#ffffff", switch: 0.79,
      backbones: ["#0072b2", "#da730b", "#632e1d", "#8c25f4", "#777777", "#060679", "#511d63", "#aa3109"],
      parts: ["#aa3109", "#777777", "#0072b2", "#8c25f4", "#632e1d", "#060679", "#0072b2", "#da730b"],
    },
    dark: {
      page: "#10151b", text: "#e8edf3", muted: "#a5b1be", line: "#34404d",
      low: "#1c2a39", high: "#9bccff", onlow: "#ffffff", onhigh: "#000000", switch: 0.48,
      backbones: ["#56b4e9", "#f48c25", "#eee3c4", "#b06bff", "#f42559", "#bff986", "#d65bb8", "#55f6f6"],
      parts: ["#f42559", "#eee3c4", "#56b4e9", "#b06bff", "#bff986", "#55f6f6", "#56b4e9", "#f48c25"],
    },
  };
  const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];
  const DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 3], [1, 4]];
  const place = (list, value, choices) => choices[Math.max(0, list.indexOf(value)) % choices.length];
  const many = data.backbones.length > THEMES.light.backbones.length;
  const drawnAs = ({ backbone, optimizer }) => {
    const colours = THEMES[theme()].backbones;
    const round = Math.floor(Math.max(0, data.backbones.indexOf(backbone)) / colours.length);
    const at = round * data.optimizers.length + Math.max(0, data.optimizers.indexOf(optimizer));
    return {
      colour: place(data.backbones, backbone, colours),
      shape: SHAPES[at % SHAPES.length],
      dash: DASHES[at % DASHES.length],
    };
  };

  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme || (preferred.matches ? "dark" : "light");

  // What may be shown --------------------------------------------------------------------------
  const form = document.getElementById("filters");
  const chosen = () => Object.fromEntries(new FormData(form));
  const passes = (row, filter) =>
    (filter.board === "*" || String(row.board) === filter.board) &&
    (filter.backbone === "*" || row.backbone === filter.backbone) &&
    (filter.optimizer === "*" || row.optimizer === filter.optimizer) &&
    (filter.sweep === "*" || row.sweeps.includes(filter.sweep));
  let shown = new Set(data.rows.keys());

  const filter = () => {
    const now = chosen();
    shown = new Set([...data.rows.keys()].filter((at) => passes(data.rows[at], now)));
    const boards = new Set([...shown].map((at) => String(data.rows[at].board)));
    const hide = (node, hidden) => node.toggleAttribute("data-hidden", hidden);
    all("[data-board]").forEach((node) => {
      const own = node.dataset.row !== undefined && !shown.has(Number(node.dataset.row));
      hide(node, own || !boards.has(node.dataset.board));
    });
    all("tr[data-row]").forEach((node) => hide(node, !shown.has(Number(node.dataset.row))));
    all("tr[data-failed]").forEach((node) => hide(node, ["backbone", "optimizer", "sweep"].some(
      (key) => now[key] !== "*" && now[key] !== node.dataset[key])));
    form.querySelector("output").value = `${shown.size} of ${data.rows.length} configurations shown`;
    redraw();
  };

  // Charts -------------------------------------------------------------------------------------
  const isShown = (numbers) =>
    numbers === null || (Array.isArray(numbers) ? numbers.some((at) => shown.has(at)) : shown.has(numbers));

  // The chart's rows as objects, joined with what their configuration is called and drawn as.
  const rowsOf = (chart, choice) => {
    const joined = [];
    for (const values of chart.rows) {
      const row = Object.fromEntries(chart.columns.map((column, at) => [column, values[at]]));
      if (!isShown(row.row) || (chart.choice && row[chart.choice.column] !== choice)) continue;
      const first = data.rows[Array.isArray(row.row) ? row.row[0] : row.row];
      if (first) {
        const { name, backbone, optimizer } = first;
        Object.assign(row, { name, backbone, optimizer, ...drawnAs(first) });
      } else row.name = row.label;
      row.row = String(row.row);
      joined.push(row);
    }
    return joined;
  };

  // The specification with the theme's colours for words such as "@muted", and the choice's name.
  const complete = (node, words) => {
    if (typeof node === "string") return node.includes("@") ? filled(node, words) : node;
    if (Array.isArray(node)) return node.map((one) => complete(one, words));
    if (node && typeof node === "object")
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, complete(value, words)]));
    return node;
  };
  const filled = (text, words) => {
    const whole = /^@(\w+)$/.exec(text);
    if (whole && whole[1] in words) return words[whole[1]];
    return text.replace(/@(\w+)/, (found, word) => words[word] ?? found);
  };

  const words = (chart, choice) => {
    const colours = THEMES[theme()];
    const parts = chart.words.colours?.map((at) => colours.parts[at]);
    return { ...colours, ...chart.words, colours: parts, choice: chart.choice ? chart.choice.values[choice] : "" };
  };

  const config = () => {
    const { text, muted, line } = THEMES[theme()];
    return {
      background: null, font: "system-ui, Segoe UI, Roboto, Noto Sans, sans-serif",
      view: { stroke: null },
      axis: {
        labelColor: muted, titleColor: muted, gridColor: line, domainColor: muted, tickColor: muted,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", gridOpacity: 0.7,
      },
      axisQuantitative: { tickCount: 6 },
      axisY: { titleAnchor: "end" },
      legend: { labelColor: text, labelFontSize: 12, symbolType: "square" },
      mark: { aria: false }, text: { color: text }, style: { cell: { stroke: null } },
    };
  };

  const drawn = new Map();
  const waiting = new Set();

  const draw = async (figure) => {
    const chart = charts.get(figure.dataset.chart);
    const select = figure.querySelector(".choice select");
    const first = chart.choice ? Object.keys(chart.choice.values)[0] : undefined;
    const choice = select ? select.value : first;
    const rows = rowsOf(chart, choice);
    const plot = figure.querySelector(".plot");
    const token = {};
    drawn.get(figure)?.view?.finalize();
    drawn.set(figure, token);
    table(figure, chart, rows, choice);
    legend(figure, chart, rows);
    if (!rows.some((row) => row.row !== "null")) {
      plot.replaceChildren(element("p", "Nothing is left with these filters.", { class: "empty" }));
      figure.dataset.state = "empty";
      return;
    }
    const spec = complete(data.specs[chart.kind], words(chart, choice));
    spec.data = { values: rows };
    spec.config = config();
    if (spec.height.step) spec.height = spec.height.step * new Set(rows.map((row) => row.name)).size;
    spec.description = `${figure.querySelector("h3").textContent}. ${figure.querySelector("figcaption p").textContent}`;
    const target = element("div");
    plot.replaceChildren(target);
    try {
      const result = await vegaEmbed(target, spec, { renderer: "svg", actions: false, mode: "vega-lite", logLevel: 1 });
      if (drawn.get(figure) !== token) return result.finalize();
      token.view = result;
      figure.dataset.state = "drawn";
    } catch (error) {
      figure.dataset.state = "failed";
      console.error(chart.id, error);
    }
  };

  const legend = (figure, chart, rows) => {
    const box = figure.querySelector(".legend");
    const colours = THEMES[theme()];
    const entries = new Map();
    const add = (label, icon) => entries.has(label) || entries.set(label, icon);
    for (const row of chart.legend ? rows : []) {
      if (!row.backbone || chart.legend === "part") continue;
      if (chart.legend === "entrant") add(row.label, stroke(row));
      else if (chart.legend === "line") add(row.name, stroke(row));
      else if (many) add(row.name, swatch(row.shape, row.colour));
      else add(row.backbone, swatch("circle", row.colour));
    }
    if (chart.legend === "backbone" && !many && data.optimizers.length > 1)
      for (const row of rows)
        if (row.optimizer) add(row.optimizer, swatch(row.shape, colours.muted));
    if (chart.legend === "part")
      chart.words.used.forEach((part, at) =>
        entries.set(part, swatch("square", colours.parts[chart.words.colours[at]])));
    box.hidden = entries.size === 0;
    box.replaceChildren(...[...entries].map(([label, icon]) => {
      const item = element("span");
      item.append(icon, label);
      return item;
    }));
  };

  const svg = (width, height, inside) => {
    const holder = element("span", undefined, { "aria-hidden": "true" });
    holder.innerHTML = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${inside}</svg>`;
    return holder.firstChild;
  };
  const PATHS = {
    circle: "M7 2a5 5 0 1 0 .01 0z", square: "M2 2h10v10H2z", "triangle-up": "M7 1l6 11H1z",
    diamond: "M7 0l6 7-6 7-6-7z", cross: "M5 1h4v4h4v4H9v4H5V9H1V5h4z", "triangle-down": "M7 13L1 2h12z",
  };
  const swatch = (shape, colour) => svg(14, 14, `<path d="${PATHS[shape]}" fill="${colour}"/>`);
  const stroke = (row) =>
    svg(30, 10, `<path d="M0 5h30" stroke="${row.colour}" stroke-width="3" stroke-dasharray="${row.dash.join(" ")}" fill="none"/>`);

  // The figure's numbers as a table, made when it is opened.
  const table = (figure, chart, rows, choice) => {
    const details = figure.querySelector("details.numbers");
    const fill = () => {
      details.querySelector(".scroll")?.remove();
      if (!details.open) return;
      const columns = Object.keys(chart.headings);
      const made = element("table");
      made.append(element("caption", figure.querySelector("h3").textContent, { class: "for" }));
      const head = made.createTHead().insertRow();
      for (const column of columns)
        head.append(element("th", filled(chart.headings[column], words(chart, choice)), { scope: "col" }));
      const body = made.createTBody();
      for (const row of rows) {
        const line = body.insertRow();
        columns.forEach((column, at) => {
          const value = row[column];
          line.append(element(at ? "td" : "th", value === null || value === undefined ? "—" : String(value), at ? {} : { scope: "row" }));
        });
      }
      const scroll = element("div", undefined, { class: "scroll", role: "region", tabindex: "0", "aria-label": `Data table: ${figure.querySelector("h3").textContent}` });
      scroll.append(made);
      details.append(scroll);
      sortable(made);
    };
    details.ontoggle = fill;
    fill();
  };

  // Charts are drawn when they come near the window: a page of many opens at once.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting && waiting.delete(target)) draw(target);
  }, { rootMargin: "600px" });
  const redraw = () => {
    for (const figure of all("figure.chart")) {
      waiting.add(figure);
      near.unobserve(figure);
      near.observe(figure);
    }
  };
  const drawAll = () => Promise.all([...waiting].map((figure) => (waiting.delete(figure), draw(figure))));
  addEventListener("beforeprint", drawAll);

  // Sorting ------------------------------------------------------------------------------------
  const valueOf = (text) => {
    if (/^\s*(—|)\s*$/.test(text)) return null;
    if (text.trim().startsWith("∞")) return Infinity;
    const found = /^\s*(?:n=|±)?\s*([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)\s*([MGk]?)/i.exec(text);
    if (!found) return text.trim().toLowerCase();
    return Number(found[1].replaceAll(",", "")) * ({ M: 1e6, G: 1e9, k: 1e3 }[found[2]] ?? 1);
  };
  const compared = (one, other) => {
    if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
    return typeof one === "number" ? -1 : 1;
  };
  const sortable = (made) => {
    const heads = all("thead th", made);
    heads.forEach((head, at) => {
      const button = element("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const keyed = [...made.tBodies[0].rows].map((row) => [valueOf(row.cells[at]?.textContent ?? ""), row]);
        keyed.sort(([one], [other]) => {
          // What is missing stays behind, whichever way.
          if (one === null || other === null) return (one === null) - (other === null);
          return (down ? -1 : 1) * compared(one, other);
        });
        made.tBodies[0].append(...keyed.map(([, row]) => row));
      });
    });
  };

  // Theme --------------------------------------------------------------------------------------
  const button = document.getElementById("theme");
  const label = () => {
    button.textContent = theme() === "dark" ? "Light colours" : "Dark colours";
  };
  const remember = (value) => {
    try {
      localStorage.setItem("triathlon-theme", value);
    } catch { /* A browser may keep nothing for files. */ }
  };
  const recall = () => {
    try {
      return localStorage.getItem("triathlon-theme");
    } catch {
      return null;
    }
  };
  const kept = recall();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  button.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    label();
    redraw();
  });
  preferred.addEventListener("change", () => {
    label();
    redraw();
  });

  label();
  button.hidden = false;
  form.hidden = false;
  all("table.sortable").forEach(sortable);
  all(".choice select").forEach((select) => select.addEventListener("change", () => draw(select.closest("figure"))));
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
  // For tests and for printing.
  window.triathlon = { drawAll };
})();
