/* On real files in a temporary folder of each test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/camera/folder.h"

struct place {
    char path[64];
};

static const char *path_of(const char *folder, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void file_write(const char *folder, const char *name, const char *text)
{
    FILE *file = fopen(path_of(folder, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int place_make(void **state)
{
    struct place *place = malloc(sizeof(*place));

    assert_non_null(place);
    strcpy(place->path, "/tmp/folder_test.XXXXXX");
    assert_non_null(mkdtemp(place->path));
    *state = place;
    return 0;
}

static int place_remove(void **state)
{
    struct place *place = *state;
    char command[128];

    snprintf(command, sizeof(command), "rm -rf -- '%s'", place->path);
    assert_int_equal(system(command), 0);
    free(place);
    return 0;
}

static struct folder *folder_of(const char *path)
{
    struct folder *folder = NULL;

    assert_int_equal(folder_open(path, &folder), 0);
    return folder;
}

static void assert_next(struct folder *folder, uint64_t seq, const char *name, const char *text)
{
    struct frame frame;

    assert_int_equal(folder_next(folder, &frame), 0);
    assert_int_equal(frame.seq, seq);
    assert_string_equal(frame.name, name);
    assert_int_equal(frame.size, strlen(text));
    assert_true(frame.size == 0 || memcmp(frame.bytes, text, frame.size) == 0);
}

static void assert_next_fails(struct folder *folder, uint64_t seq, const char *name, int error)
{
    struct frame frame;

    assert_int_equal(folder_next(folder, &frame), error);
    assert_int_equal(frame.seq, seq);
    assert_string_equal(frame.name, name);
    assert_null(frame.bytes);
    assert_int_equal(frame.size, 0);
    assert_int_equal(frame.capture_ns, 0);
}

static void assert_end(struct folder *folder)
{
    struct frame frame = {.seq = 77};

    assert_int_equal(folder_next(folder, &frame), FOLDER_END);
    assert_int_equal(frame.seq, 77);
}

static void files_come_in_the_order_of_their_names_bytes(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "b.jpg", "2");
    file_write(place->path, "a.jpg", "1");
    file_write(place->path, "B.JPG", "0");
    file_write(place->path, "10.jpeg", "-1");
    folder = folder_of(place->path);
    assert_int_equal(folder_count(folder), 4);
    assert_next(folder, 1, "10.jpeg", "-1");
    assert_next(folder, 2, "B.JPG", "0");
    assert_next(folder, 3, "a.jpg", "1");
    assert_next(folder, 4, "b.jpg", "2");
    assert_end(folder);
    assert_end(folder);
    folder_close(folder);
}

static void other_and_hidden_files_are_left_out(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "a.jpg", "1");
    file_write(place->path, "a.png", "x");
    file_write(place->path, "ajpg", "x");
    file_write(place->path, "a.jpg.txt", "x");
    file_write(place->path, "._a.jpg", "x");
    file_write(place->path, ".jpg", "x");
    folder = folder_of(place->path);
    assert_int_equal(folder_count(folder), 1);
    folder_close(folder);
}

static void folder_without_pictures_has_no_data(void **state)
{
    struct place *place = *state;
    struct folder *folder = NULL;

    file_write(place->path, "a.png", "x");
    assert_int_equal(folder_open(place->path, &folder), -ENODATA);
    assert_null(folder);
    folder_close(NULL);
}

static void path_that_does_not_exist_is_an_error(void **state)
{
    struct place *place = *state;
    struct folder *folder = NULL;

    assert_int_equal(folder_open(path_of(place->path, "none"), &folder), -ENOENT);
    assert_int_equal(folder_open("", &folder), -ENOENT);
    file_write(place->path, "a.jpg", "1");
    assert_int_equal(folder_open(path_of(place->path, "a.jpg/"), &folder), -ENOTDIR);
    assert_null(folder);
}

static void one_file_may_have_any_name(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "picture", "1");
    file_write(place->path, "other.jpg", "2");
    folder = folder_of(path_of(place->path, "picture"));
    assert_int_equal(folder_count(folder), 1);
    assert_next(folder, 1, "picture", "1");
    assert_end(folder);
    folder_close(folder);
}

static void one_file_may_stand_in_the_working_directory(void **state)
{
    struct place *place = *state;
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct folder *folder;

    file_write(place->path, "picture", "1");
    assert_int_equal(chdir(place->path), 0);
    folder = folder_of("picture");
    assert_int_equal(fchdir(before), 0);
    assert_next(folder, 1, "picture", "1");
    folder_close(folder);
    (void)close(before);
}

static void frame_is_stamped_when_it_is_read(void **state)
{
    struct place *place = *state;
    int64_t before = clock_now_ns();
    struct folder *folder;
    struct frame frame;

    file_write(place->path, "a.jpg", "1");
    folder = folder_of(place->path);
    assert_int_equal(folder_next(folder, &frame), 0);
    assert_in_range(frame.capture_ns, before, clock_now_ns());
    folder_close(folder);
}

static void numbers_count_on_over_rewinds(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "a.jpg", "1");
    file_write(place->path, "b.jpg", "2");
    folder = folder_of(place->path);
    assert_next(folder, 1, "a.jpg", "1");
    assert_next(folder, 2, "b.jpg", "2");
    folder_rewind(folder);
    assert_next(folder, 3, "a.jpg", "1");
    folder_close(folder);
}

static void file_that_grew_larger_is_read_whole(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "a.jpg", "1");
    file_write(place->path, "b.jpg", "longer than the first");
    file_write(place->path, "c.jpg", "3");
    folder = folder_of(place->path);
    file_write(place->path, "a.jpg", "grown");
    assert_next(folder, 1, "a.jpg", "grown");
    assert_next(folder, 2, "b.jpg", "longer than the first");
    assert_next(folder, 3, "c.jpg", "3");
    folder_close(folder);
}

static void empty_file_is_a_frame_without_bytes(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "a.jpg", "");
    folder = folder_of(place->path);
    assert_next(folder, 1, "a.jpg", "");
    folder_close(folder);
}

static void unreadable_file_does_not_stop_the_others(void **state)
{
    struct place *place = *state;
    struct folder *folder;

    file_write(place->path, "a.jpg", "gone");
    assert_int_equal(mkdir(path_of(place->path, "b.jpg"), 0700), 0);
    assert_int_equal(mkfifo(path_of(place->path, "c.jpg"), 0600), 0);
    assert_int_equal(symlink("nowhere", path_of(place->path, "d.jpg")), 0);
    file_write(place->path, "e.jpg", "good");
    folder = folder_of(place->path);
    assert_int_equal(unlink(path_of(place->path, "a.jpg")), 0);
    assert_next_fails(folder, 1, "a.jpg", -ENOENT);
    assert_next_fails(folder, 2, "b.jpg", -EISDIR);
    assert_next_fails(folder, 3, "c.jpg", -EINVAL);
    assert_next_fails(folder, 4, "d.jpg", -ENOENT);
    assert_next(folder, 5, "e.jpg", "good");
    assert_end(folder);
    folder_close(folder);
}

static void file_beyond_the_limit_is_too_big(void **state)
{
    struct place *place = *state;
    struct folder *folder;
    struct frame frame;

    file_write(place->path, "a.jpg", "");
    file_write(place->path, "b.jpg", "");
    assert_int_equal(truncate(path_of(place->path, "a.jpg"), FOLDER_FILE_SIZE_MAX + 1), 0);
    assert_int_equal(truncate(path_of(place->path, "b.jpg"), FOLDER_FILE_SIZE_MAX), 0);
    folder = folder_of(place->path);
    assert_next_fails(folder, 1, "a.jpg", -EFBIG);
    assert_int_equal(folder_next(folder, &frame), 0);
    assert_int_equal(frame.size, FOLDER_FILE_SIZE_MAX);
    folder_close(folder);
}

/* A file of sysfs says that it has 4096 bytes and ends before: like one that is cut off while it is
 * read. */
static void file_that_ends_before_its_size_is_an_error(void **state)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    struct stat status;
    struct folder *folder;

    (void)state;
    if (stat(path, &status) < 0 || status.st_size < 4096) {
        skip();
    }
    folder = folder_of(path);
    assert_next_fails(folder, 1, "enabled", -EIO);
    folder_close(folder);
}

static void folder_may_be_moved_while_it_is_read(void **state)
{
    struct place *place = *state;
    struct folder *folder;
    char from[128];

    assert_int_equal(mkdir(path_of(place->path, "from"), 0700), 0);
    strcpy(from, path_of(place->path, "from"));
    file_write(from, "a.jpg", "1");
    folder = folder_of(from);
    assert_int_equal(rename(from, path_of(place->path, "to")), 0);
    assert_next(folder, 1, "a.jpg", "1");
    folder_close(folder);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_come_in_the_order_of_their_names_bytes),
        TEST(other_and_hidden_files_are_left_out),
        TEST(folder_without_pictures_has_no_data),
        TEST(path_that_does_not_exist_is_an_error),
        TEST(one_file_may_have_any_name),
        TEST(one_file_may_stand_in_the_working_directory),
        TEST(frame_is_stamped_when_it_is_read),
        TEST(numbers_count_on_over_rewinds),
        TEST(file_that_grew_larger_is_read_whole),
        TEST(empty_file_is_a_frame_without_bytes),
        TEST(unreadable_file_does_not_stop_the_others),
        TEST(file_beyond_the_limit_is_too_big),
        TEST(file_that_ends_before_its_size_is_an_error),
        TEST(folder_may_be_moved_while_it_is_read),
    };

    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
