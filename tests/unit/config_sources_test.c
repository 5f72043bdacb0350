/* Where values come from, and which source wins: defaults, the file, drop-ins beside it, variables
 * of the environment, assignments of the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "tests/unit/config_fixture.h"

static void defaults_hold_until_something_is_set(void **state)
{
    struct robot robot = fixture_robot(*state);
    struct fixture *fixture = *state;

    assert_int_equal(robot.delay_ms, 500);
    assert_int_equal(robot.speed_mm_s, 300);
    assert_int_equal(robot.battery_mv, 7400);
    assert_int_equal(robot.mode, 1);
    assert_false(robot.lamp);
    assert_string_equal(robot.prompt, "/usr/share/prompt.txt");
    assert_int_equal(config_count(fixture->config, &fixture_robot_table), 1);
    assert_int_equal(config_count(fixture->config, &fixture_server_table), 0);
    assert_null(config_name(fixture->config, &fixture_robot_table, 0));
}

static void a_named_file_has_to_exist(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(fixture_load(fixture, NULL, NULL), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/car.conf: No such file or directory"));
}

static void the_default_file_may_be_missing(void **state)
{
    struct fixture *fixture = *state;

    if (access(CONFIG_DEFAULT_FILE, F_OK) == 0) {
        skip();
    }
    assert_int_equal(config_load(fixture->config, NULL, NULL, NULL), 0);
}

static void only_regular_files_are_read(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(fixture_path(fixture, "car.conf"), 0700), 0);
    assert_int_equal(fixture_load(fixture, NULL, NULL), CONFIG_REFUSED);
    assert_non_null(
        strstr(config_error(fixture->config), "/car.conf: this is a folder; expected a file"));
    assert_int_equal(mkfifo(fixture_path(fixture, "pipe"), 0600), 0);
    assert_int_equal(config_load_file(fixture->config, fixture_path(fixture, "pipe")),
                     CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/pipe: this is no regular file"));
    assert_int_equal(config_load_file(fixture->config, "/dev/zero"), CONFIG_REFUSED);
}

static void later_sources_win_in_order(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {"HOME=/", "TURBONAV_ROBOT_COUNT=6", "TURBONAV_ROBOT_RATE=6", NULL};
    const char *const assignments[] = {"robot.rate=7", "robot.rate = 8 Hz ", NULL};
    struct robot robot;

    fixture_write(fixture, "car.conf",
                  "[robot]\ndelay = 20\nreach = 20\nforward = 20\ncount = 20\nrate = 20\n");
    fixture_write(fixture, "conf.d/10-a.conf",
                  "[robot]\nreach = 30\nforward = 30\ncount = 30\nrate = 30\n");
    fixture_write(fixture, "conf.d/9-b.conf", "[robot]\nforward = 40\n");
    fixture_write(fixture, "conf.d/.hidden.conf", "wrong");
    fixture_write(fixture, "conf.d/note.txt", "wrong");
    fixture_write(fixture, "conf.d/old.conf~", "wrong");
    assert_int_equal(fixture_load(fixture, environment, assignments), 0);
    robot = fixture_robot(fixture);
    assert_int_equal(robot.turn_mrad_s, 1200);
    assert_int_equal(robot.delay_ms, 20);
    assert_int_equal(robot.reach_mm, 30);
    assert_int_equal(robot.speed_mm_s, 40);
    assert_int_equal(robot.count, 6);
    assert_int_equal(robot.rate_hz, 8);
}

static void a_mistake_in_a_drop_in_names_the_drop_in(void **state)
{
    struct fixture *fixture = *state;

    fixture_write(fixture, "car.conf", "");
    fixture_write(fixture, "conf.d/a.conf", "\n[robot]\ndelay = x\n");
    assert_int_equal(fixture_load(fixture, NULL, NULL), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/conf.d/a.conf:3: [robot] delay = x:"));
}

static void sources_behind_a_mistake_are_read(void **state)
{
    char *environment[] = {"TURBONAV_ROBOT_DELAY=20", "TURBONAV_ROBOT_DELEY=1",
                           "TURBONAV_ROBOT_COUNT=4", NULL};
    const char *assignments[] = {"robot", "robot.battery=8V", NULL};
    struct fixture *fixture = *state;
    struct robot robot;

    fixture_write(fixture, "car.conf", "[robot]\ndelay = x\n");
    fixture_write(fixture, "conf.d/a.conf", "nothing\n");
    fixture_write(fixture, "conf.d/b.conf", "[robot]\nreach = 30\n");
    assert_int_equal(fixture_load(fixture, environment, assignments), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/car.conf:2: [robot] delay = x:"));
    robot = fixture_robot(fixture);
    assert_int_equal(robot.reach_mm, 30);
    assert_int_equal(robot.delay_ms, 20);
    assert_int_equal(robot.count, 4);
    assert_int_equal(robot.battery_mv, 8000);
    /* The next load tells of its own mistakes. */
    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, NULL, NULL), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/conf.d/a.conf:1: nothing:"));
}

static void a_file_that_is_missing_hides_no_other_source(void **state)
{
    char *environment[] = {"TURBONAV_ROBOT_DELAY=20", NULL};
    struct fixture *fixture = *state;

    fixture_write(fixture, "conf.d/b.conf", "[robot]\nreach = 30\n");
    assert_int_equal(fixture_load(fixture, environment, NULL), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/car.conf: No such file"));
    assert_int_equal(fixture_robot(fixture).reach_mm, 30);
    assert_int_equal(fixture_robot(fixture).delay_ms, 20);
}

static void a_drop_in_folder_that_is_none_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(rmdir(fixture_path(fixture, "conf.d")), 0);
    assert_int_equal(fixture_load(fixture, NULL, NULL), 0);
    fixture_write(fixture, "conf.d", "");
    assert_int_equal(fixture_load(fixture, NULL, NULL), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/conf.d: Not a directory"));
}

static void a_drop_in_completes_a_section_of_the_file(void **state)
{
    struct fixture *fixture = *state;

    fixture_write(fixture, "car.conf", "[vlm \"a\"]\nurl = x\n");
    fixture_write(fixture, "conf.d/a.conf", "[vlm \"b\"]\nurl = y\n[vlm \"a\"]\nmodel = m\n");
    assert_int_equal(fixture_load(fixture, NULL, NULL), 0);
    assert_int_equal(config_count(fixture->config, &fixture_server_table), 2);
    assert_string_equal(config_name(fixture->config, &fixture_server_table, 0), "a");
    assert_string_equal(config_name(fixture->config, &fixture_server_table, 1), "b");
    assert_string_equal(fixture_server(fixture, 0).model, "m");
}

static void one_file_by_itself_leaves_drop_ins_alone(void **state)
{
    struct fixture *fixture = *state;

    fixture_write(fixture, "car.conf", "[robot]\ndelay = 20\n");
    fixture_write(fixture, "conf.d/a.conf", "[vlm \"a\"]\nmodel = m\n");
    assert_int_equal(config_load_file(fixture->config, fixture_path(fixture, "car.conf")), 0);
    assert_int_equal(fixture_robot(fixture).delay_ms, 20);
    /* A drop-in may add to a section of the file that has the url. */
    assert_int_equal(config_load_file(fixture->config, fixture_path(fixture, "conf.d/a.conf")), 0);
    fixture_write(fixture, "b.conf", "[vlm \"b\"]\nmodel = m\n");
    assert_int_equal(config_load_file(fixture->config, fixture_path(fixture, "b.conf")),
                     CONFIG_REFUSED);
}

static void nav_variables_replace_the_first_endpoint(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {"NAV_VLLM_MODEL=m", "NAV_VLLM_URL= http://t/v1/ ", NULL};

    fixture_write(fixture, "car.conf",
                  "[vlm \"a\"]\nurl = x\nmodel = y\n[vlm \"b\"]\nurl = z\nmodel = w\n");
    assert_int_equal(fixture_load(fixture, environment, NULL), 0);
    assert_int_equal(config_count(fixture->config, &fixture_server_table), 2);
    assert_string_equal(fixture_server(fixture, 0).url, "http://t/v1/");
    assert_string_equal(fixture_server(fixture, 0).model, "m");
    assert_string_equal(fixture_server(fixture, 1).url, "z");
    assert_string_equal(fixture_server(fixture, 1).model, "w");
}

static void nav_variables_make_an_endpoint_when_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {"NAV_VLLM_URL=u", NULL};

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, environment, NULL), 0);
    assert_int_equal(config_count(fixture->config, &fixture_server_table), 1);
    assert_string_equal(config_name(fixture->config, &fixture_server_table, 0), "env");
    assert_string_equal(fixture_server(fixture, 0).url, "u");
}

static void a_model_alone_makes_no_endpoint(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {"NAV_VLLM_MODEL=m", NULL};

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, environment, NULL), CONFIG_REFUSED);
    assert_string_equal(
        config_error(fixture->config),
        "environment NAV_VLLM_MODEL: [vlm \"env\"] url: missing, but required: where it listens");
}

static void an_empty_variable_is_not_set(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {
        "NAV_VLLM_URL=", "NAV_VLLM_MODEL=", "TURBONAV_ROBOT_DELAY=", "TURBONAV_NOTHING=", NULL};

    fixture_write(fixture, "car.conf", "[robot]\ndelay = 20\n");
    assert_int_equal(fixture_load(fixture, environment, NULL), 0);
    assert_int_equal(config_count(fixture->config, &fixture_server_table), 0);
    assert_int_equal(fixture_robot(fixture).delay_ms, 20);
}

static void refuses_variable(struct fixture *fixture, char *variable, const char *expected)
{
    char *const environment[] = {variable, NULL};

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, environment, NULL), CONFIG_REFUSED);
    assert_string_equal(config_error(fixture->config), expected);
}

static void wrong_variables_are_refused_by_name(void **state)
{
    refuses_variable(*state, "TURBONAV_ROBOT_DELAI=1",
                     "environment TURBONAV_ROBOT_DELAI: unknown variable; did you mean "
                     "TURBONAV_ROBOT_DELAY?");
    refuses_variable(*state, "TURBONAV_X=1",
                     "environment TURBONAV_X: unknown variable; \"turbonav config keys\" lists the "
                     "known ones");
    refuses_variable(*state, "TURBONAV_ROBOT_DELAY=1",
                     "environment TURBONAV_ROBOT_DELAY: [robot] delay = 1: expected a number of ms "
                     "from 10 to 60000");
    refuses_variable(*state, "TURBONAV_ROBOT_LABEL=a ; b",
                     "environment TURBONAV_ROBOT_LABEL: [robot] label = a ; b: expected no ';' at "
                     "the start or after a blank, where it begins a comment");
}

static void assignments_reach_every_section(void **state)
{
    struct fixture *fixture = *state;
    const char *const assignments[] = {"vlm.a.model=m", "vlm.new-1.url=http://x/?a=b.c",
                                       "robot.lamp=on", "robot.prompt=p.txt", NULL};
    char here[256], expected[300];

    fixture_write(fixture, "car.conf", "[vlm \"a\"]\nurl = x\n");
    assert_int_equal(fixture_load(fixture, NULL, assignments), 0);
    assert_string_equal(fixture_server(fixture, 0).model, "m");
    assert_string_equal(config_name(fixture->config, &fixture_server_table, 1), "new-1");
    assert_string_equal(fixture_server(fixture, 1).url, "http://x/?a=b.c");
    assert_true(fixture_robot(fixture).lamp);
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(expected, sizeof(expected), "%s/p.txt", here);
    assert_string_equal(fixture_robot(fixture).prompt, expected);
}

static void an_assignment_without_a_name_means_the_first_section(void **state)
{
    struct fixture *fixture = *state;
    const char *const assignments[] = {"vlm.url=http://new", NULL};

    fixture_write(fixture, "car.conf", "[vlm \"a\"]\nurl = x\n[vlm \"b\"]\nurl = y\n");
    assert_int_equal(fixture_load(fixture, NULL, assignments), 0);
    assert_string_equal(fixture_server(fixture, 0).url, "http://new");
    assert_string_equal(fixture_server(fixture, 1).url, "y");
}

static void an_assignment_without_a_name_makes_a_section_when_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    const char *const assignments[] = {"vlm.url=http://new", NULL};

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, NULL, assignments), 0);
    assert_int_equal(config_count(fixture->config, &fixture_server_table), 1);
    assert_string_equal(config_name(fixture->config, &fixture_server_table, 0), "cli");
    assert_string_equal(fixture_server(fixture, 0).url, "http://new");
}

static void refuses_assignment(struct fixture *fixture, const char *assignment,
                               const char *expected)
{
    const char *const assignments[] = {assignment, NULL};

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, NULL, assignments), CONFIG_REFUSED);
    assert_string_equal(config_error(fixture->config), expected);
}

static void wrong_assignments_are_refused(void **state)
{
    static const char form[] = ": expected section.key=value or section.name.key=value";
    static const char *const wrong[] = {"", "=", "robot", "robot=1", "robot.delay", "delay=1"};
    char expected[128];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(expected, sizeof(expected), "command line: %s%s", wrong[i], form);
        refuses_assignment(*state, wrong[i], expected);
    }
    refuses_assignment(*state, "robot.forwrad=1",
                       "command line: [robot] forwrad: unknown key; did you mean \"forward\"?");
    refuses_assignment(*state, "robot.=1", "command line: [robot] \"\": unknown key");
    refuses_assignment(*state, ".delay=1", "command line: [\"\"]: unknown section");
    refuses_assignment(*state, "robto.delay=1",
                       "command line: [robto]: unknown section; did you mean [robot]?");
    refuses_assignment(*state, "robot.a.delay=1",
                       "command line: [robot] stands once and has no name");
    refuses_assignment(*state, "vlm.a.b.url=x",
                       "command line: [vlm] a.b: expected a name of 1 to "
                       "32 letters, digits, '-' or '_'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(defaults_hold_until_something_is_set),
        FIXTURE_TEST(a_named_file_has_to_exist),
        FIXTURE_TEST(the_default_file_may_be_missing),
        FIXTURE_TEST(only_regular_files_are_read),
        FIXTURE_TEST(later_sources_win_in_order),
        FIXTURE_TEST(a_mistake_in_a_drop_in_names_the_drop_in),
        FIXTURE_TEST(sources_behind_a_mistake_are_read),
        FIXTURE_TEST(a_file_that_is_missing_hides_no_other_source),
        FIXTURE_TEST(a_drop_in_folder_that_is_none_is_refused),
        FIXTURE_TEST(a_drop_in_completes_a_section_of_the_file),
        FIXTURE_TEST(one_file_by_itself_leaves_drop_ins_alone),
        FIXTURE_TEST(nav_variables_replace_the_first_endpoint),
        FIXTURE_TEST(nav_variables_make_an_endpoint_when_there_is_none),
        FIXTURE_TEST(a_model_alone_makes_no_endpoint),
        FIXTURE_TEST(an_empty_variable_is_not_set),
        FIXTURE_TEST(wrong_variables_are_refused_by_name),
        FIXTURE_TEST(assignments_reach_every_section),
        FIXTURE_TEST(an_assignment_without_a_name_means_the_first_section),
        FIXTURE_TEST(an_assignment_without_a_name_makes_a_section_when_there_is_none),
        FIXTURE_TEST(wrong_assignments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
