/* The commands and the versions that made the results.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"

#include <stdlib.h>

static void put_command(FILE *out, const jebm_stored_run *run) {
    const json_t *m = run->manifest;
    jebm_page_shell_word(out, jebm_page_text(m, "program", NULL));
    fputs(" ", out);
    jebm_page_shell_word(out, run->figure);
    fputs(" --scale ", out);
    jebm_page_shell_word(out, run->scale);
    fputs(" --fidelity ", out);
    jebm_page_shell_word(out, jebm_page_text(m, "fidelity", NULL));
    fputs(" --seed ", out);
    jebm_page_shell_word(out, jebm_page_text(m, "seed", NULL));
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(m, "overrides"), i, entry) {
        if (json_is_string(entry)) {
            fputs(" --set ", out);
            jebm_page_shell_word(out, json_string_value(entry));
        }
    }
    char *directory = jebm_format("results/runs/%s/%s", run->scale, run->fidelity);
    if (run->other && directory != NULL) {
        fputs(" --out ", out);
        jebm_page_shell_word(out, directory);
    }
    free(directory);
    fputs("\n", out);
}

/* revision, compiler and libraries of the runs, each combination once */
static void put_versions(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    jebm_words revisions = {0}, compilers = {0}, isas = {0};
    for (size_t i = 0; i < c->nruns; i++) {
        const json_t *m = c->runs[i].manifest;
        jebm_words_add(&revisions, jebm_page_text(m, "environment", "git_revision"));
        jebm_words_add(&compilers, jebm_page_text(m, "environment", "compiler"));
        jebm_words_add(&isas, jebm_page_text(m, "environment", "isa"));
    }
    fputs("<dl class=\"facts\">\n<div><dt>Report by</dt><dd>jebm-report " JEBM_VERSION "</dd></div>"
          "\n<div><dt>Revisions of the runs</dt><dd><code>",
          out);
    jebm_words_put(out, &revisions, "</code>, <code>");
    fputs("</code></dd></div>\n<div><dt>Compiler</dt><dd>", out);
    jebm_words_put(out, &compilers, ", ");
    fputs("</dd></div>\n<div><dt>Instruction set</dt><dd>", out);
    jebm_words_put(out, &isas, ", ");
    const json_t *libraries =
        json_object_get(json_object_get(c->runs[0].manifest, "environment"), "libraries");
    fputs("</dd></div>\n<div><dt>Libraries</dt><dd>", out);
    const char *name, *separator = "";
    json_t *version;
    json_object_foreach((json_t *)libraries, name, version) {
        jebm_html_put(out, "%s%s %s", separator, name,
                      json_is_string(version) ? json_string_value(version) : "");
        separator = ", ";
    }
    fputs("</dd></div>\n</dl>\n", out);
    free(revisions.list);
    free(compilers.list);
    free(isas.list);
}

void jebm_page_reproduce(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    fputs("<section id=\"reproduce\" aria-labelledby=\"reproduce-title\">\n"
          "<h2 id=\"reproduce-title\">How to reproduce this</h2>\n"
          "<p>In a checkout of jebm at the revision below, one command installs what is missing, "
          "builds, runs, draws and judges:</p>\n<pre><code>",
          out);
    jebm_words scales = jebm_page_scales(page);
    for (size_t i = 0; i < scales.n; i++) {
        jebm_html_put(out, "./reproduce --scale %s\n", scales.list[i]);
    }
    free(scales.list);
    fputs("</code></pre>\n<p>Or figure by figure, from the manifests of the runs shown "
          "here:</p>\n<pre><code>",
          out);
    for (size_t i = 0; i < c->nruns; i++) {
        put_command(out, &c->runs[i]);
    }
    fputs("</code></pre>\n<p>The CSVs come out the same to the byte for any number of threads and "
          "after an interruption. Between instruction sets or compilers early steps agree closely "
          "and "
          "later ones in distribution only, since small differences grow.</p>\n"
          "<h3>How verdicts are made</h3>\n"
          "<p>Each claim names one number a run and a region for its mean, set from what the "
          "sentence or the figure means. A claim that was written after a run that judges it was "
          "seen is marked. The mean over the independent runs "
          "has a 95 % interval (Student\xE2\x80\x99s t over runs). Inside the region it is "
          "<em>within</em>, or <em>exact</em> for a closed form; apart from it, it "
          "<em>deviates</em>; across its edge, or with one run only, it is <em>underpowered</em>. "
          "A run that diverged is left out, and then the claim cannot be shown to hold. Below the "
          "published size, or with settings other than the preset\xE2\x80\x99s, the verdict is "
          "<em>scaled</em> and says only where it points. The verdicts on this page were made "
          "anew with it, by the code of <code>jebm-check</code>, from the CSVs that the manifests "
          "name.</p>\n<h3>Versions</h3>\n",
          out);
    put_versions(out, page);
    fputs("</section>\n", out);
}
