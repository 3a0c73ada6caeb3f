/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include "io/atomic_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NVERDICTS = JEBM_VERDICT_DEVIATES + 1 };

/* "scaled: holds" where there is a direction */
static const char *verdict_phrase(const jebm_judgement *j, char *buffer, size_t size) {
    const bool directed = j->direction != JEBM_DIRECTION_NONE;
    snprintf(buffer, size, "%s%s%s", jebm_verdict_text(j->verdict), directed ? ": " : "",
             jebm_direction_text(j->direction));
    return buffer;
}

static const char *interval_phrase(const jebm_interval *i, char *buffer, size_t size) {
    buffer[0] = '\0';
    if (i->n > 1) {
        snprintf(buffer, size, "[%.3g, %.3g]", i->low, i->high);
    } else if (i->n == 1) {
        snprintf(buffer, size, "one run");
    }
    return buffer;
}

static const char *number_phrase(const jebm_interval *i, char *buffer, size_t size) {
    buffer[0] = '\0';
    if (i->n > 0) {
        snprintf(buffer, size, "%.4g", i->mean);
    }
    return buffer;
}

static void put_tally(FILE *out, const jebm_judgement *list, size_t n) {
    size_t tally[NVERDICTS] = {0};
    for (size_t i = 0; i < n; i++) {
        tally[list[i].verdict]++;
    }
    fprintf(out, "%zu claims:", n);
    const char *separator = " ";
    for (size_t v = 0; v < NVERDICTS; v++) {
        if (tally[v] > 0) {
            fprintf(out, "%s%zu %s", separator, tally[v], jebm_verdict_text((jebm_verdict)v));
            separator = ", ";
        }
    }
    fputc('\n', out);
}

/* the predicate with its numbers put in; as it stands where there are no data to put in */
static const char *region_phrase(const jebm_judgement *j, char *buffer, size_t size) {
    const jebm_region *r = &j->region;
    if (!j->has_region) {
        snprintf(buffer, size, "%s", j->claim->predicate);
    } else if (isinf(r->low) || isinf(r->high)) {
        snprintf(buffer, size, "%c %.4g", isinf(r->low) ? '<' : '>',
                 isinf(r->low) ? r->high : r->low);
    } else {
        snprintf(buffer, size, "[%.4g, %.4g]", r->low, r->high);
    }
    return buffer;
}

/* 100 columns where ids have at most 30 characters; reasons go on a line of their own */
void jebm_report_table(FILE *out, const jebm_judgement *list, size_t n) {
    bool after = false;
    fprintf(out, "%-30s %-22s %9s %-20s %s\n", "claim", "verdict", "mean", "95 % interval",
            "holds if");
    for (size_t i = 0; i < n; i++) {
        const jebm_judgement *j = &list[i];
        char verdict[48], marked[52], number[32], interval[64], region[64];
        after |= j->claim->after;
        snprintf(marked, sizeof marked, "%s%s", verdict_phrase(j, verdict, sizeof verdict),
                 j->claim->after ? "*" : "");
        fprintf(out, "%-30s %-22s %9s %-20s %.15s\n", j->claim->id, marked,
                number_phrase(&j->interval, number, sizeof number),
                interval_phrase(&j->interval, interval, sizeof interval),
                region_phrase(j, region, sizeof region));
        if (j->reason[0] != '\0') {
            fprintf(out, "    %s\n", j->reason);
        }
    }
    if (after) {
        fputs("* written after a run that judges it was seen\n", out);
    }
    put_tally(out, list, n);
}

void jebm_report_list(FILE *out, const jebm_claims *claims) {
    for (size_t i = 0; i < claims->count; i++) {
        const jebm_claim *c = &claims->list[i];
        fprintf(out, "%s  (%s; %s%s)\n    %s\n    %s  %s\n", c->id, jebm_claim_kind_text(c->kind),
                c->source, c->after ? "; written after the runs" : "", c->says, c->quantity,
                c->predicate);
    }
}

/* ---- JSON ---- */

/* JSON has no NaN and no infinity: null */
static json_t *number_or_null(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *text_or_null(const char *text) {
    return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *claim_object(const jebm_judgement *j) {
    const jebm_claim *c = j->claim;
    json_t *values = json_array(), *runs = json_array();
    for (size_t i = 0; i < j->interval.n; i++) {
        json_array_append_new(values, json_real(j->values[i]));
        json_array_append_new(runs, json_integer((json_int_t)j->runs[i]));
    }
    const double low = j->has_region ? j->region.low : NAN;
    const double high = j->has_region ? j->region.high : NAN;
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:[o,o], s:o, s:o, s:s, s:s, s:[o,o], s:s, s:s, s:s, s:s, s:s, s:o, "
        "s:o, s:o, s:o, s:o, s:I, s:s, s:o}",
        "id", c->id, "verdict", jebm_verdict_text(j->verdict), "direction",
        text_or_null(jebm_direction_text(j->direction)), "estimate",
        number_or_null(j->interval.mean), "interval", number_or_null(j->interval.low),
        number_or_null(j->interval.high), "values", values, "runs", runs, "quantity", c->quantity,
        "predicate", c->predicate, "region", number_or_null(low), number_or_null(high), "kind",
        jebm_claim_kind_text(c->kind), "says", c->says, "source", c->source, "figure", c->figure,
        "fidelity", c->fidelity, "scale", text_or_null(j->scale), "method", text_or_null(c->method),
        "variant", text_or_null(c->variant), "data", text_or_null(j->data), "sha256",
        text_or_null(j->sha256), "diverged", (json_int_t)j->diverged, "written",
        c->after ? "after" : "before", "reason", text_or_null(j->reason));
}

static json_t *verdicts_object(const jebm_judgement *list, size_t n) {
    json_t *claims = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *object = claim_object(&list[i]);
        if (list[i].claim->note != NULL) {
            json_object_set_new(object, "note", json_string(list[i].claim->note));
        }
        json_array_append_new(claims, object);
    }
    return json_pack("{s:i, s:s, s:s, s:f, s:o}", "schema", 1, "program", "jebm-check", "version",
                     JEBM_VERSION, "confidence", JEBM_CONFIDENCE, "claims", claims);
}

jebm_status jebm_report_json(const char *path, const jebm_judgement *list, size_t n,
                             jebm_error *err) {
    json_t *root = verdicts_object(list, n);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    if (text == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: no memory for the verdicts", path);
    }
    jebm_atomic_file file;
    jebm_status status = jebm_atomic_open(&file, path, err);
    if (status == JEBM_OK) {
        fprintf(file.stream, "%s\n", text);
        status = jebm_atomic_commit(&file, err);
    }
    free(text);
    return status;
}

/* ---- Markdown ---- */

/* '|' would end a cell */
static void put_cell(FILE *out, const char *text) {
    fputs(" ", out);
    for (; *text != '\0'; text++) {
        fputs(*text == '|' ? "\\|" : (char[]){*text, '\0'}, out);
    }
    fputs(" |", out);
}

jebm_status jebm_report_markdown(const char *path, const jebm_judgement *list, size_t n,
                                 jebm_error *err) {
    jebm_atomic_file file;
    JEBM_TRY(jebm_atomic_open(&file, path, err));
    FILE *out = file.stream;
    fputs("| claim | the paper says | verdict | mean over runs | 95 % interval | holds if | data "
          "|\n| --- | --- | --- | --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; i < n; i++) {
        const jebm_judgement *j = &list[i];
        const jebm_claim *c = j->claim;
        char verdict[48], number[32], interval[64], says[1200], claim[112];
        snprintf(claim, sizeof claim, "`%s`", c->id);
        snprintf(says, sizeof says, "%s (%s%s)", c->says,
                 c->kind == JEBM_CLAIM_OURS ? "ours" : c->source,
                 c->after ? ", written after the runs" : "");
        fputs("|", out);
        put_cell(out, claim);
        put_cell(out, says);
        put_cell(out, verdict_phrase(j, verdict, sizeof verdict));
        put_cell(out, number_phrase(&j->interval, number, sizeof number));
        put_cell(out, interval_phrase(&j->interval, interval, sizeof interval));
        put_cell(out, c->predicate);
        put_cell(out, j->reason[0] != '\0' ? j->reason : j->scale);
        fputs("\n", out);
    }
    return jebm_atomic_commit(&file, err);
}

/* One cell of the brief table: the verdicts of a section at one fidelity, with the mean of its only
 * claim or the range of the means of several. */
static void put_brief(FILE *out, const jebm_judgement *list, size_t n, const char *section,
                      const char *fidelity) {
    size_t count[NVERDICTS] = {0}, total = 0;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const jebm_claim *c = list[i].claim;
        if (strcmp(c->section, section) != 0 || strcmp(c->fidelity, fidelity) != 0) {
            continue;
        }
        count[list[i].verdict]++;
        total++;
        if (list[i].interval.n > 0) {
            low = fmin(low, list[i].interval.mean);
            high = fmax(high, list[i].interval.mean);
        }
    }
    const char *separator = " ";
    for (size_t v = 0; v < NVERDICTS; v++) {
        const char *text = jebm_verdict_text((jebm_verdict)v);
        if (count[v] > 0 && total == 1) {
            fprintf(out, " **%s**", text);
        } else if (count[v] > 0) {
            fprintf(out, "%s%zu **%s**", separator, count[v], text);
            separator = ", ";
        }
    }
    if (low < high) {
        fprintf(out, ": %.3g to %.3g", low, high);
    } else if (low == high) {
        fprintf(out, ": %.3g", low);
    }
    fputs(" |", out);
}

jebm_status jebm_report_brief(const char *path, const jebm_judgement *list, size_t n,
                              jebm_error *err) {
    jebm_atomic_file file;
    JEBM_TRY(jebm_atomic_open(&file, path, err));
    FILE *out = file.stream;
    static const char *const remarks[2][2] = {{"", " (written after the runs)"},
                                              {" (ours)", " (ours, written after the runs)"}};
    fputs("| claim | says | holds if | the text (`paper`) | the released script (`code`) |\n"
          "| --- | --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; i < n; i++) {
        const jebm_claim *c = list[i].claim;
        /* the claims of a section stand together: the first one speaks for all */
        if (i > 0 && strcmp(c->section, list[i - 1].claim->section) == 0) {
            continue;
        }
        char says[1200], claim[64], holds[256];
        snprintf(claim, sizeof claim, "`%s`", c->section);
        snprintf(says, sizeof says, "%s%s", c->says, remarks[c->kind == JEBM_CLAIM_OURS][c->after]);
        snprintf(holds, sizeof holds, "`%s`", c->predicate);
        fputs("|", out);
        put_cell(out, claim);
        put_cell(out, says);
        put_cell(out, holds);
        put_brief(out, list, n, c->section, "paper");
        put_brief(out, list, n, c->section, "code");
        fputs("\n", out);
    }
    return jebm_atomic_commit(&file, err);
}

/* ---- baseline ---- */

typedef struct earlier {
    const char *id, *scale;
    jebm_verdict verdict;
    jebm_direction direction;
} earlier;

static jebm_status read_earlier(const json_t *entry, const char *path, size_t index, earlier *e,
                                jebm_error *err) {
    const char *verdict = json_string_value(json_object_get(entry, "verdict"));
    const char *direction = json_string_value(json_object_get(entry, "direction"));
    const char *scale = json_string_value(json_object_get(entry, "scale"));
    e->id = json_string_value(json_object_get(entry, "id"));
    e->scale = scale ? scale : "none";
    e->direction = JEBM_DIRECTION_NONE;
    if (e->id == NULL || verdict == NULL || !jebm_verdict_parse(verdict, &e->verdict) ||
        (direction != NULL && !jebm_direction_parse(direction, &e->direction))) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: claims[%zu] has no id or no known verdict: expected a file that "
                         "jebm-check --json wrote",
                         path, index);
    }
    return JEBM_OK;
}

/* what comes of a claim of the baseline: compared, lost, or only one of the two has it */
static void compare_one(FILE *out, const earlier *e, const jebm_judgement *list, size_t n,
                        bool whole, jebm_losses *losses) {
    size_t i = 0;
    while (i < n && strcmp(list[i].claim->id, e->id) != 0) {
        i++;
    }
    if (i == n) {
        if (whole) {
            fprintf(out, "not compared: %s is not in the claims file\n", e->id);
            losses->apart++;
        }
        return;
    }
    const jebm_judgement *j = &list[i];
    const char *scale = j->scale[0] != '\0' ? j->scale : "none";
    if (strcmp(scale, e->scale) != 0) {
        fprintf(out, "not compared: %s has scale %s in the baseline and %s here\n", e->id, e->scale,
                scale);
        losses->apart++;
        return;
    }
    losses->compared++;
    if (!jebm_verdict_is_worse(j->verdict, j->direction, e->verdict, e->direction)) {
        return;
    }
    char now[48], before[48];
    const jebm_judgement then = {.verdict = e->verdict, .direction = e->direction};
    fprintf(out, "lost: %s was '%s', now '%s' (scale %s)\n", e->id,
            verdict_phrase(&then, before, sizeof before), verdict_phrase(j, now, sizeof now),
            scale);
    losses->lost++;
}

static jebm_status compare_all(FILE *out, const char *path, const json_t *claims,
                               const jebm_judgement *list, size_t n, bool whole,
                               jebm_losses *losses, jebm_error *err) {
    bool *known = calloc(n + 1, sizeof *known);
    jebm_status status =
        known != NULL ? JEBM_OK : jebm_fail(err, JEBM_ENOMEM, "%s: no memory to compare", path);
    for (size_t i = 0; i < json_array_size(claims) && status == JEBM_OK; i++) {
        earlier e;
        status = read_earlier(json_array_get(claims, i), path, i, &e, err);
        for (size_t k = 0; k < n && status == JEBM_OK; k++) {
            known[k] |= strcmp(list[k].claim->id, e.id) == 0;
        }
        if (status == JEBM_OK) {
            compare_one(out, &e, list, n, whole, losses);
        }
    }
    for (size_t k = 0; k < n && status == JEBM_OK; k++) {
        if (!known[k]) {
            fprintf(out, "not compared: %s is not in the baseline\n", list[k].claim->id);
            losses->apart++;
        }
    }
    free(known);
    return status;
}

jebm_status jebm_report_compare(FILE *out, const char *path, const jebm_judgement *list, size_t n,
                                bool whole, jebm_losses *losses, jebm_error *err) {
    *losses = (jebm_losses){0};
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    if (root == NULL) {
        return jebm_fail(err, JEBM_EFORMAT, "%s:%d: %.160s; expected a file of jebm-check --json",
                         path, why.line, why.text);
    }
    const json_t *claims = json_object_get(root, "claims");
    const jebm_status status =
        json_is_array(claims)
            ? compare_all(out, path, claims, list, n, whole, losses, err)
            : jebm_fail(err, JEBM_EFORMAT,
                        "%s: found no array \"claims\", expected a file of jebm-check --json",
                        path);
    json_decref(root);
    if (status == JEBM_OK) {
        fprintf(out, "baseline: %zu claims compared, %zu lost, %zu not compared\n",
                losses->compared, losses->lost, losses->apart);
    }
    return status;
}
