/* sim-run: the loop in virtual time.
 *
 *     sim-run scenarios [--pictures DIR] FILE...   one line each: ok or FAILED, and why
 *     sim-run rooms FIRST COUNT              random rooms of 20 s each, by seed
 *     sim-run coverage SECONDS ROOM...       how much of the floor is seen, three seeds each, with
 *                                            and without the note behind the picture
 *
 * Exit 0: everything held; 1: something did not; 64, 65: wrong arguments, unreadable files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/clock.h"
#include "hal/sim/furnish.h"
#include "tests/sim/scenario.h"

#define ROOM_SECONDS 20
#define STILL_MS     10000
#define CLOSING_MM_S 50.0
#define ROOMS_DIR    "hal/sim/rooms"

static struct loop loop;
static struct plan plan;

static int load_room(const struct scenario *scenario)
{
    char path[200], error[300] = "";
    int result;

    if (scenario->room[0] == '\0') {
        furnish(&plan, scenario->room_seed);
        return 0;
    }
    (void)snprintf(path, sizeof(path), ROOMS_DIR "/%s.room", scenario->room);
    result = plan_load(path, &plan, error, sizeof(error));
    if (result != 0) {
        (void)fprintf(stderr, "sim-run: %s\n", result < 0 ? strerror(-result) : error);
    }
    return result;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void write_picture(const char *folder, const char *name)
{
    char path[400];
    int result;

    (void)snprintf(path, sizeof(path), "%s/%s.png", folder, name);
    result = chart_write(&loop.chart, &loop.world, &loop.survey, &loop.car.pose, path);
    if (result < 0) {
        (void)fprintf(stderr, "sim-run: %s: %s\n", path, strerror(-result));
    }
}

/* 0, 1: did not hold; 65. */
static int run_scenario(const char *path, const char *pictures)
{
    static struct scenario scenario;
    char error[300];
    int failed = 0, result = scenario_load(path, &scenario, error, sizeof(error));

    if (result == -EINVAL || (result < 0 && fprintf(stderr, "sim-run: %s: ", path) < 0)) {
        (void)fprintf(stderr, "sim-run: %s\n", error);
        return 65;
    }
    if (result < 0) {
        (void)fprintf(stderr, "%s\n", strerror(-result));
        return 65;
    }
    if (load_room(&scenario) != 0) {
        return 65;
    }
    loop_init(&loop, &plan, &scenario.options, scenario.seed);
    loop_run(&loop, scenario.seconds * INT64_C(1000));
    for (int i = 0; i < scenario.expectation_count; i++) {
        failed += scenario_holds(&scenario.expectations[i], &loop) ? 0 : 1;
    }
    (void)printf("%-6s %-34s %5.1f m, %3.0f %% seen, moved %3.0f %%, %d contacts, %d escapes",
                 failed > 0 ? "FAILED" : "ok", base_name(path), loop.car.distance_mm / 1000,
                 100 * survey_share(&loop.survey),
                 100.0 * (double)loop.tally.moved_ticks / (double)(loop.tally.asked_ticks + 1),
                 loop.car.contacts, loop.tally.escapes);
    for (int i = 0; i < scenario.expectation_count; i++) {
        if (!scenario_holds(&scenario.expectations[i], &loop)) {
            (void)printf("; expected %s, got %g", scenario.expectations[i].text,
                         scenario_measure(&scenario.expectations[i], &loop));
        }
    }
    (void)printf("\n");
    (void)fflush(stdout);
    if (pictures != NULL) {
        write_picture(pictures, base_name(path));
    }
    return failed > 0 ? 1 : 0;
}

/* The seed decides everything: room, car, noise and answers. */
static struct loop_options room_options(uint64_t seed)
{
    struct loop_options options = loop_defaults();

    options.model = seed % 3 == 0 ? LOOP_ADVERSE : LOOP_RANDOM;
    options.question =
        seed % 4 == 1 && options.model == LOOP_RANDOM ? QUESTION_PERCEPT : QUESTION_ACTION;
    options.vices = true;
    options.rplidar = seed % 7 == 0;
    options.noise_mm = (double)(seed % 5) * 3;
    options.dropout = 0.01 * (double)(seed % 7);
    options.latency_ms = 10 + (int)(seed % 11) * 10;
    return options;
}

static bool room_holds(void)
{
    return loop.car.closing_mm_s <= CLOSING_MM_S && loop.tally.still_ms < STILL_MS &&
           loop.tally.free_vetoes == 0 && loop.tally.heard_contacts == 0;
}

static int run_rooms(uint64_t first, uint64_t count)
{
    int64_t begin_ns = clock_now_ns();
    double asked = 0, moved = 0, closing = 0, seconds;
    int64_t still_ms = 0;
    int failed = 0, unseen = 0;

    for (uint64_t seed = first; seed < first + count; seed++) {
        struct loop_options options = room_options(seed);

        furnish(&plan, seed);
        loop_init(&loop, &plan, &options, seed);
        loop_run(&loop, ROOM_SECONDS * 1000);
        asked += (double)loop.tally.asked_ticks;
        moved += (double)loop.tally.moved_ticks;
        closing = loop.car.closing_mm_s > closing ? loop.car.closing_mm_s : closing;
        still_ms = loop.tally.still_ms > still_ms ? loop.tally.still_ms : still_ms;
        unseen += loop.car.unseen_contacts - loop.tally.heard_contacts;
        if (!room_holds()) {
            failed++;
            (void)printf(
                "FAILED seed %llu: closing %.0f mm/s, still %lld ms, %d vetoes in free "
                "space, %d contacts with what the sonar saw; alone: sim-run rooms %llu 1\n",
                (unsigned long long)seed, loop.car.closing_mm_s, (long long)loop.tally.still_ms,
                loop.tally.free_vetoes, loop.tally.heard_contacts, (unsigned long long)seed);
        }
    }
    seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    (void)printf("%s %llu rooms from seed %llu: %d failed, fastest contact %.0f mm/s (%d with what "
                 "no sensor saw), stuck %.1f s at most, moved in %.0f %%, %.0f times real "
                 "time\n",
                 failed > 0 ? "FAILED" : "ok", (unsigned long long)count, (unsigned long long)first,
                 failed, closing, unseen, (double)still_ms / 1000, 100 * moved / (asked + 1),
                 (double)count * ROOM_SECONDS / seconds);
    return failed > 0 ? 1 : 0;
}

/* Percent of the floor, over three seeds. */
static double coverage(int seconds, bool clearances, bool decisions, enum question question)
{
    double sum = 0;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct loop_options options = loop_defaults();

        options.model = LOOP_LOOKS;
        options.question = question;
        options.vices = options.surveys = true;
        options.noise_mm = 8;
        options.dropout = 0.02;
        options.tells_clearances = clearances;
        options.tells_decisions = decisions;
        loop_init(&loop, &plan, &options, seed);
        loop_run(&loop, seconds * INT64_C(1000));
        sum += 100 * survey_share(&loop.survey) / 3;
    }
    return sum;
}

static int run_coverage(int seconds, int count, char **rooms)
{
    (void)printf("%% of the floor seen in %d s     alone  clearances  decisions  both\n", seconds);
    for (int i = 0; i < 2 * count; i++) {
        struct scenario scenario = {.seed = 1};
        enum question question = i < count ? QUESTION_ACTION : QUESTION_PERCEPT;

        (void)snprintf(scenario.room, sizeof(scenario.room), "%s", rooms[i % count]);
        if (load_room(&scenario) != 0) {
            return 65;
        }
        (void)printf("%-10s %-16s", i < count ? "action" : "percept", scenario.room);
        for (int note = 0; note < 4; note++) {
            (void)printf(" %8.0f", coverage(seconds, (note & 1) != 0, (note & 2) != 0, question));
            (void)fflush(stdout);
        }
        (void)printf("\n");
    }
    return 0;
}

static int run_scenarios(int argc, char **argv)
{
    const char *pictures = NULL;
    int worst = 0;

    if (argc >= 2 && strcmp(argv[0], "--pictures") == 0) {
        pictures = argv[1];
        argc -= 2;
        argv += 2;
    }
    for (int i = 0; i < argc; i++) {
        int result = run_scenario(argv[i], pictures);

        worst = result > worst ? result : worst;
    }
    return argc > 0 ? worst : 64;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "scenarios") == 0) {
        return run_scenarios(argc - 2, argv + 2);
    }
    if (argc == 4 && strcmp(argv[1], "rooms") == 0) {
        return run_rooms(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    if (argc >= 4 && strcmp(argv[1], "coverage") == 0 && atoi(argv[2]) > 0) {
        return run_coverage(atoi(argv[2]), argc - 3, argv + 3);
    }
    (void)fprintf(stderr, "usage: sim-run scenarios [--pictures DIR] FILE... | rooms FIRST COUNT "
                          "| coverage SECONDS ROOM...\n");
    return 64;
}
