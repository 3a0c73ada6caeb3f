// SPDX-License-Identifier: GPL-3.0-or-later
// Sorting and filtering of the table of claims, enlarging of drawings. Without it the page is whole.
(function () {
    "use strict";
    const byId = (id) => document.getElementById(id);
    const table = byId("claims-table");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const heads = Array.from(table.tHead.rows[0].cells);
    const form = byId("filters");
    const choices = ["origin", "verdict", "figure", "fidelity"];
    const words = byId("filter-text");
    const sortBy = byId("sort-by");
    const collator = new Intl.Collator("en", { numeric: true });

    // ---- filter

    const texts = rows.map((row) => row.textContent.toLowerCase());

    function filter() {
        const wanted = choices.map((name) => byId("filter-" + name).value);
        const parts = words.value.toLowerCase().split(/\s+/).filter(Boolean);
        rows.forEach((row, i) => {
            row.hidden = !(choices.every((name, k) => !wanted[k] || row.dataset[name] === wanted[k]) &&
                parts.every((part) => texts[i].includes(part)));
        });
        // the paper's claims and ours are never added together
        const counts = Array.from(byId("filter-origin").options).slice(1).map((option) => {
            const whose = rows.filter((row) => row.dataset.origin === option.value);
            return whose.filter((row) => !row.hidden).length + " of " + whose.length + " claims that are " + option.text;
        });
        byId("count").textContent = "Shown: " + counts.join(", ");
    }

    function show(values) {
        choices.forEach((name) => { byId("filter-" + name).value = values[name] || ""; });
        words.value = "";
        filter();
    }

    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => { show({}); sort(null, "none"); });
    document.querySelectorAll("a[data-verdict]").forEach((link) => {
        link.addEventListener("click", () => show(link.dataset));
    });

    // a link to a row that is filtered out shows all rows first
    function arrive() {
        let id = "";
        try {
            id = decodeURIComponent(location.hash.slice(1));
        } catch (error) {
            return;
        }
        const row = id && byId(id);
        if (row && row.hidden) {
            show({});
            row.scrollIntoView();
        }
    }
    window.addEventListener("hashchange", arrive);

    // ---- sort: by the number where a cell has one, rows without one last

    function key(row, column) {
        const cell = row.cells[column];
        return "sort" in cell.dataset ? { number: cell.dataset.sort === "" ? NaN : Number(cell.dataset.sort) }
            : { text: cell.textContent };
    }

    function compare(a, b) {
        if ("text" in a) {
            return collator.compare(a.text, b.text);
        }
        return a.number - b.number;
    }

    function sort(column, direction) {
        const sign = direction === "descending" ? -1 : 1;
        const order = rows.map((row, i) => ({ row, i, key: column === null ? null : key(row, column) }));
        order.sort((a, b) => {
            if (column === null) {
                return a.i - b.i;
            }
            const lost = Number.isNaN(a.key.number) - Number.isNaN(b.key.number);
            return lost || sign * compare(a.key, b.key) || a.i - b.i;
        });
        body.append(...order.map((entry) => entry.row));
        heads.forEach((head, i) => {
            if (i === column) {
                head.setAttribute("aria-sort", direction);
            } else {
                head.removeAttribute("aria-sort");
            }
        });
        sortBy.value = column === null ? "" : column + " " + direction;
    }

    sortBy.add(new Option("as in the claims file", ""));
    heads.forEach((head, i) => {
        const name = head.textContent;
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.addEventListener("click", () => {
            sort(i, head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
        });
        head.replaceChildren(button);
        sortBy.add(new Option(name + ", rising", i + " ascending"));
        sortBy.add(new Option(name + ", falling", i + " descending"));
    });
    sortBy.addEventListener("change", () => {
        const [column, direction] = sortBy.value.split(" ");
        sort(column === "" ? null : Number(column), direction);
    });
    form.hidden = false;
    show({});
    arrive();

    // ---- drawings, enlarged

    const zoom = byId("zoom");
    const place = zoom.querySelector(".zoom-place");
    document.querySelectorAll(".paper").forEach((paper) => {
        const image = paper.querySelector("img");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "enlarge";
        button.textContent = "Enlarge";
        button.setAttribute("aria-label", "Enlarge: " + image.alt);
        paper.append(button);
        paper.classList.add("zoomable");
        paper.addEventListener("click", () => {
            const copy = new Image();
            copy.src = image.src;
            copy.alt = image.alt;
            place.replaceChildren(copy);
            zoom.showModal();
        });
    });
    byId("zoom-close").addEventListener("click", () => zoom.close());
    zoom.addEventListener("click", (event) => {
        if (event.target === zoom) {
            zoom.close();
        }
    });

    // ---- print: everything that is folded is opened for it

    let folded = [];
    window.addEventListener("beforeprint", () => {
        folded = Array.from(document.querySelectorAll("details:not([open])"));
        folded.forEach((details) => { details.open = true; });
    });
    window.addEventListener("afterprint", () => {
        folded.forEach((details) => { details.open = false; });
    });
})();
