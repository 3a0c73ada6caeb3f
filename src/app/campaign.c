/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/campaign.h"

#include "app/artefacts.h"
#include "app/environment.h"
#include "app/manifest.h"
#include "app/rundir.h"
#include "app/share.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;

static void note_signal(int number) {
    stop_signal = number;
}

int jebm_campaign_signal(void) {
    return stop_signal;
}

/* The first signal asks for a checkpoint, a second one of the same kind ends at once. */
static void catch_signals(void) {
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    // a file that grows beyond its limit shall be an error of the write, not the end of the process
    signal(SIGXFSZ, SIG_IGN);
}

/* ---------------------------------------------------------------------------------- planning */

/* Saturating product, so that absurd settings stay absurd. */
static uint64_t times(uint64_t a, uint64_t b) {
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* the step up to which record_first holds */
static uint64_t dense_steps(const jebm_campaign *c) {
    return c->record_until > 0 ? c->record_until : c->record_every;
}

static jebm_status check_memory(const jebm_campaign *c, jebm_error *err) {
    uint64_t physical, available;
    jebm_memory(&physical, &available);
    const uint64_t limit = physical / 10 * 9;
    const uint64_t rows = times(c->ncells * (c->end - c->first),
                                c->iterations / c->record_every + 2 +
                                    (c->record_first > 0 ? dense_steps(c) / c->record_first : 0));
    const uint64_t table = times(rows, 8 * (c->driver->ncolumns + 3));
    const char *key = NULL;
    // a merge runs nothing, it needs the rows only
    const uint64_t run = c->options->nparts > 0 ? 0 : c->driver->memory(c->preset, &key);
    const double gib = 1.0 / (1 << 30);
    if (physical == 0 || (table <= limit && run <= limit - table)) {
        return JEBM_OK;
    }
    return jebm_fail(err, JEBM_EINVAL,
                     "%s needs %.3g GiB (%.3g a run, %.3g for its rows), but this machine has %.3g "
                     "GiB of memory, %.3g of it free: %s '%s' (--set %s=...)",
                     c->figure, ((double)run + (double)table) * gib, (double)run * gib,
                     (double)table * gib, (double)physical * gib, (double)available * gib,
                     table > run ? "raise" : "lower", table > run ? "record_every" : key,
                     table > run ? "record_every" : key);
}

static void add_line(jebm_digest *digest, const char *name, const char *value) {
    jebm_digest_add(digest, name, strlen(name));
    jebm_digest_add(digest, "=", 1);
    jebm_digest_add(digest, value, strlen(value) + 1);
}

/* What the parts of a merge were made from; else what the driver finds and reads. */
static jebm_status take_inputs(jebm_campaign *c, jebm_error *err) {
    if (c->options->nparts > 0) {
        c->inputs = json_deep_copy(c->options->inputs);
        return JEBM_OK;
    }
    if (c->driver->inputs == NULL) {
        return c->options->data == NULL
                   ? JEBM_OK
                   : jebm_fail(err, JEBM_EINVAL, "--data '%s': %s reads no data; leave it out",
                               c->options->data, c->driver->program);
    }
    c->inputs = json_object();
    char *shared = jebm_format("%s", c->directory);
    if (c->inputs == NULL || shared == NULL) {
        free(shared);
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for the inputs");
    }
    // DIR of DIR/FIGURE
    char *slash = strrchr(shared, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    const jebm_status status =
        c->driver->inputs(c->preset, c->options->data, shared, c->inputs, err);
    free(shared);
    return status;
}

static void take_fingerprint(jebm_campaign *c) {
    char seed[32];
    jebm_digest digest;
    jebm_digest_init(&digest);
    snprintf(seed, sizeof seed, "%" PRIu64, jebm_preset_seed(c->preset));
    add_line(&digest, "program", c->driver->program);
    add_line(&digest, "version", JEBM_VERSION);
    add_line(&digest, "figure", c->figure);
    add_line(&digest, "scale", jebm_preset_scale(c->preset));
    add_line(&digest, "fidelity", jebm_preset_fidelity(c->preset));
    add_line(&digest, "seed", seed);
    for (size_t i = 0; i < jebm_preset_nkeys(c->preset); i++) {
        const jebm_key *key = jebm_preset_key(c->preset, i);
        if (jebm_key_decides(key)) {
            add_line(&digest, key->name, jebm_preset_text(c->preset, key->name));
        }
    }
    const char *name;
    json_t *value;
    json_object_foreach(c->inputs, name, value) {
        if (json_is_string(value)) {
            add_line(&digest, name, json_string_value(value));
        }
    }
    jebm_digest_text(&digest, c->fingerprint);
}

bool jebm_campaign_is_part(const jebm_campaign *c) {
    return c->end - c->first < c->runs;
}

static jebm_status choose_runs(jebm_campaign *c, jebm_error *err) {
    const uint64_t from = c->options->runs_from, to = c->options->runs_to;
    if (from > c->runs || to > c->runs) {
        return jebm_fail(err, JEBM_EINVAL,
                         "--runs-%s %" PRIu64 ": expected a run from 1 to %zu, as many as %s has",
                         from > c->runs ? "from" : "to", from > c->runs ? from : to, c->runs,
                         c->figure);
    }
    c->first = from > 0 ? (size_t)from - 1 : 0;
    c->end = to > 0 ? (size_t)to : c->runs;
    c->run = c->first;
    return JEBM_OK;
}

static jebm_status read_interval(double *seconds, jebm_error *err) {
    const char *text = getenv("JEBM_CHECKPOINT_SECONDS");
    *seconds = 30;
    if (text == NULL) {
        return JEBM_OK;
    }
    char *end;
    *seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(*seconds >= 0 && *seconds <= 1e9)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "JEBM_CHECKPOINT_SECONDS is '%.40s'; expected seconds, 0 to 1e9", text);
    }
    return JEBM_OK;
}

jebm_status jebm_campaign_init(jebm_campaign *c, const jebm_driver *driver,
                               const jebm_options *options, const jebm_preset *preset,
                               const char *directory, jebm_error *err) {
    memset(c, 0, sizeof *c);
    c->driver = driver;
    c->options = options;
    c->preset = preset;
    c->lock = -1;
    c->figure = jebm_preset_figure(preset);
    c->runs = (size_t)jebm_preset_count(preset, "runs");
    c->iterations = jebm_preset_count(preset, "iterations");
    c->record_every = jebm_preset_count(preset, "record_every");
    c->record_first = jebm_preset_count(preset, "record_first");
    c->record_until = jebm_preset_count(preset, "record_until");
    JEBM_TRY(read_interval(&c->checkpoint_seconds, err));
    c->directory = jebm_format("%s", directory);
    if (c->directory == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a path");
    }
    JEBM_TRY(driver->plan(preset, c->cells, &c->ncells, err));
    JEBM_TRY(choose_runs(c, err));
    JEBM_TRY(take_inputs(c, err));
    JEBM_TRY(check_memory(c, err));
    take_fingerprint(c);

    const size_t n = c->ncells * c->runs;
    c->row = calloc(driver->ncolumns + 1, sizeof *c->row);
    c->seconds = calloc(n + 1, sizeof *c->seconds);
    c->steps = calloc(n + 1, sizeof *c->steps);
    c->diverged = json_array();
    if (c->row == NULL || c->seconds == NULL || c->steps == NULL || c->diverged == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for %zu runs", n);
    }
    JEBM_TRY(jebm_table_init(&c->table, driver->columns, driver->ncolumns, err));
    for (size_t i = 0; i < c->ncells; i++) {
        // labels are entered in the order of the cells, so that their numbers are the same
        uint64_t label;
        JEBM_TRY(jebm_table_label(&c->table, c->cells[i].method, c->cells[i].variant, &label, err));
        if (label != i) {
            return jebm_fail(err, JEBM_EINVAL, "two cells are called %s %s", c->cells[i].method,
                             c->cells[i].variant);
        }
    }
    return JEBM_OK;
}

static void close_state(jebm_campaign *c) {
    if (c->state != NULL) {
        c->driver->close(c->state);
        c->state = NULL;
    }
}

void jebm_campaign_free(jebm_campaign *c) {
    if (c == NULL) {
        return;
    }
    close_state(c);
    jebm_checkpoint_close(c->loaded);
    jebm_table_free(&c->table);
    free(c->directory);
    free(c->row);
    free(c->seconds);
    free(c->steps);
    json_decref(c->diverged);
    json_decref(c->merged_from);
    json_decref(c->copies);
    json_decref(c->inputs);
    if (c->lock >= 0) {
        close(c->lock);
    }
    memset(c, 0, sizeof *c);
    c->lock = -1;
}

/* ----------------------------------------------------------------------------------- running */

uint64_t jebm_campaign_next_row(const jebm_campaign *c, uint64_t step) {
    uint64_t next = (step / c->record_every + 1) * c->record_every;
    if (c->record_first > 0 && step < dense_steps(c)) {
        const uint64_t early = (step / c->record_first + 1) * c->record_first;
        next = early < next ? early : next;
    }
    return next < c->iterations ? next : c->iterations;
}

static jebm_progress_place place_of(const jebm_campaign *c) {
    const jebm_cell *cell = &c->cells[c->cell];
    return (jebm_progress_place){cell->method, cell->variant, c->run,
                                 c->runs,      c->step,       c->iterations};
}

static jebm_status write_tables(const jebm_campaign *c, bool summary, jebm_error *err) {
    char *trajectory = jebm_format("%s/trajectory.csv", c->directory);
    char *means = jebm_format("%s/summary.csv", c->directory);
    jebm_status status;
    if (trajectory == NULL || means == NULL) {
        status = jebm_fail(err, JEBM_ENOMEM, "not enough memory for a path");
    } else {
        status = jebm_table_write(&c->table, trajectory, err);
        if (status == JEBM_OK && summary) {
            status = jebm_table_write_summary(&c->table, means, err);
        }
    }
    free(trajectory);
    free(means);
    return status;
}

static jebm_status record(jebm_campaign *c, jebm_error *err) {
    JEBM_TRY(c->driver->record(c->state, c->row, err));
    return jebm_table_append(&c->table, c->cell, c->run, c->step, c->row, err);
}

static jebm_status interrupted(jebm_campaign *c, jebm_error *err) {
    const jebm_progress_place at = place_of(c);
    jebm_progress_clear(&c->progress);
    JEBM_TRY(jebm_campaign_save(c, err));
    JEBM_TRY(write_tables(c, false, err));
    return jebm_fail(err, JEBM_EINTERRUPT,
                     "interrupted at %s %s %s run %" PRIu64 "/%" PRIu64 " step %" PRIu64 "/%" PRIu64
                     "; checkpoint written: continue with --resume",
                     c->figure, at.method, at.variant, at.run + 1, at.runs, at.step, at.iterations);
}

/* One step and what belongs to it: the row, the time, the checkpoint, a wish to stop. */
static jebm_status advance(jebm_campaign *c, jebm_error *err) {
    const size_t slot = c->cell * c->runs + c->run;
    const double before = jebm_seconds();
    JEBM_TRY(c->driver->step(c->state, err));
    c->step++;
    c->steps[slot]++;
    if (c->step == jebm_campaign_next_row(c, c->step - 1)) {
        JEBM_TRY(record(c, err));
    }
    const double now = jebm_seconds();
    c->seconds[slot] += now - before;
    const jebm_progress_place place = place_of(c);
    jebm_progress_step(&c->progress, &place);
    if (stop_signal != 0) {
        return interrupted(c, err);
    }
    if (now - c->saved >= c->checkpoint_seconds) {
        JEBM_TRY(jebm_campaign_save(c, err));
    }
    return JEBM_OK;
}

static jebm_status open_run(jebm_campaign *c, jebm_error *err) {
    if (c->loaded == NULL) {
        c->step = 0;
    }
    JEBM_TRY(c->driver->open(c->preset, &c->cells[c->cell], c->run, &c->state, err));
    return c->loaded != NULL ? jebm_campaign_restore(c, err) : record(c, err);
}

/* The rows up to here stay, the other runs go on; what is known is brought to disk at once. */
static jebm_status note_divergence(jebm_campaign *c, const jebm_error *why, jebm_error *err) {
    const jebm_cell *cell = &c->cells[c->cell];
    jebm_progress_clear(&c->progress);
    fprintf(stderr, "%s: %s %s %s run %zu diverged at step %" PRIu64 ": %s\n", c->driver->program,
            c->figure, cell->method, cell->variant, c->run, c->step, why->text);
    json_t *entry =
        json_pack("{s:s, s:s, s:I, s:I, s:s}", "method", cell->method, "variant", cell->variant,
                  "run", (json_int_t)c->run, "step", (json_int_t)c->step, "why", why->text);
    if (entry == NULL || json_array_append_new(c->diverged, entry) != 0) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory to note a divergence");
    }
    c->progress.total -= c->iterations - c->step;
    return write_tables(c, false, err);
}

static jebm_status leave_artefacts(jebm_campaign *c, jebm_error *err) {
    if (c->driver->artefacts == NULL) {
        return JEBM_OK;
    }
    JEBM_TRY(jebm_artefacts_prepare(c->directory, err));
    return c->driver->artefacts(c->state, c->directory, &c->cells[c->cell], c->run, err);
}

/* Run the present cell and run to its end, from its beginning or from a checkpoint. */
static jebm_status finish_run(jebm_campaign *c, jebm_error *err) {
    jebm_error why = {0};
    jebm_status status = open_run(c, &why);
    jebm_progress_place place = place_of(c);
    if (status == JEBM_OK) {
        jebm_progress_begin(&c->progress, &place);
    }
    while (status == JEBM_OK && c->step < c->iterations) {
        status = advance(c, &why);
    }
    if (status == JEBM_EDIVERGE) {
        status = note_divergence(c, &why, err);
        close_state(c);
        if (status == JEBM_OK) {
            // between runs: the next one is where to go on
            c->run++;
            status = jebm_campaign_save(c, err);
            c->run--;
        }
        return status;
    }
    if (status != JEBM_OK) {
        jebm_progress_clear(&c->progress);
        return jebm_fail(err, status, "%s", why.text);
    }
    place = place_of(c);
    jebm_progress_end(&c->progress, &place);
    status = leave_artefacts(c, err);
    close_state(c);
    return status;
}

void jebm_campaign_task(const jebm_campaign *c, char text[JEBM_PROGRESS_TEXT]) {
    const char *fidelity = jebm_preset_fidelity(c->preset);
    // the figure asked for, which may draw another one's runs
    int n = snprintf(text, JEBM_PROGRESS_TEXT, "%s, %s (%s)", c->options->figure,
                     jebm_fidelity_words(fidelity), fidelity);
    for (size_t i = 0; i < c->options->noverrides; i++) {
        const char *set = c->options->overrides[i];
        if (set != c->options->runs && n > 0 && n < JEBM_PROGRESS_TEXT) {
            n += snprintf(text + n, JEBM_PROGRESS_TEXT - (size_t)n, ", %s", set);
        }
    }
    if (n > 0 && n < JEBM_PROGRESS_TEXT) {
        const size_t runs = c->end - c->first;
        snprintf(text + n, JEBM_PROGRESS_TEXT - (size_t)n, ", %zu cell%s x %zu run%s", c->ncells,
                 c->ncells == 1 ? "" : "s", runs, runs == 1 ? "" : "s");
    }
}

static jebm_status run_all(jebm_campaign *c, jebm_error *err) {
    uint64_t done = 0;
    for (size_t i = 0; i < c->ncells * c->runs; i++) {
        done += c->steps[i];
    }
    jebm_progress_task task = {.figure = c->figure,
                               .heading = c->options->heading,
                               .afterwards = (double)c->options->afterwards,
                               .quiet = c->options->quiet,
                               .done = done,
                               .total = c->ncells * (c->end - c->first) * c->iterations};
    jebm_campaign_task(c, task.what);
    jebm_progress_start(&c->progress, &task);
    for (; c->cell < c->ncells; c->cell++, c->run = c->first) {
        for (; c->run < c->end; c->run++) {
            JEBM_TRY(finish_run(c, err));
        }
    }
    jebm_progress_clear(&c->progress);
    return JEBM_OK;
}

/* What the runs of a merge left. */
static jebm_status copy_artefacts(const jebm_campaign *c, jebm_error *err) {
    size_t i;
    json_t *copy;
    json_array_foreach(c->copies, i, copy) {
        JEBM_TRY(jebm_artefacts_copy(json_string_value(json_object_get(copy, "from")), c->directory,
                                     json_string_value(json_object_get(copy, "name")), err));
    }
    return JEBM_OK;
}

static jebm_status complete(jebm_campaign *c, json_t **manifest, jebm_error *err) {
    JEBM_TRY(write_tables(c, true, err));
    JEBM_TRY(copy_artefacts(c, err));
    jebm_artefacts_tidy(c->directory);
    JEBM_TRY(jebm_manifest_make(c, true, manifest, err));
    JEBM_TRY(jebm_manifest_write(c->directory, *manifest, err));
    jebm_rundir_remove(c->directory, "checkpoint.h5");
    return JEBM_OK;
}

static jebm_status begin(jebm_campaign *c, jebm_error *err) {
    json_t *manifest = NULL;
    JEBM_TRY(jebm_manifest_make(c, false, &manifest, err));
    const jebm_status status = jebm_manifest_write(c->directory, manifest, err);
    json_decref(manifest);
    return status;
}

jebm_status jebm_campaign_run(jebm_campaign *c, json_t **manifest, bool *fresh, jebm_error *err) {
    *manifest = NULL;
    *fresh = true;
    if (c->merged_from == NULL) {
        jebm_utc(c->started);
    }
    c->began = c->saved = jebm_seconds();
    JEBM_TRY(jebm_rundir_make(c->directory, err));
    JEBM_TRY(jebm_rundir_lock(c->directory, &c->lock, err));
    jebm_rundir_state found = JEBM_RUNDIR_EMPTY;
    JEBM_TRY(jebm_rundir_inspect(c, &found, manifest, err));
    if (found == JEBM_RUNDIR_COMPLETE) {
        // a process killed between the manifest and this line leaves the checkpoint behind
        jebm_rundir_remove(c->directory, "checkpoint.h5");
        *fresh = false;
        return JEBM_OK;
    }
    catch_signals();
    jebm_status status = JEBM_OK;
    if (found == JEBM_RUNDIR_INCOMPLETE) {
        status = jebm_campaign_load(c, err);
    } else {
        if (found == JEBM_RUNDIR_REPLACE) {
            jebm_rundir_remove(c->directory, "checkpoint.h5");
        }
        status = begin(c, err);
        if (status == JEBM_OK && found == JEBM_RUNDIR_REPLACE) {
            jebm_rundir_clear(c->directory, c->preset);
        }
    }
    if (status == JEBM_OK) {
        status = run_all(c, err);
    }
    if (status == JEBM_OK) {
        status = complete(c, manifest, err);
    }
    return status;
}
