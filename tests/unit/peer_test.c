/* The socket of the safety process: who gets in, what is handed out, what never waits. Each test
 * runs twice: every connection is tried in each tick, and only those that are ready. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "safety/peer.h"

#define NOBODY 65534
#define GROUP  4242
#define SKIP   77

struct fixture {
    char folder[32], path[64];
    struct peer *peer;
    struct ready ready;
    struct ready *watch; /* NULL: without */
    struct peer_event event;
};

static int open_peer(struct fixture *fixture, const char *path)
{
    struct peer_options options = {
        .path = path, .mode = 0666, .group = (gid_t)-1, .ready = fixture->watch};

    return peer_open(&options, &fixture->peer);
}

static void tick(struct fixture *fixture)
{
    if (fixture->watch != NULL) {
        ready_poll(fixture->watch);
    }
    peer_poll(fixture->peer);
}

static void fixture_make(void **state, bool watched)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_int_equal(ready_open(&fixture->ready), 0);
    fixture->watch = watched ? &fixture->ready : NULL;
    strcpy(fixture->folder, "/tmp/peerXXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->folder);
    assert_int_equal(open_peer(fixture, fixture->path), 0);
    *state = fixture;
}

static int setup(void **state)
{
    fixture_make(state, false);
    return 0;
}

static int setup_watched(void **state)
{
    fixture_make(state, true);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    peer_close(fixture->peer);
    ready_close(&fixture->ready);
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static int dial(const struct fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, fixture->path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void assert_next(struct fixture *fixture, enum peer_kind kind, int connection)
{
    assert_int_equal(peer_next(fixture->peer, &fixture->event), 1);
    assert_int_equal(fixture->event.kind, kind);
    assert_int_equal(fixture->event.connection, connection);
}

static void assert_nothing(struct fixture *fixture)
{
    assert_int_equal(peer_next(fixture->peer, &fixture->event), 0);
}

/* Connects, and the connection has been handed out under this number. */
static int join(struct fixture *fixture, int connection)
{
    int fd = dial(fixture);

    assert_true(fd >= 0);
    tick(fixture);
    assert_next(fixture, PEER_OPENED, connection);
    assert_nothing(fixture);
    return fd;
}

static void a_message_arrives_as_it_was_sent(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0);

    assert_int_equal(fixture->event.pid, getpid());
    assert_int_equal(fixture->event.uid, geteuid());
    assert_int_equal(send(fd, "one", 3, 0), 3);
    assert_int_equal(send(fd, "other", 5, 0), 5);
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    assert_int_equal(fixture->event.size, 3);
    assert_memory_equal(fixture->event.bytes, "one", 3);
    assert_next(fixture, PEER_MESSAGE, 0);
    assert_int_equal(fixture->event.size, 5);
    assert_nothing(fixture);
    close(fd);
}

static void a_message_longer_than_any_says_its_size(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t bytes[WIRE_SIZE_MAX + 100];
    int fd = join(fixture, 0);

    assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    assert_int_equal(fixture->event.size, sizeof(bytes));
    close(fd);
}

static void what_was_sent_before_the_end_is_handed_out_first(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0);

    assert_int_equal(send(fd, "last", 4, 0), 4);
    close(fd);
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    assert_next(fixture, PEER_CLOSED, 0);
    assert_nothing(fixture);
    assert_int_equal(peer_send(fixture->peer, 0, "x", 1), -ENOTCONN);
    close(join(fixture, 0)); /* the number is free again */
}

static void a_stop_is_heard_from_a_client_that_read_nothing(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0);

    assert_int_equal(peer_send(fixture->peer, 0, "verdict", 7), 0);
    assert_int_equal(send(fd, "estop", 5, 0), 5);
    close(fd);
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    assert_memory_equal(fixture->event.bytes, "estop", 5);
    assert_next(fixture, PEER_CLOSED, 0);
}

static void an_empty_message_counts_as_the_end(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0);

    assert_int_equal(send(fd, "", 0, 0), 0);
    tick(fixture);
    assert_next(fixture, PEER_CLOSED, 0);
    close(fd);
}

static void a_new_connection_is_heard_in_the_same_tick(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    assert_int_equal(send(fd, "estop", 5, 0), 5);
    tick(fixture);
    assert_next(fixture, PEER_OPENED, 0);
    assert_next(fixture, PEER_MESSAGE, 0);
    assert_nothing(fixture);
    close(fd);
}

static void one_connection_too_many_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int fds[PEER_CONNECTIONS], late;
    char byte;

    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        fds[i] = join(fixture, i);
    }
    late = dial(fixture);
    tick(fixture);
    assert_nothing(fixture);
    assert_int_equal(recv(late, &byte, 1, 0), 0);
    assert_int_equal(peer_counters(fixture->peer).full, 1);
    close(late);
    close(fds[2]);
    fds[2] = dial(fixture);
    tick(fixture);
    assert_next(fixture, PEER_CLOSED, 2);
    assert_next(fixture, PEER_OPENED, 2); /* in the same tick */
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        close(fds[i]);
    }
}

static void a_flood_gets_its_burst_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    int flood = join(fixture, 0), calm = join(fixture, 1), sent = 0;

    while (send(flood, "spam", 4, 0) == 4) {
        sent++;
    }
    assert_true(sent > PEER_BURST);
    assert_int_equal(send(calm, "stop", 4, 0), 4);
    tick(fixture);
    for (int i = 0; i < PEER_BURST; i++) {
        assert_next(fixture, PEER_MESSAGE, 0);
    }
    assert_next(fixture, PEER_MESSAGE, 1);
    assert_memory_equal(fixture->event.bytes, "stop", 4);
    assert_nothing(fixture);
    assert_nothing(fixture);
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    close(flood);
    close(calm);
}

static void a_client_that_does_not_read_loses_its_answers(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0), result = 0;
    char bytes[16];

    assert_int_equal(peer_send(fixture->peer, 0, "verdict", 7), 0);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 7);
    for (int i = 0; i < 100000 && result == 0; i++) {
        result = peer_send(fixture->peer, 0, "verdict", 7);
    }
    assert_int_equal(result, -EAGAIN);
    assert_int_equal(peer_counters(fixture->peer).unsent, 1);
    close(fd);
    assert_true(peer_send(fixture->peer, 0, "verdict", 7) < 0);
    assert_int_equal(peer_send(fixture->peer, -1, "verdict", 7), -ENOTCONN);
    assert_int_equal(peer_send(fixture->peer, PEER_CONNECTIONS, "verdict", 7), -ENOTCONN);
}

static void a_dropped_connection_ends_without_an_event(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0);
    char byte;

    peer_drop(fixture->peer, 0);
    peer_drop(fixture->peer, 0);
    peer_drop(fixture->peer, -1);
    peer_drop(fixture->peer, PEER_CONNECTIONS);
    tick(fixture);
    assert_nothing(fixture);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void descriptors_that_are_sent_along_do_not_stay(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0), before = dup(fd), after;
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec bytes = {"x", 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof(int));
    assert_int_equal(sendmsg(fd, &message, 0), 1);
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    close(before);
    after = dup(fd);
    assert_int_equal(after, before); /* the lowest free number is the same */
    close(after);
    close(fd);
}

/* In a process of its own: 0 let in, 1 refused. */
static int knock(const struct fixture *fixture, gid_t group, const gid_t *more)
{
    char byte;
    int fd;

    if (setgroups(more != NULL ? 1 : 0, more) != 0 || setresgid(group, group, group) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0) {
        return SKIP;
    }
    fd = dial(fixture);
    if (fd < 0 || fcntl(fd, F_SETFL, 0) != 0) {
        return 2;
    }
    return recv(fd, &byte, 1, 0) == 1 ? 0 : 1;
}

/* Connects as nobody with these groups; whoever is let in gets a byte. */
static int connect_as(struct fixture *fixture, gid_t group, const gid_t *more)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(knock(fixture, group, more));
    }
    for (int i = 0; i < 500 && waitpid(pid, &status, WNOHANG) == 0; i++) {
        tick(fixture);
        while (peer_next(fixture->peer, &fixture->event) == 1) {
            if (fixture->event.kind == PEER_OPENED) {
                assert_int_equal(peer_send(fixture->peer, fixture->event.connection, "!", 1), 0);
            }
        }
        usleep(10000);
    }
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIP) {
        skip();
    }
    return WEXITSTATUS(status);
}

static void reopen(struct fixture *fixture, const struct peer_options *given)
{
    struct peer_options options = *given;

    options.ready = fixture->watch;
    peer_close(fixture->peer);
    fixture->peer = NULL;
    assert_int_equal(peer_open(&options, &fixture->peer), 0);
}

static void strangers_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(connect_as(fixture, NOBODY, NULL), 1);
    assert_int_equal(peer_counters(fixture->peer).strangers, 1);
}

static void users_and_members_of_the_options_are_welcome(void **state)
{
    struct fixture *fixture = *state;
    gid_t group = GROUP, other = GROUP + 1;
    struct peer_options options = {.path = fixture->path,
                                   .mode = 0666,
                                   .users = {1, NOBODY},
                                   .user_count = 2,
                                   .group = (gid_t)-1};

    reopen(fixture, &options);
    assert_int_equal(connect_as(fixture, NOBODY, NULL), 0);
    options.user_count = 1;
    options.group = GROUP;
    reopen(fixture, &options);
    assert_int_equal(connect_as(fixture, NOBODY, NULL), 1);
    assert_int_equal(connect_as(fixture, NOBODY, &other), 1);
    assert_int_equal(connect_as(fixture, NOBODY, &group), 0);
    assert_int_equal(connect_as(fixture, GROUP, NULL), 0);
}

static void a_socket_of_a_dead_process_is_replaced_and_a_living_one_is_not(void **state)
{
    struct fixture *fixture = *state;
    struct peer *first = fixture->peer;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    int fd;

    assert_int_equal(open_peer(fixture, fixture->path), -EADDRINUSE);
    assert_ptr_equal(fixture->peer, first);
    peer_close(first);
    fixture->peer = NULL;
    assert_int_equal(access(fixture->path, F_OK), -1);
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    strcpy(address.sun_path, fixture->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* without an unlink: as after SIGKILL */
    assert_int_equal(open_peer(fixture, fixture->path), 0);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    close(join(fixture, 0));
}

static void paths_that_cannot_be_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct peer_options options = {.path = fixture->path, .user_count = PEER_USERS + 1};
    char path[200];
    int fd;

    peer_close(fixture->peer);
    fixture->peer = NULL;
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(open_peer(fixture, path), -EINVAL);
    assert_int_equal(open_peer(fixture, ""), -EINVAL);
    assert_int_equal(peer_open(&options, &fixture->peer), -EINVAL);
    assert_int_equal(open_peer(fixture, "/nowhere/socket"), -ENOENT);
    fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_peer(fixture, fixture->path), -EADDRINUSE); /* a file of somebody */
    assert_int_equal(access(fixture->path, F_OK), 0);
    assert_null(fixture->peer);
    peer_close(NULL);
}

static void what_comes_after_the_poll_waits_for_the_next_tick(void **state)
{
    struct fixture *fixture = *state;
    int fd = join(fixture, 0);

    tick(fixture);
    assert_int_equal(send(fd, "late", 4, 0), 4);
    assert_nothing(fixture);
    tick(fixture);
    assert_next(fixture, PEER_MESSAGE, 0);
    close(fd);
}

static void who_cannot_be_watched_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    tick(fixture);
    ready_close(&fixture->ready);
    assert_nothing(fixture);
    assert_int_equal(peer_counters(fixture->peer).full, 1);
    close(fd);
}

#define W(name) {#name, name, setup_watched, teardown, 0}
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown), W(name)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_message_arrives_as_it_was_sent),
        T(a_message_longer_than_any_says_its_size),
        T(what_was_sent_before_the_end_is_handed_out_first),
        T(a_stop_is_heard_from_a_client_that_read_nothing),
        T(an_empty_message_counts_as_the_end),
        T(a_new_connection_is_heard_in_the_same_tick),
        T(one_connection_too_many_is_refused),
        T(a_flood_gets_its_burst_and_no_more),
        T(a_client_that_does_not_read_loses_its_answers),
        T(a_dropped_connection_ends_without_an_event),
        T(descriptors_that_are_sent_along_do_not_stay),
        T(strangers_are_refused),
        T(users_and_members_of_the_options_are_welcome),
        T(a_socket_of_a_dead_process_is_replaced_and_a_living_one_is_not),
        T(paths_that_cannot_be_are_refused),
        W(what_comes_after_the_poll_waits_for_the_next_tick),
        W(who_cannot_be_watched_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
