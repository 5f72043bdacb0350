/* See config_fixture.h. */
#include "tests/unit/config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char *check_label(const char *value)
{
    return strcmp(value, "bad") == 0 ? "a good label" : NULL;
}

static const char *const modes[] = {"walk", "drive", "stand", NULL};

#define NUMBER(k, field, u, low, high, value)                                                      \
    {.key = k,                                                                                     \
     .type = SETTING_NUMBER,                                                                       \
     .offset = offsetof(struct robot, field),                                                      \
     .unit = u,                                                                                    \
     .min = low,                                                                                   \
     .max = high,                                                                                  \
     .fallback = value,                                                                            \
     .help = "a number"}

static const struct setting robot_settings[] = {
    NUMBER("delay", delay_ms, "ms", 10, 60000, "500"),
    NUMBER("reach", reach_mm, "mm", -1000, 12000, "1000"),
    NUMBER("forward", speed_mm_s, "mm/s", 0, 1000, "0.3 m/s"),
    NUMBER("turn", turn_mrad_s, "mrad/s", 0, 3000, "1200"),
    NUMBER("battery", battery_mv, "mV", 0, 9000, "7.4 V"),
    NUMBER("rate", rate_hz, "Hz", 1, 100, "36"),
    NUMBER("share", share_percent, "%", 0, 100, "35"),
    {.key = "width",
     .type = SETTING_NUMBER,
     .offset = offsetof(struct robot, width_px),
     .unit = "px",
     .min = 96,
     .max = 1920,
     .multiple = 48,
     .fallback = "480",
     .help = "a multiple"},
    NUMBER("count", count, NULL, 1, 30, "3"),
    NUMBER("wide", wide, "us", INT64_MIN, INT64_MAX, "0"),
    {.key = "lamp",
     .type = SETTING_BOOL,
     .offset = offsetof(struct robot, lamp),
     .fallback = "no",
     .help = "a switch"},
    {.key = "mode",
     .type = SETTING_CHOICE,
     .offset = offsetof(struct robot, mode),
     .choices = modes,
     .fallback = "drive",
     .help = "a choice"},
    {.key = "prompt",
     .type = SETTING_PATH,
     .offset = offsetof(struct robot, prompt),
     .fallback = "/usr/share/prompt.txt",
     .help = "a path"},
    {.key = "label",
     .type = SETTING_STRING,
     .offset = offsetof(struct robot, label),
     .fallback = "",
     .check = check_label,
     .help = "a text"},
};

const struct setting_table fixture_robot_table = {
    .section = "robot",
    .settings = robot_settings,
    .count = sizeof(robot_settings) / sizeof(robot_settings[0]),
    .size = sizeof(struct robot),
    .help = "The robot",
};

static const struct setting server_settings[] = {
    {.key = "url",
     .type = SETTING_STRING,
     .offset = offsetof(struct server, url),
     .help = "where it listens"},
    {.key = "model",
     .type = SETTING_STRING,
     .offset = offsetof(struct server, model),
     .fallback = "",
     .help = "what it runs"},
};

const struct setting_table fixture_server_table = {
    .section = "vlm",
    .instances = 2,
    .settings = server_settings,
    .count = sizeof(server_settings) / sizeof(server_settings[0]),
    .size = sizeof(struct server),
    .help = "A server",
};

const struct setting_table *const fixture_tables[FIXTURE_TABLE_COUNT] = {&fixture_server_table,
                                                                         &fixture_robot_table};

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->folder, "/tmp/turbonav-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(mkdir(fixture_path(fixture, "conf.d"), 0700), 0);
    assert_int_equal(config_new(fixture_tables, FIXTURE_TABLE_COUNT, &fixture->config), 0);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    config_free(fixture->config);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

const char *fixture_path(struct fixture *fixture, const char *name)
{
    snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->folder, name);
    return fixture->path;
}

void fixture_write(struct fixture *fixture, const char *name, const char *text)
{
    FILE *file = fopen(fixture_path(fixture, name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

int fixture_load(struct fixture *fixture, char *const *environment, const char *const *assignments)
{
    return config_load(fixture->config, fixture_path(fixture, "car.conf"), environment,
                       assignments);
}

struct robot fixture_robot(const struct fixture *fixture)
{
    struct robot robot;

    config_get(fixture->config, &fixture_robot_table, 0, &robot);
    return robot;
}

struct server fixture_server(const struct fixture *fixture, size_t index)
{
    struct server server;

    config_get(fixture->config, &fixture_server_table, index, &server);
    return server;
}

static int parse(const char *text, size_t size, struct robot *ret_robot, char *ret_error)
{
    struct config *config;
    int result;

    assert_int_equal(config_new(fixture_tables, FIXTURE_TABLE_COUNT, &config), 0);
    assert_string_equal(config_error(config), "");
    result = config_load_bytes(config, "/etc/car.conf", text, size);
    snprintf(ret_error, 1024, "%s", config_error(config));
    config_get(config, &fixture_robot_table, 0, ret_robot);
    config_free(config);
    return result;
}

struct robot accepted(const char *text)
{
    struct robot robot;
    char error[1024];
    int result = parse(text, strlen(text), &robot, error);

    if (result != 0) {
        print_error("refused: %s\n", error);
    }
    assert_int_equal(result, 0);
    assert_string_equal(error, "");
    return robot;
}

struct robot refused_bytes(const char *text, size_t size, const char *expected)
{
    struct robot robot;
    char error[1024];

    assert_int_equal(parse(text, size, &robot, error), CONFIG_REFUSED);
    assert_string_equal(error, expected);
    return robot;
}

struct robot refused(const char *text, const char *expected)
{
    return refused_bytes(text, strlen(text), expected);
}
