#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# jebm-report's page in a real browser, headless: no errors, nothing fetched, images load, links
# resolve, nothing sticks out on a phone, sorting, filtering and the curves work, and it prints.
#
#     test_report_browser.sh JEBM_REPORT CHECKOUT
set -u
report=$1 checkout=$2
browser=$(command -v chromium || command -v chromium-browser) || {
    echo 'skipped: chromium is not installed (Debian package chromium)'
    exit 77
}
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
failures=0

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# browse LOG OPTION... URL; a quota of time, since a browser that hangs would hang the tests
browse() {
    local log=$1
    shift
    HOME=$place timeout 150 "$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --no-first-run --disable-extensions --disable-background-networking --user-data-dir="$place/profile" \
        --virtual-time-budget=5000 --enable-logging=stderr --v=0 "$@" 2>"$log"
}

JEBM_SHARE=$checkout "$report" --results "$checkout/results/reference" --out "$place/report.html" >"$place/out" 2>&1 ||
    fail "jebm-report: $(<"$place/out")"

# a page that goes by mail: 4 MB for what was run at the published size
JEBM_SHARE=$checkout "$report" --results "$checkout/results/reference" --scale paper --out "$place/paper.html" >"$place/out" 2>&1 ||
    fail "jebm-report --scale paper: $(<"$place/out")"
size=$(wc -c <"$place/paper.html")
((size <= 4000000)) || fail "at scale paper the page has $size bytes, expected 4000000 at most"

# The checks run in a copy of the page and leave their findings in an element: `findings: none`, or
# one line each. A copy that is framed has the width of a phone, which a window may not have.
cat >"$place/checks.js" <<'END'
window.addEventListener("load", async () => {
    const found = [];
    const expect = (holds, words) => { if (!holds) { found.push(words); } };
    const all = (selector) => Array.from(document.querySelectorAll(selector));
    const table = document.getElementById("claims-table");
    const shown = () => Array.from(table.tBodies[0].rows).filter((row) => !row.hidden);
    const choose = (id, value, kind) => {
        document.getElementById(id).value = value;
        document.getElementById(id).dispatchEvent(new Event(kind || "input", { bubbles: true }));
    };
    const settle = async (done) => {
        for (let i = 0; i < 100 && !done(); i++) {
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    };
    const total = shown().length;
    const of = (origin, rows) => rows.filter((row) => row.dataset.origin === origin).length;
    const count = () => document.getElementById("count").textContent;
    const counted = "Shown: X of " + of("paper", shown()) + " claims that are the paper\u2019s, Y of " +
        of("ours", shown()) + " claims that are ours";

    expect(document.compatMode === "CSS1Compat", "quirks mode");
    expect(total > 20, "few claims: " + total);
    const images = all("img");
    expect(images.length > 5, "few images: " + images.length);
    images.forEach((image) => {
        expect(image.complete && image.naturalWidth > 0, "no image: " + image.alt);
        expect(image.alt !== "", "an image without a text");
        expect(image.src.startsWith("data:"), "an image from elsewhere");
    });
    all("a[href^='#']").forEach((link) => {
        const id = decodeURIComponent(link.getAttribute("href").slice(1));
        expect(document.getElementById(id), "no target: " + id);
    });
    const ids = all("[id]").map((element) => element.id);
    expect(new Set(ids).size === ids.length, "an id twice");
    expect(performance.getEntriesByType("resource").every((entry) => entry.name.startsWith("data:")),
        "something was fetched");
    expect(document.documentElement.scrollWidth <= document.documentElement.clientWidth,
        "sticks out: " + document.documentElement.scrollWidth + " of " + document.documentElement.clientWidth);
    if (document.title.startsWith("phone")) {
        expect(document.documentElement.clientWidth === 360, "no phone: " + document.documentElement.clientWidth);
    }

    // filter by verdict: as many rows as the page has of it, and the count says so
    const within = all("#claims-table tr[data-verdict='within']").length;
    choose("filter-verdict", "within");
    expect(shown().length === within && within < total, "filter by verdict: " + shown().length);
    expect(count() === counted.replace("X", of("paper", shown())).replace("Y", of("ours", shown())), "count: " + count());
    choose("filter-origin", "ours");
    expect(shown().length > 0 && of("ours", shown()) === shown().length && count().startsWith("Shown: 0 of "),
        "filter by origin: " + count());
    choose("filter-origin", "");
    choose("filter-fidelity", "code");
    expect(shown().every((row) => row.dataset.fidelity === "code" && row.dataset.verdict === "within") &&
        shown().length < within, "filter by fidelity");
    choose("filter-text", "no such words");
    expect(shown().length === 0, "filter by words");

    // a link to a row that is hidden shows it
    const row = table.tBodies[0].rows[0];
    location.hash = row.id;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(!row.hidden && shown().length === total, "a hidden row as target");

    // each part of a bar shows the claims that it counts
    expect(all(".matrix .part[data-origin=ours]").length > 5, "no bars of ours");
    all(".matrix .part").forEach((part) => {
        part.click();
        expect(shown().length === parseInt(part.textContent, 10), "part of a bar: " + part.title);
    });
    document.getElementById("filters").reset();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(shown().length === total, "reset: " + shown().length);

    // sort by each column, both ways: the order is that of the cells, and only one head says so
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
        const key = (line) => {
            const cell = line.cells[column];
            return "sort" in cell.dataset ? parseFloat(cell.dataset.sort) : cell.textContent;
        };
        ["ascending", "descending"].forEach((direction) => {
            head.querySelector("button").click();
            expect(head.getAttribute("aria-sort") === direction, "aria-sort of column " + column);
            expect(all("#claims-table [aria-sort]").length === 1, "aria-sort of two columns");
            const keys = shown().map(key).filter((value) => !Number.isNaN(value));
            const sign = direction === "ascending" ? 1 : -1;
            const order = (a, b) => typeof a === "number" ? a - b
                : a.localeCompare(b, "en", { numeric: true });
            expect(keys.every((value, i) => i === 0 || sign * order(keys[i - 1], value) <= 0),
                "order of column " + column + ", " + direction);
        });
    });
    expect(shown().length === total, "sorting lost rows");

    // a drawing is enlarged, and closed again
    all(".enlarge")[0].click();
    expect(document.getElementById("zoom").open, "enlarge");
    document.getElementById("zoom-close").click();
    expect(!document.getElementById("zoom").open, "close");

    // curves: as many as the legend says, one switched off and on, values where the pointer is
    const place = document.getElementById("curves-fig06");
    await settle(() => place.querySelectorAll("path.curve").length > 0);
    const switches = () => Array.from(place.querySelectorAll(".switch"));
    const drawn = () => place.querySelectorAll("path.curve").length;
    const cell = (row, column) => place.querySelector(".curve-legend tbody").rows[row].cells[column].textContent;
    const said = () => place.querySelector(".at").textContent;
    const picture = place.querySelector(":scope > svg");
    const press = (key) => picture.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    expect(!place.hidden && drawn() > 5 && drawn() === switches().length, "curves: " + drawn());
    const before = drawn();
    switches()[1].click();
    expect(drawn() === before - 1 && switches()[1].getAttribute("aria-pressed") === "false", "a curve switched off");
    expect(cell(1, 1) === "\u2013", "the value of a curve that is off: " + cell(1, 1));
    switches()[1].click();
    expect(drawn() === before && cell(1, 1) !== "\u2013", "a curve switched on");
    const point = (share) => {
        const box = picture.getBoundingClientRect();
        picture.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + share * box.width,
            clientY: box.top + box.height / 2, bubbles: true }));
    };
    // a curve of very many rows is thinned, and says so
    const at = (step) => { const words = said().split(", one of "); return words[0] === "p at step " + step && words.length < 3; };
    point(0);
    expect(at(0) && cell(0, 1) === "0.5" && cell(0, 2) === "0.5", "at the left: " + said() + ", " + cell(0, 1));
    point(1);
    expect(at(LAST_STEP) && cell(0, 1) === "LAST_MEAN", "at the right: " + said() + ", " + cell(0, 1));
    press("Home");
    expect(at(0), "Home: " + said());
    press("ArrowRight");
    expect(!at(0), "the right arrow: " + said());
    place.querySelectorAll(".switches button")[1].click();
    expect(drawn() === 0 && said().startsWith("no curve"), "no curve: " + said());
    place.querySelectorAll(".switches button")[0].click();
    expect(drawn() === before, "all curves");
    const bands = () => place.querySelectorAll(".band").length;
    expect(bands() === before, "bands: " + bands());
    place.querySelectorAll(".switches button")[2].click();
    expect(bands() === 0 && drawn() === before, "no bands: " + bands());
    choose("curves-fig06-axis", "logarithmic", "change");
    expect(drawn() === before && Array.from(place.querySelectorAll("path.curve")).every((path) =>
        !path.getAttribute("d").includes("NaN")), "a logarithmic axis");
    const link = document.getElementById("claim-fig06-kl-drift_2Fc_3D1.0_40code").querySelector(".panel");
    link.click();
    await settle(() => said().startsWith("kl_estimate"));
    expect(location.hash === "#curves-fig06" && said().startsWith("kl_estimate at step") &&
        document.getElementById("curves-fig06-run").value === "code", "from a claim to its curve: " + said());
    await settle(() => all(".curves").every((each) => each.querySelector(".switch")));
    all(".curves").forEach((each) => {
        expect(each.querySelectorAll("path.curve").length > 0, "no curve in " + each.id);
        expect(!each.innerHTML.includes("NaN"), "NaN in " + each.id);
    });

    // what is drawn can be read: WCAG's contrast of every text against the ground behind it
    const shade = (colour) => {
        const c = colour.match(/[\d.]+/g).slice(0, 3).map((x) => x / 255)
            .map((x) => x <= 0.04045 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4));
        return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!colour.startsWith("rgba") || colour.endsWith(", 1)")) { return colour; }
        }
        return "rgb(255, 255, 255)";
    };
    all("body *").forEach((element) => {
        const text = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
        if (!text || element.closest("script, svg, .enlarge, dialog") || !element.getClientRects().length) {
            return;
        }
        const pair = [shade(getComputedStyle(element).color), shade(ground(element))].sort((a, b) => b - a);
        const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
        expect(contrast >= 4.5, "contrast " + contrast.toFixed(2) + ": " + element.textContent.slice(0, 30));
    });

    const list = document.createElement("pre");
    list.id = "findings";
    list.textContent = ["findings", Array.from(new Set(found)).join("\n") || "none"].join(": ");
    document.body.append(list);
    parent.postMessage(list.textContent, "*");
});
END

# what the first curve of Figure 6 shows in the end, from the runs themselves: four digits
run=$checkout/results/reference/paper/paper/fig06
packed=$run/trajectory.csv.gz
last=$(if [[ -e $packed ]]; then gzip -dc "$packed"; else cat "$run/trajectory.csv"; fi | awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $1 == "jarzynski" && $2 == "c=0.1" && $at["step"] >= step {
        if ($at["step"] > step) sum = n = 0
        step = $at["step"]; sum += $at["p"]; n++
    }
    END { printf "%s %.4g", step, sum / n }')
sed -i -e "s/LAST_STEP/${last% *}/" -e "s/LAST_MEAN/${last#* }/" "$place/checks.js"

# copy NAME TITLE: the page with the checks at its end
copy() {
    sed -e "s|<title>|<title>$2 |" -e '/^<\/body>$/,$d' "$place/report.html" >"$place/$1"
    { printf '<script>\n' && cat "$place/checks.js" && printf '</script>\n</body>\n</html>\n'; } >>"$place/$1"
}

# judge WHAT PAGE OPTION...: no findings, and nothing on the console
judge() {
    local what=$1 page=$2 findings
    shift 2
    browse "$place/log" "$@" --dump-dom "file://$place/$page" >"$place/dom" || fail "$what: the browser failed: $(tail -n 3 "$place/log")"
    findings=$(sed -n '/findings: /,/<\/pre>/p' "$place/dom" | sed -e 's|.*findings: ||' -e 's|</pre>.*||')
    [[ $findings == none ]] || fail "$what: ${findings:-the checks did not come to an end}"
    ! grep -q CONSOLE "$place/log" || fail "$what: $(grep CONSOLE "$place/log")"
}

copy wide.html wide
copy narrow.html phone
cat >"$place/phone.html" <<'END'
<!DOCTYPE html><meta charset="utf-8"><title>a phone</title>
<iframe src="narrow.html" style="width:360px;height:740px;border:0"></iframe>
<script>window.addEventListener("message", (event) => {
    const list = document.createElement("pre");
    list.textContent = event.data;
    document.body.append(list);
});</script>
END
judge 'at 1280 pixels' wide.html --window-size=1280,900
judge 'dark' wide.html --window-size=1280,900 --blink-settings=preferredColorScheme=0
judge 'at 360 pixels' phone.html --window-size=800,900 --hide-scrollbars

# on paper: the settings that are folded on the screen are there, so there are more pages
pages() { grep -ac '/Type */Page\b' "$1"; }
browse "$place/log" --no-pdf-header-footer --print-to-pdf="$place/report.pdf" "file://$place/report.html"
sed 's|<details>.*</details>||; /<details>/,/<\/details>/d' "$place/report.html" >"$place/short.html"
browse "$place/log" --no-pdf-header-footer --print-to-pdf="$place/short.pdf" "file://$place/short.html"
[[ -s $place/report.pdf && -s $place/short.pdf ]] || fail 'it does not print'
(($(pages "$place/report.pdf") > $(pages "$place/short.pdf"))) ||
    fail "printed: $(pages "$place/report.pdf") pages, without what is folded $(pages "$place/short.pdf")"

((failures == 0)) && echo 'all as expected'
exit "$((failures > 0))"
