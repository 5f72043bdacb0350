/* The latched e-stop on file systems that work and on some that do not. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "safety/latch.h"

#define NOBODY 65534
#define SKIP   77

struct fixture {
    char folder[32], path[64];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->folder, "/tmp/latchXXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/estop", fixture->folder);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    chmod(fixture->folder, 0700);
    unlink(fixture->path);
    rmdir(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static void a_latch_is_set_until_it_is_cleared(void **state)
{
    struct fixture *fixture = *state;

    assert_false(latch_is_set(fixture->path));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(latch_set(fixture->path), 0);
        assert_true(latch_is_set(fixture->path));
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(latch_clear(fixture->path), 0);
        assert_false(latch_is_set(fixture->path));
    }
}

static void a_relative_path_works(void **state)
{
    struct fixture *fixture = *state;
    char home[PATH_MAX];

    assert_non_null(getcwd(home, sizeof(home)));
    assert_int_equal(chdir(fixture->folder), 0);
    assert_false(latch_is_set("estop"));
    assert_int_equal(latch_set("estop"), 0);
    assert_true(latch_is_set("estop"));
    assert_int_equal(latch_clear("estop"), 0);
    assert_int_equal(chdir(home), 0);
}

static void a_missing_folder_is_latched(void **state)
{
    struct fixture *fixture = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/gone/estop", fixture->folder);
    assert_true(latch_is_set(path));
    assert_int_equal(latch_set(path), -ENOENT);
    assert_int_equal(latch_clear(path), 0);
    assert_true(latch_is_set(""));
}

static void whatever_stands_in_its_place_is_latched(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_true(latch_is_set(fixture->path));
    assert_int_equal(latch_set(fixture->path), 0);
    assert_int_equal(latch_clear(fixture->path), -EISDIR);
    assert_int_equal(rmdir(fixture->path), 0);
    assert_int_equal(symlink("nowhere", fixture->path), 0);
    assert_true(latch_is_set(fixture->path));
    assert_int_equal(latch_set(fixture->path), 0);
    assert_int_equal(latch_clear(fixture->path), 0);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_int_equal(latch_set(fixture->path), 0); /* and does not wait for a reader */
    assert_true(latch_is_set(fixture->path));
}

static void a_path_through_a_file_or_too_long_is_latched(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_MAX + 16];

    assert_int_equal(latch_set(fixture->path), 0);
    snprintf(path, sizeof(path), "%s/estop", fixture->path);
    assert_true(latch_is_set(path));
    assert_int_equal(latch_set(path), -ENOTDIR);
    assert_int_equal(latch_clear(path), -ENOTDIR);
    memset(path, '/', sizeof(path));
    memcpy(path + sizeof(path) - 6, "estop", 6);
    assert_true(latch_is_set(path));
    assert_int_equal(latch_set(path), -ENAMETOOLONG);
}

/* Runs a check in a process of its own; what it returns is the exit code, 0 for good. */
static void run_check(const struct fixture *fixture, int (*check)(const struct fixture *fixture))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(check(fixture));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP) {
        skip();
    }
    assert_int_equal(status, 0);
}

/* Permissions count for a process that is not root. */
static void become_nobody(void)
{
    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0) {
        _exit(SKIP);
    }
}

static int check_closed(const struct fixture *fixture)
{
    become_nobody();
    return !latch_is_set(fixture->path) || latch_set(fixture->path) != -EACCES ||
           latch_clear(fixture->path) != -EACCES;
}

static int check_read_only(const struct fixture *fixture)
{
    become_nobody();
    return latch_is_set(fixture->path) || latch_set(fixture->path) != -EACCES ||
           latch_is_set(fixture->path);
}

static int check_unreadable(const struct fixture *fixture)
{
    become_nobody();
    return !latch_is_set(fixture->path) || latch_set(fixture->path) != 0;
}

static void a_folder_that_cannot_be_searched_is_latched(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(chmod(fixture->folder, 0), 0);
    run_check(fixture, check_closed);
}

static void a_folder_that_cannot_be_written_refuses_the_latch(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(chmod(fixture->folder, 0555), 0);
    run_check(fixture, check_read_only);
}

static void an_unreadable_file_is_latched(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(latch_set(fixture->path), 0);
    assert_int_equal(chmod(fixture->path, 0), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    run_check(fixture, check_unreadable);
}

/* A file system of its own in a mount namespace of its own, read-only after the latch was set or
 * not. */
static int check_read_only_file_system(const struct fixture *fixture, bool latched)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", fixture->folder, "tmpfs", 0, NULL) != 0) {
        return SKIP;
    }
    if (latched && latch_set(fixture->path) != 0) {
        return 1;
    }
    if (mount("none", fixture->folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        return SKIP;
    }
    if (latch_is_set(fixture->path) != latched) {
        return 2;
    }
    if (latch_set(fixture->path) != (latched ? 0 : -EROFS)) {
        return 3;
    }
    return latch_clear(fixture->path) != (latched ? -EROFS : 0) ? 4 : 0;
}

static int check_read_only_clear(const struct fixture *fixture)
{
    return check_read_only_file_system(fixture, false);
}

static int check_read_only_latched(const struct fixture *fixture)
{
    return check_read_only_file_system(fixture, true);
}

static void a_read_only_file_system_keeps_what_it_has(void **state)
{
    run_check(*state, check_read_only_clear);
    run_check(*state, check_read_only_latched);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_latch_is_set_until_it_is_cleared),
        T(a_relative_path_works),
        T(a_missing_folder_is_latched),
        T(whatever_stands_in_its_place_is_latched),
        T(a_path_through_a_file_or_too_long_is_latched),
        T(a_folder_that_cannot_be_searched_is_latched),
        T(a_folder_that_cannot_be_written_refuses_the_latch),
        T(an_unreadable_file_is_latched),
        T(a_read_only_file_system_keeps_what_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
