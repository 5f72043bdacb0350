/* What the tests of the configuration share: two tables of their own, so that a claim about the
 * engine does not change with a module's keys, a folder of files to load, and the two words most
 * claims are made with, accepted and refused. Those two carry no prefix: they are read a hundred
 * times, always as the verb of the claim.
 *
 * A helper that fails ends the running test.
 */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/* [robot]: a key of every type and unit. */
struct robot {
    int64_t delay_ms;
    int64_t reach_mm;
    int64_t speed_mm_s;
    int64_t turn_mrad_s;
    int64_t battery_mv;
    int64_t rate_hz;
    int64_t share_percent;
    int64_t width_px;
    int64_t count;
    int64_t wide;
    bool lamp;
    int mode;
    char prompt[SETTING_STRING_SIZE];
    char label[SETTING_STRING_SIZE];
};

/* [vlm "name"], up to two: its section name is the real one, because NAV_VLLM_URL means it. */
struct server {
    char url[SETTING_STRING_SIZE];
    char model[SETTING_STRING_SIZE];
};

#define FIXTURE_TABLE_COUNT 2

extern const struct setting_table fixture_robot_table;
extern const struct setting_table fixture_server_table;
extern const struct setting_table *const fixture_tables[FIXTURE_TABLE_COUNT];

/* A temporary folder with an empty folder conf.d, and a config of the tables above. */
struct fixture {
    char folder[64];
    char path[512]; /* fixture_path */
    struct config *config;
};

/* For cmocka: *state is the struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A test that gets a fixture of its own. */
#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Absolute path of a file in the folder, valid until the next call. */
const char *fixture_path(struct fixture *fixture, const char *name);
void fixture_write(struct fixture *fixture, const char *name, const char *text);

/* config_load of the folder's car.conf. */
int fixture_load(struct fixture *fixture, char *const *environment, const char *const *assignments);
struct robot fixture_robot(const struct fixture *fixture);
struct server fixture_server(const struct fixture *fixture, size_t index);

/* Reads `text` as /etc/car.conf into a config of its own, so that one test may try many texts:
 * it is right and these are its values, or it is refused with exactly this error, and these are the
 * values that were read all the same. */
struct robot accepted(const char *text);
struct robot refused(const char *text, const char *expected);
struct robot refused_bytes(const char *text, size_t size, const char *expected);

#endif
