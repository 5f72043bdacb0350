/* See scenario.h. */
#include "tests/sim/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct measure {
    const char *name;
    double (*value)(const struct loop *loop);
};

static double contacts(const struct loop *loop)
{
    return loop->car.contacts;
}

static double seen_contacts(const struct loop *loop)
{
    return loop->car.contacts - loop->car.unseen_contacts;
}

static double seen(const struct loop *loop)
{
    return 100 * survey_share(&loop->survey);
}

static double moved(const struct loop *loop)
{
    return loop->tally.asked_ticks > 0
               ? 100.0 * (double)loop->tally.moved_ticks / (double)loop->tally.asked_ticks
               : 0;
}

static double distance(const struct loop *loop)
{
    return loop->car.distance_mm / 1000;
}

static double still(const struct loop *loop)
{
    return (double)loop->tally.still_ms;
}

static double stop(const struct loop *loop)
{
    return (double)loop->tally.stop_ms;
}

static double escapes(const struct loop *loop)
{
    return loop->tally.escapes;
}

static double missions(const struct loop *loop)
{
    return loop->tally.arms;
}

static double decisions(const struct loop *loop)
{
    return loop->tally.decisions;
}

static double free_vetoes(const struct loop *loop)
{
    return loop->tally.free_vetoes;
}

static double degenerate(const struct loop *loop)
{
    return loop->tally.degenerate;
}

static double percept(const struct loop *loop)
{
    return loop->options.question == QUESTION_PERCEPT;
}

static double resets(const struct loop *loop)
{
    return loop->car.resets;
}

static const struct measure measures[] = {
    {"contacts", contacts},
    {"seen_contacts", seen_contacts}, /* with what the lidar can see */
    {"seen", seen},                   /* % of the reachable floor */
    {"moved", moved},                 /* % of the time that motion was asked for */
    {"distance", distance},           /* m */
    {"still", still},                 /* ms without motion although there was a way */
    {"stop", stop},                   /* ms from the begin of a fault to the last motion */
    {"escapes", escapes},
    {"missions", missions}, /* times that it was armed */
    {"decisions", decisions},
    {"free_vetoes", free_vetoes},
    {"degenerate", degenerate}, /* 1: the alarm was raised */
    {"percept", percept},       /* 1: the question changed */
    {"resets", resets},         /* of the board, by brown-out */
};

#define MEASURES ((int)(sizeof(measures) / sizeof(measures[0])))

static const char *const troubles[] = {
    [LOOP_LIDAR_SILENT] = "lidar_silent",
    [LOOP_LIDAR_FROZEN] = "lidar_frozen",
    [LOOP_LIDAR_BLIND] = "lidar_blind",
    [LOOP_LIDAR_GARBAGE] = "lidar_garbage",
    [LOOP_LIDAR_LATE] = "lidar_late",
    [LOOP_SONAR_FAULT] = "sonar_fault",
    [LOOP_MODEL_LATE] = "model_late",
    [LOOP_MODEL_GARBAGE] = "model_garbage",
    [LOOP_ESTOP] = "estop",
    [LOOP_STALL] = "stall",
};

#define TROUBLES ((int)(sizeof(troubles) / sizeof(troubles[0])))

static const char *const models[] = {
    [LOOP_LOOKS] = "looks",   [LOOP_RANDOM] = "random", [LOOP_ADVERSE] = "adverse",
    [LOOP_SCRIPT] = "script", [LOOP_SILENT] = "silent",
};

#define MODELS ((int)(sizeof(models) / sizeof(models[0])))

/* NULL, or what was expected. */
static const char *number_set(const char *text, double least, double most, double *ret_number)
{
    char *end;
    double number = text != NULL ? strtod(text, &end) : 0;

    if (text == NULL || end == text || *end != '\0' || !(number >= least && number <= most)) {
        return "expected a number within its range";
    }
    *ret_number = number;
    return NULL;
}

static int choose(const char *text, const char *const *words, int count)
{
    for (int i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *set_room(struct scenario *scenario, char **rest)
{
    const char *name = strtok_r(NULL, " \t", rest);
    double seed;

    if (name == NULL) {
        return "expected a room";
    }
    if (strcmp(name, "random") == 0) {
        const char *problem = number_set(strtok_r(NULL, " \t", rest), 0, 1e15, &seed);

        scenario->room_seed = problem == NULL ? (uint64_t)seed : 0;
        scenario->room[0] = '\0';
        return problem;
    }
    (void)snprintf(scenario->room, sizeof(scenario->room), "%s", name);
    return NULL;
}

static const char *set_model(struct scenario *scenario, char **rest)
{
    int model = choose(strtok_r(NULL, " \t", rest), models, MODELS);
    const char *script;

    if (model < 0) {
        return "expected looks, random, adverse, silent or script";
    }
    scenario->options.model = (enum loop_model)model;
    if (model != LOOP_SCRIPT) {
        return NULL;
    }
    script = strtok_r(NULL, " \t", rest);
    if (script == NULL || strspn(script, "flrbsnc.") != strlen(script)) {
        return "expected a script of the letters f l r b s n c and .";
    }
    (void)snprintf(scenario->options.script, sizeof(scenario->options.script), "%s", script);
    return NULL;
}

static const char *set_fault(struct scenario *scenario, char **rest)
{
    struct loop_options *options = &scenario->options;
    int trouble = choose(strtok_r(NULL, " \t", rest), troubles, TROUBLES);
    double from, to;

    if (trouble < 0) {
        return "expected a fault such as lidar_silent";
    }
    if (number_set(strtok_r(NULL, " \t", rest), 0, 1e7, &from) != NULL ||
        number_set(strtok_r(NULL, " \t", rest), from, 1e7, &to) != NULL) {
        return "expected the times from and to, in ms";
    }
    if (options->fault_count == LOOP_FAULTS_MAX) {
        return "expected at most 8 faults";
    }
    options->faults[options->fault_count++] =
        (struct loop_fault){(enum loop_trouble)trouble, (int64_t)from, (int64_t)to};
    return NULL;
}

static const char *set_expect(struct scenario *scenario, char **rest)
{
    struct scenario_expectation *expectation = &scenario->expectations[scenario->expectation_count];
    const char *name = strtok_r(NULL, " \t", rest), *relation = strtok_r(NULL, " \t", rest);

    if (scenario->expectation_count == SCENARIO_EXPECTATIONS_MAX) {
        return "expected at most 16 expectations";
    }
    expectation->what = -1;
    for (int i = 0; name != NULL && i < MEASURES; i++) {
        expectation->what = strcmp(name, measures[i].name) == 0 ? i : expectation->what;
    }
    if (expectation->what < 0) {
        return "there is no such measure";
    }
    if (relation == NULL || (strcmp(relation, "=") != 0 && strcmp(relation, "<=") != 0 &&
                             strcmp(relation, ">=") != 0)) {
        return "expected =, <= or >=";
    }
    expectation->relation = relation[0];
    scenario->expectation_count++;
    if (number_set(strtok_r(NULL, " \t", rest), -1e9, 1e9, &expectation->value) != NULL) {
        return "expected a number";
    }
    (void)snprintf(expectation->text, sizeof(expectation->text), "%s %s %g", name, relation,
                   expectation->value);
    return NULL;
}

/* A number within its range, to where it belongs. */
static const char *set_number(struct scenario *scenario, const char *key, const char *text)
{
    struct loop_options *options = &scenario->options;
    double value = 0;
    const char *problem = number_set(text, 0, 1e15, &value);

    if (strcmp(key, "seed") == 0) {
        scenario->seed = (uint64_t)value;
    } else if (strcmp(key, "seconds") == 0) {
        scenario->seconds = (int)value;
    } else if (strcmp(key, "period") == 0) {
        options->period_ms = (int)value;
    } else if (strcmp(key, "latency") == 0) {
        options->latency_ms = (int)value;
    } else if (strcmp(key, "noise") == 0) {
        options->noise_mm = value;
    } else if (strcmp(key, "dropout") == 0) {
        options->dropout = value;
    } else if (strcmp(key, "battery") == 0) {
        options->charge_mv = (int)value;
    } else if (strcmp(key, "stuck") == 0) {
        options->explorer.stuck_ms = (int64_t)value;
    } else {
        return "there is no such key";
    }
    return problem;
}

static const char *set_word(struct scenario *scenario, const char *key, const char *word)
{
    static const char *const no_yes[] = {"no", "yes"}, *const kinds[] = {"action", "percept"},
                             *const lidars[] = {"ld06", "rplidar_c1"},
                             *const changes[] = {"keep", "percept"};
    struct loop_options *options = &scenario->options;
    int choice;

    if (strcmp(key, "vices") == 0) {
        options->vices = (choice = choose(word, no_yes, 2)) == 1;
    } else if (strcmp(key, "question") == 0) {
        options->question = (enum question)(choice = choose(word, kinds, 2));
    } else if (strcmp(key, "lidar") == 0) {
        options->rplidar = (choice = choose(word, lidars, 2)) == 1;
    } else if (strcmp(key, "on_degenerate") == 0) {
        options->percept_when_degenerate = (choice = choose(word, changes, 2)) == 1;
    } else {
        return set_number(scenario, key, word);
    }
    return choice < 0 ? "expected one of its words" : NULL;
}

static const char *set_line(struct scenario *scenario, char *line)
{
    char *rest = line;
    const char *key = strtok_r(line, " \t", &rest), *problem;

    if (key == NULL || *key == '#') {
        return NULL;
    }
    if (strcmp(key, "room") == 0) {
        problem = set_room(scenario, &rest);
    } else if (strcmp(key, "model") == 0) {
        problem = set_model(scenario, &rest);
    } else if (strcmp(key, "fault") == 0) {
        problem = set_fault(scenario, &rest);
    } else if (strcmp(key, "expect") == 0) {
        problem = set_expect(scenario, &rest);
    } else {
        problem = set_word(scenario, key, strtok_r(NULL, " \t", &rest));
    }
    key = strtok_r(NULL, " \t", &rest);
    return problem != NULL || key == NULL || *key == '#' ? problem : "there is more than expected";
}

int scenario_load(const char *path, struct scenario *scenario, char *ret_error, size_t error_size)
{
    FILE *file = fopen(path, "re");
    char line[600];
    int number = 0, result = 0;

    if (file == NULL) {
        return -errno;
    }
    *scenario = (struct scenario){.seed = 1, .seconds = 20, .options = loop_defaults()};
    scenario->options.surveys = true;
    while (result == 0 && fgets(line, sizeof(line), file) != NULL) {
        const char *problem;

        number++;
        line[strcspn(line, "\n")] = '\0';
        problem = set_line(scenario, line);
        if (problem != NULL) {
            (void)snprintf(ret_error, error_size, "%s:%d: %s", path, number, problem);
            result = -EINVAL;
        }
    }
    if (result == 0 && scenario->expectation_count == 0) {
        (void)snprintf(ret_error, error_size, "%s: it expects nothing", path);
        result = -EINVAL;
    }
    (void)fclose(file);
    return result;
}

double scenario_measure(const struct scenario_expectation *expectation, const struct loop *loop)
{
    return measures[expectation->what].value(loop);
}

bool scenario_holds(const struct scenario_expectation *expectation, const struct loop *loop)
{
    double value = scenario_measure(expectation, loop);

    return expectation->relation == '='   ? value == expectation->value
           : expectation->relation == '<' ? value <= expectation->value
                                          : value >= expectation->value;
}
