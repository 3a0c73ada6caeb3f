// SPDX-License-Identifier: GPL-3.0-or-later
// The curves of summary.csv: drawn anew, so that a curve can be switched off and read by its values.
// Without it the drawings above stand for them.
(function () {
    "use strict";
    const SVG = "http://www.w3.org/2000/svg";
    const LEFT = 66, RIGHT = 28, TOP = 14, BOTTOM = 44;
    // those of the style sheet; PCD and CD have their own, as in the drawings
    const COLOURS = [1, 2, 3, 4, 5].map((i) => "var(--curve-" + i + ")");
    const OWN = { pcd: "var(--curve-pcd)", cd: "var(--ink)" };
    // the bands of more curves would hide the curves
    const MOST_BANDS = 7;
    const DASHES = ["", "9 4", "2 3", "12 4 2 4"];
    const NAMES = { jarzynski: "Jarzynski", pcd: "PCD", cd: "CD", unweighted: "without weights" };

    function element(name, attributes, parent, text) {
        const made = document.createElement(name);
        Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
        made.textContent = text || "";
        parent.append(made);
        return made;
    }

    function shape(name, attributes, parent, text) {
        const made = document.createElementNS(SVG, name);
        Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
        made.textContent = text || "";
        parent.append(made);
        return made;
    }

    function number(x) {
        return x === null || x === undefined ? "\u2013"
            : (Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(2) : String(x)).replace("-", "\u2212");
    }

    // ---- data: JSON, packed by zlib, as base64

    async function unpack(node) {
        const bytes = Uint8Array.from(atob(node.textContent), (c) => c.charCodeAt(0));
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
        return new Response(stream).json();
    }

    const nodes = Array.from(document.querySelectorAll(".curve-data"));
    const unpacked = new Map();

    function data(figure, run) {
        const node = nodes.find((each) => each.dataset.figure === figure && each.dataset.run === run);
        if (node.dataset.copyOf) {
            return data(node.dataset.copyOf, run);
        }
        if (!unpacked.has(node)) {
            unpacked.set(node, unpack(node));
        }
        return unpacked.get(node);
    }

    // ---- looks: a colour by the method, then by the place among the variants; dashes after five

    function looks(cells) {
        let place = 0;
        return cells.map((cell) => {
            const own = OWN[cell.method];
            const i = own ? cells.filter((each) => each.method === cell.method).indexOf(cell) : place++;
            return { colour: own || COLOURS[i % COLOURS.length], dash: DASHES[Math.floor(own ? i : i / COLOURS.length) % DASHES.length] };
        });
    }

    function label(cell) {
        const name = NAMES[cell.method] || cell.method.replace(/_/g, " ");
        return cell.variant === "-" || cell.variant === "" ? name : name + ", " + cell.variant;
    }

    // ---- axes

    // round numbers between two, as many as there is room for
    function ticks(low, high, most) {
        const rough = (high - low) / most;
        const power = Math.pow(10, Math.floor(Math.log10(rough)));
        const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
        const list = [];
        for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-12); i++) {
            list.push(Number((i * step).toPrecision(6)));
        }
        return list;
    }

    function powers(low, high, most) {
        const list = [];
        for (let e = Math.ceil(low); e <= high; e++) {
            list.push(e);
        }
        return list.length < 2 ? ticks(low, high, most) : list.filter((e, i) => i % Math.ceil(list.length / most) === 0);
    }

    // ---- one chart

    function chart(place) {
        const { figure, label: title } = place.dataset;
        const claimed = place.dataset.claimed.split(" ").filter(Boolean);
        const runs = nodes.filter((node) => node.dataset.figure === figure).map((node) => node.dataset.run);
        const off = new Set(), lines = new Map();
        let curves, cells = [], styles = [], quantity, row = -1;

        const controls = element("div", { class: "filters" }, place);
        const choice = (name, text) => {
            const id = place.id + "-" + name;
            const holder = element("div", {}, controls);
            element("label", { for: id }, holder, text);
            return element("select", { id }, holder);
        };
        const runBox = choice("run", "Runs");
        const quantityBox = choice("quantity", "Quantity");
        const axisBox = choice("axis", "Vertical axis");
        runs.forEach((run) => runBox.add(new Option(run)));
        ["linear", "logarithmic"].forEach((axis) => axisBox.add(new Option(axis)));
        const buttons = element("div", { class: "switches" }, controls);
        const all = element("button", { type: "button" }, buttons, "All curves");
        const none = element("button", { type: "button" }, buttons, "No curve");
        const bands = element("button", { type: "button" }, buttons, "Bands");

        const picture = shape("svg", { tabindex: "0", role: "img" }, place);
        const said = element("p", { class: "at", role: "status" }, place);
        const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Curves of " + title }, place);
        const table = element("table", { class: "curve-legend" }, scroll);
        const head = element("tr", {}, element("thead", {}, table));
        ["Curve", "Mean of the runs", "Lowest run", "Highest run"].forEach((text, i) => {
            element("th", { scope: "col", class: i > 0 ? "number" : "" }, head, text);
        });
        const body = element("tbody", {}, table);
        const banded = () => bands.getAttribute("aria-pressed") === "true";
        const shown = () => cells.filter((cell) => !off.has(label(cell)) && cell.mean[quantity]);

        // ---- drawing

        const logarithmic = () => axisBox.value === "logarithmic";
        const scaled = (y) => y === null ? null : !logarithmic() ? y : y > 0 ? Math.log10(y) : null;

        function span(lists) {
            const values = lists.flat().filter((x) => x !== null);
            const low = Math.min(...values), high = Math.max(...values);
            const pad = high > low ? 0.04 * (high - low) : Math.abs(high) * 0.05 || 1;
            return values.length ? [low - pad, high + pad] : [0, 1];
        }

        function path(xs, ys, x, y) {
            let pen = "M";
            return xs.map((step, i) => {
                if (ys[i] === null) {
                    pen = "M";
                    return "";
                }
                const point = pen + x(step).toFixed(1) + " " + y(ys[i]).toFixed(1);
                pen = "L";
                return point;
            }).join("");
        }

        function draw() {
            // a unit is a pixel, so that letters have their size on any screen
            const width = Math.max(280, picture.getBoundingClientRect().width);
            const height = Math.max(260, Math.min(440, width / 2));
            const list = shown();
            const steps = list.length ? list.flatMap((cell) => cell.steps) : [0, 1];
            const [first, last] = [Math.min(...steps), Math.max(...steps)];
            const [low, high] = span(list.flatMap((cell) => (banded() ? ["mean", "low", "high"] : ["mean"])
                .filter((name) => cell[name][quantity]).map((name) => cell[name][quantity].map(scaled))));
            const x = (step) => LEFT + (width - LEFT - RIGHT) * (step - first) / (last - first || 1);
            const y = (value) => height - BOTTOM - (height - TOP - BOTTOM) * (value - low) / (high - low);
            picture.replaceChildren();
            lines.clear();
            picture.setAttribute("viewBox", "0 0 " + width + " " + height);
            picture.setAttribute("height", height);
            picture.setAttribute("aria-label", curves.quantities[quantity] + " over the iterations, " + title +
                ". Arrow keys go from step to step");
            (logarithmic() ? powers(low, high, 7) : ticks(low, high, 6)).forEach((tick) => {
                shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }, picture);
                shape("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, picture,
                    number(logarithmic() ? Number(Math.pow(10, tick).toPrecision(3)) : tick));
            });
            ticks(first, last, width / 110).forEach((tick) => {
                shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: TOP, y2: height - BOTTOM }, picture);
                shape("text", { x: x(tick), y: height - BOTTOM + 18, "text-anchor": "middle" }, picture, number(tick));
            });
            shape("text", { x: (LEFT + width - RIGHT) / 2, y: height - 6, "text-anchor": "middle" }, picture, "step");
            list.forEach((cell) => {
                const style = styles[cells.indexOf(cell)];
                const of = (name) => cell[name][quantity] && cell[name][quantity].map(scaled);
                const [mean, lowest, highest] = ["mean", "low", "high"].map(of);
                if (lowest && highest && banded()) {
                    const kept = cell.steps.map((step, i) => i).filter((i) => lowest[i] !== null && highest[i] !== null);
                    const edge = (ys) => kept.map((i) => x(cell.steps[i]).toFixed(1) + " " + y(ys[i]).toFixed(1));
                    shape("polygon", { points: edge(lowest).concat(edge(highest).reverse()).join(" "),
                        style: "fill:" + style.colour, class: "band" }, picture);
                }
                const line = "stroke:" + style.colour + ";stroke-dasharray:" + (style.dash || "none");
                lines.set(cell, shape("path", { d: path(cell.steps, mean, x, y), style: line, class: "curve" }, picture));
            });
            const guide = shape("line", { class: "guide", y1: TOP, y2: height - BOTTOM }, picture);
            const longest = list.reduce((a, b) => b.steps.length > a.steps.length ? b : a, { steps: [] });
            row = Math.min(row < 0 ? longest.steps.length - 1 : row, longest.steps.length - 1);
            const every = longest.every > 1 ? ", one of " + longest.every + " recorded steps is shown" : "";

            function read() {
                const step = longest.steps[row];
                guide.setAttribute("visibility", list.length ? "visible" : "hidden");
                if (list.length) {
                    guide.setAttribute("x1", x(step));
                    guide.setAttribute("x2", x(step));
                }
                said.textContent = list.length ? curves.quantities[quantity] + " at step " + step + every
                    : "no curve is switched on, or none of them has this quantity";
                Array.from(body.rows).forEach((line, i) => {
                    const cell = cells[i];
                    const at = cell.steps.reduce((best, s, k) =>
                        Math.abs(s - step) < Math.abs(cell.steps[best] - step) ? k : best, 0);
                    ["mean", "low", "high"].forEach((name, k) => {
                        const values = cell[name][quantity];
                        line.cells[k + 1].textContent = list.includes(cell) && values ? number(values[at]) : "\u2013";
                    });
                });
            }
            picture.onpointermove = (event) => {
                const box = picture.getBoundingClientRect();
                const at = (event.clientX - box.left) / box.width * width;
                row = longest.steps.reduce((best, step, i) =>
                    Math.abs(x(step) - at) < Math.abs(x(longest.steps[best]) - at) ? i : best, 0);
                read();
            };
            picture.onpointerdown = picture.onpointermove;
            picture.onkeydown = (event) => {
                const move = { ArrowLeft: row - 1, ArrowRight: row + 1, Home: 0, End: longest.steps.length - 1 }[event.key];
                if (move !== undefined) {
                    event.preventDefault();
                    row = Math.max(0, Math.min(move, longest.steps.length - 1));
                    read();
                }
            };
            read();
        }

        // ---- choosing

        function legend() {
            body.replaceChildren();
            cells.forEach((cell, i) => {
                const line = element("tr", {}, body);
                const name = label(cell);
                const button = element("button", { type: "button", class: "switch", "aria-pressed": !off.has(name) },
                    element("th", { scope: "row" }, line));
                const sample = shape("svg", { viewBox: "0 0 34 8", "aria-hidden": "true" }, button);
                shape("line", { x1: 0, x2: 34, y1: 4, y2: 4, class: "curve",
                    style: "stroke:" + styles[i].colour + ";stroke-dasharray:" + (styles[i].dash || "none") }, sample);
                element("span", {}, button, name);
                button.addEventListener("click", () => {
                    off[off.has(name) ? "delete" : "add"](name);
                    button.setAttribute("aria-pressed", !off.has(name));
                    draw();
                });
                [1, 2, 3].forEach(() => element("td", { class: "number" }, line));
                [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]].forEach(([event, on]) => {
                    line.addEventListener(event, () => lines.has(cell) && lines.get(cell).classList.toggle("strong", on));
                });
            });
        }

        function setBands(on) {
            bands.setAttribute("aria-pressed", on);
        }

        function switchAll(on) {
            off.clear();
            cells.forEach((cell) => on || off.add(label(cell)));
            legend();
            draw();
        }

        // the quantities that the claims are about come first
        async function load(run, wanted) {
            curves = await data(figure, run);
            cells = curves.cells;
            styles = looks(cells);
            const drawn = curves.quantities.filter((name, i) => cells.some((cell) => cell.mean[i]));
            quantityBox.replaceChildren();
            [["of the claims", drawn.filter((name) => claimed.includes(name))],
                ["others", drawn.filter((name) => !claimed.includes(name))]].forEach(([group, names]) => {
                const holder = element("optgroup", { label: group }, quantityBox);
                names.forEach((name) => element("option", { value: name }, holder, name));
                holder.hidden = !names.length;
            });
            quantityBox.value = [wanted, claimed[0], drawn[0]].find((name) => drawn.includes(name));
            quantity = curves.quantities.indexOf(quantityBox.value);
            row = -1;
            setBands(cells.length <= MOST_BANDS);
            legend();
            draw();
        }

        runBox.addEventListener("change", () => load(runBox.value, quantityBox.value));
        quantityBox.addEventListener("change", () => {
            quantity = curves.quantities.indexOf(quantityBox.value);
            draw();
        });
        axisBox.addEventListener("change", draw);
        all.addEventListener("click", () => switchAll(true));
        none.addEventListener("click", () => switchAll(false));
        bands.addEventListener("click", () => {
            setBands(!banded());
            draw();
        });
        place.hidden = false;
        let wide = 0;
        new ResizeObserver(() => {
            if (curves && Math.abs(picture.clientWidth - wide) > 1) {
                wide = picture.clientWidth;
                draw();
            }
        }).observe(picture);
        load(runs[0]);
        return (run, wanted) => {
            runBox.value = run;
            return load(run, wanted);
        };
    }

    if (typeof DecompressionStream === "undefined") {
        return;
    }
    const charts = new Map();
    document.querySelectorAll(".curves").forEach((place) => {
        if (nodes.some((node) => node.dataset.figure === place.dataset.figure)) {
            charts.set(place.id, chart(place));
        }
    });

    // a claim's curve: its run and its quantity
    document.querySelectorAll("a.panel").forEach((link) => {
        const show = charts.get(link.dataset.curves);
        if (show) {
            link.hash = link.dataset.curves;
            link.addEventListener("click", () => show(link.dataset.run, link.dataset.quantity));
        }
    });
})();
