/* See conf_file.h.
 *
 * libinih, as Debian builds it, forgives too much for a car: it cuts lines at 200 bytes, takes an
 * indented line for the continuation of the one before, cuts section names at 50 bytes, skips
 * sections without keys, and tells the handler no line numbers. Its run-time switches are Debian 12
 * only. So it gets its lines from a reader of our own, which
 *
 *   - counts lines and refuses bytes that are not text;
 *   - takes the blanks and the line end off, so that there are no continuations;
 *   - eats blank lines and comments, which may therefore be of any length;
 *   - reads [section] lines itself, so that a wrong one is refused even when nothing follows;
 *   - hands inih one line at a time that ought to be "key = value", if it fits.
 *
 * inih splits that line and cuts off an inline comment. When it comes back for the next line and
 * the handler was not called in between, the line was none.
 *
 * Behind a mistake the reading goes on. A line that is no "key = value" may have been meant as the
 * title of a section, so that what follows up to the next title belongs to none.
 */
#include "config/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    struct config *config;
    const char *next, *end;        /* what is left of the file */
    char name[CONF_FILE_NAME_MAX]; /* of the file, for messages */
    unsigned line;
    struct place place;               /* of the current line */
    struct section *section;          /* the current one; NULL before the first */
    char pending[STORE_LINE_MAX + 1]; /* what inih has to make a key of; "": nothing */
    int result;
};

void conf_file_name(const char *path, char ret_name[static CONF_FILE_NAME_MAX])
{
    text_escape(path, strlen(path), ret_name, CONF_FILE_NAME_MAX);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Part of the file's bytes. */
struct span {
    const char *start, *end;
};

static size_t span_size(struct span span)
{
    return (size_t)(span.end - span.start);
}

static struct span trimmed(struct span span)
{
    while (span.start < span.end && is_blank(*span.start)) {
        span.start++;
    }
    while (span.start < span.end && is_blank(span.end[-1])) {
        span.end--;
    }
    return span;
}

/* Takes the next line off the file and sets the place of all messages. */
static struct span take_line(struct reader *reader)
{
    struct span line = {.start = reader->next, .end = reader->end};
    const char *newline = memchr(line.start, '\n', span_size(line));

    reader->next = reader->end;
    if (newline != NULL) {
        line.end = newline;
        reader->next = newline + 1;
    }
    reader->line++;
    snprintf(reader->place.text, sizeof(reader->place.text), "%s:%u", reader->name, reader->line);
    if (reader->line == 1 && span_size(line) >= 3 && memcmp(line.start, "\xef\xbb\xbf", 3) == 0) {
        line.start += 3; /* some editors begin UTF-8 files with a byte order mark */
    }
    if (span_size(line) > 0 && line.end[-1] == '\r') {
        line.end--;
    }
    return trimmed(line);
}

static int check_text(struct reader *reader, struct span line)
{
    while (line.start < line.end) {
        size_t step = *line.start == '\t' ? 1 : text_step(line.start, span_size(line));

        if (step == 0) {
            return store_refuse(reader->config, reader->place.text,
                                "byte 0x%02x: expected printable UTF-8 text",
                                (unsigned char)*line.start);
        }
        line.start += step;
    }
    return 0;
}

static int refuse_line(struct reader *reader, struct span line, const char *expected)
{
    char shown[64];

    text_escape(line.start, span_size(line), shown, sizeof(shown));
    return store_refuse(reader->config, reader->place.text, "%s: expected %s", shown, expected);
}

/* Splits `explorer` or `vlm "panda"` in place. */
static bool split_title(char *title, char **ret_name)
{
    char *blank = title + strcspn(title, " \t\"");
    char *name = blank + strspn(blank, " \t");

    *ret_name = NULL;
    if (*name != '\0') {
        char *end = name + strlen(name) - 1;

        if (end == name || *name != '"' || strchr(name + 1, '"') != end) {
            return false;
        }
        *end = '\0';
        *ret_name = name + 1;
    }
    *blank = '\0';
    return title[0] != '\0';
}

/* `line` begins with '['. Behind the ']' only a comment may follow. */
static int enter_section(struct reader *reader, struct span line)
{
    const char *close = memchr(line.start, ']', span_size(line));
    struct span rest = {.start = close == NULL ? line.end : close + 1, .end = line.end};
    struct span inner = {.start = line.start + 1, .end = close == NULL ? line.end : close};
    char title[128], *name;

    rest = trimmed(rest);
    inner = trimmed(inner);
    if (close != NULL && span_size(inner) < sizeof(title) &&
        (span_size(rest) == 0 || *rest.start == ';' || *rest.start == '#')) {
        memcpy(title, inner.start, span_size(inner));
        title[span_size(inner)] = '\0';
        if (split_title(title, &name)) {
            return store_enter(reader->config, &reader->place, title, name, &reader->section);
        }
    }
    return refuse_line(reader, line, "[section] or [section \"name\"]");
}

/* Prepares one line for inih, if it is one for inih. */
static int read_line(struct reader *reader, size_t room)
{
    struct span line = take_line(reader);
    size_t most = room < STORE_LINE_MAX ? room : STORE_LINE_MAX;
    int result = check_text(reader, line);

    if (result != 0 || span_size(line) == 0 || *line.start == ';' || *line.start == '#') {
        return result;
    }
    if (*line.start == '[') {
        return enter_section(reader, line);
    }
    if (span_size(line) > most) {
        return store_refuse(reader->config, reader->place.text,
                            "line of %zu bytes: expected at most %zu", span_size(line), most);
    }
    memcpy(reader->pending, line.start, span_size(line));
    reader->pending[span_size(line)] = '\0';
    return 0;
}

static void take_result(struct reader *reader, int result)
{
    reader->result = store_worse(reader->result, result);
}

static void take_line_result(struct reader *reader, int result)
{
    take_result(reader, result);
    if (result != 0) {
        reader->section = NULL;
    }
}

/* inih came back without having called the handler. */
static void check_pending(struct reader *reader)
{
    struct span line = {reader->pending, reader->pending + strlen(reader->pending)};

    if (span_size(line) > 0) {
        take_line_result(reader, refuse_line(reader, line, "key = value, [section] or a comment"));
        reader->pending[0] = '\0';
    }
}

/* The reader for inih, a fgets: `size` bytes with line end and terminator. */
static char *next_line(char *buffer, int size, void *stream)
{
    struct reader *reader = stream;

    check_pending(reader);
    while (reader->result >= 0 && reader->next < reader->end) {
        take_line_result(reader, read_line(reader, (size_t)size - 2));
        if (reader->pending[0] != '\0') {
            snprintf(buffer, (size_t)size, "%s\n", reader->pending);
            return buffer;
        }
    }
    return NULL;
}

static int take_key(void *user, const char *section, const char *key, const char *value)
{
    struct reader *reader = user;

    (void)section;
    if (key[0] == '\0') {
        return 0; /* stays pending */
    }
    if (reader->section == NULL) {
        struct span line = {key, key + strlen(key)};

        take_result(reader, refuse_line(reader, line, "a [section] before the first key"));
    } else {
        take_result(reader, store_set(reader->config, &reader->place, reader->section, key, value));
    }
    reader->pending[0] = '\0';
    return 1;
}

/* The absolute folder of `path`, allocated; "." when the working directory has no name. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : slash == path ? 1 : (int)(slash - path);
    char *folder = NULL, *here;

    if (path[0] == '/') {
        return strndup(path, (size_t)length);
    }
    here = getcwd(NULL, 0);
    if (here == NULL) {
        return errno == ENOMEM ? NULL : strndup(length == 0 ? "." : path, (size_t)length + !length);
    }
    if (asprintf(&folder, "%s%s%.*s", here, length == 0 ? "" : "/", length, path) < 0) {
        folder = NULL;
    }
    free(here);
    return folder;
}

static int refuse_file(struct config *config, const char *path, const char *reason)
{
    char name[CONF_FILE_NAME_MAX];

    conf_file_name(path, name);
    return store_refuse(config, name, "%s", reason);
}

int conf_file_parse(struct config *config, const char *path, const char *bytes, size_t size)
{
    struct reader reader = {.config = config, .next = bytes, .end = bytes + size};
    char *folder;

    if (size > CONF_FILE_SIZE_MAX) {
        return refuse_file(config, path, "larger than 64 kB");
    }
    folder = folder_of(path);
    if (folder == NULL) {
        return -ENOMEM;
    }
    reader.place.folder = folder;
    reader.place.source = ++config->sources;
    conf_file_name(path, reader.name);
    if (ini_parse_stream(next_line, &reader, take_key, &reader) == -2) {
        reader.result = -ENOMEM;
    }
    check_pending(&reader);
    free(folder);
    return reader.result;
}

/* Up to `size` bytes of a regular file: a pipe or a device could keep us waiting for ever. */
static int read_bytes(int fd, char *buffer, size_t size, size_t *ret_used, const char **ret_reason)
{
    struct stat status;
    size_t used = 0;
    ssize_t n;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        *ret_reason = S_ISDIR(status.st_mode) ? "this is a folder; expected a file"
                                              : "this is no regular file";
        return CONFIG_REFUSED;
    }
    while (used < size && (n = read(fd, buffer + used, size - used)) != 0) {
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        used += n < 0 ? 0 : (size_t)n;
    }
    *ret_used = used;
    return 0;
}

int conf_file_load(struct config *config, const char *path, bool may_be_missing)
{
    const char *reason = NULL;
    char *buffer = NULL;
    size_t used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int result = fd < 0 ? -errno : 0;

    if (result == 0) {
        buffer = malloc(CONF_FILE_SIZE_MAX + 1);
        result = buffer == NULL ? -ENOMEM
                                : read_bytes(fd, buffer, CONF_FILE_SIZE_MAX + 1, &used, &reason);
        close(fd);
    }
    if (result == -ENOENT && may_be_missing) {
        result = 0;
    } else if (result == 0) {
        result = conf_file_parse(config, path, buffer, used);
    } else if (result != -ENOMEM) {
        result = refuse_file(config, path, reason != NULL ? reason : strerror(-result));
    }
    free(buffer);
    return result;
}
