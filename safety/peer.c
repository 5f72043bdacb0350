/* See peer.h.
 *
 * Connections are handed out in turn, and each gives all that it may in a tick before the next is
 * asked. In which order two connections are read decides nothing: permit.c goes by the times in the
 * messages where a stop and an ARM meet.
 *
 * A client that has more than its burst waiting keeps it: its own queue fills, and it blocks or
 * loses, not us. File descriptors that a client sends along are closed by the kernel, because
 * recv() gives it no place to put them. A client that does not read loses verdicts and nothing
 * else.
 */
#include "safety/peer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GROUPS_MAX 64 /* of a client; one with more is judged by its main group alone */

struct peer {
    struct peer_options options;
    struct sockaddr_un address;
    int listener; /* -1: none */
    bool bound;
    struct peer_slot {
        int fd;   /* -1: free */
        int left; /* messages that it may still hand out in this tick */
    } slots[PEER_CONNECTIONS];
    int turn; /* the slot that is asked next; PEER_CONNECTIONS: all had their turn */
    int accepts_left;
    struct peer_counters counters;
};

static int address_fill(struct sockaddr_un *address, const char *path)
{
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof(address->sun_path)) {
        return -EINVAL;
    }
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

/* A socket that nobody listens behind is left over from a process that died. Whatever else is wrong
 * with the path, bind() says it. */
static int leftover_remove(const struct sockaddr_un *address)
{
    struct stat status;
    int fd, error;

    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return 0;
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    (void)close(fd);
    if (error == 0 || error == EAGAIN) {
        return -EADDRINUSE;
    }
    return error == ECONNREFUSED && unlink(address->sun_path) != 0 ? -errno : 0;
}

/* The file is nobody else's until its mode is as asked. */
static int listener_bind(struct peer *peer)
{
    if (fchmod(peer->listener, 0600) != 0 ||
        bind(peer->listener, (struct sockaddr *)&peer->address, sizeof(peer->address)) != 0) {
        return -errno;
    }
    peer->bound = true;
    if (chmod(peer->address.sun_path, peer->options.mode) != 0 ||
        listen(peer->listener, PEER_CONNECTIONS) != 0) {
        return -errno;
    }
    return 0;
}

static int listener_open(struct peer *peer)
{
    int result = leftover_remove(&peer->address);

    if (result != 0) {
        return result;
    }
    peer->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return peer->listener >= 0 ? listener_bind(peer) : -errno;
}

int peer_open(const struct peer_options *options, struct peer **ret_peer)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    int result = -EINVAL;

    if (peer == NULL) {
        return -ENOMEM;
    }
    peer->options = *options;
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        peer->slots[i].fd = -1;
    }
    peer->listener = -1;
    peer->turn = PEER_CONNECTIONS;
    if (options->user_count <= PEER_USERS) {
        result = address_fill(&peer->address, options->path);
    }
    if (result == 0) {
        result = listener_open(peer);
    }
    if (result == 0) {
        result = ready_add(peer->options.ready, READY_DOOR, peer->listener);
    }
    if (result != 0) {
        peer_close(peer);
        return result;
    }
    *ret_peer = peer;
    return 0;
}

void peer_drop(struct peer *peer, int connection)
{
    if (connection < 0 || connection >= PEER_CONNECTIONS || peer->slots[connection].fd < 0) {
        return;
    }
    (void)close(peer->slots[connection].fd);
    peer->slots[connection].fd = -1;
}

void peer_close(struct peer *peer)
{
    if (peer == NULL) {
        return;
    }
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        peer_drop(peer, i);
    }
    if (peer->listener >= 0) {
        (void)close(peer->listener);
    }
    if (peer->bound) {
        (void)unlink(peer->address.sun_path);
    }
    free(peer);
}

void peer_poll(struct peer *peer)
{
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        peer->slots[i].left = PEER_BURST;
    }
    peer->turn = 0;
    peer->accepts_left = PEER_CONNECTIONS;
}

static bool in_group(int fd, const struct ucred *who, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t size = sizeof(groups);

    if (group == (gid_t)-1) {
        return false;
    }
    if (who->gid == group) {
        return true;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) {
        return false;
    }
    for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

static bool is_welcome(const struct peer *peer, int fd, struct ucred *ret_who)
{
    socklen_t size = sizeof(*ret_who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret_who, &size) != 0) {
        return false;
    }
    if (ret_who->uid == 0 || ret_who->uid == geteuid()) {
        return true;
    }
    for (size_t i = 0; i < peer->options.user_count; i++) {
        if (peer->options.users[i] == ret_who->uid) {
            return true;
        }
    }
    return in_group(fd, ret_who, peer->options.group);
}

static int slot_find_free(const struct peer *peer)
{
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        if (peer->slots[i].fd < 0) {
            return i;
        }
    }
    return -1;
}

/* One that waits at the door, let in or not. 1: an event; 0: nobody waits; -EAGAIN: refused. */
static int door_open(struct peer *peer, struct peer_event *ret_event)
{
    int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int slot = slot_find_free(peer);
    struct ucred who;

    if (fd < 0) {
        return 0;
    }
    if (slot < 0 || !is_welcome(peer, fd, &who)) {
        peer->counters.full += slot < 0 ? 1 : 0;
        peer->counters.strangers += slot < 0 ? 0 : 1;
        (void)close(fd);
        return -EAGAIN;
    }
    if (ready_add(peer->options.ready, READY_FIRST + slot, fd) != 0) {
        peer->counters.full++;
        (void)close(fd);
        return -EAGAIN;
    }
    peer->slots[slot] = (struct peer_slot){.fd = fd, .left = PEER_BURST};
    ret_event->kind = PEER_OPENED;
    ret_event->connection = slot;
    ret_event->pid = who.pid;
    ret_event->uid = who.uid;
    ret_event->size = 0;
    return 1;
}

/* A client that ends with verdicts unread leaves ECONNRESET in front of what it had sent, which may
 * be an ESTOP: the error is told once, the messages come behind it (unix_release_sock of Linux). */
static ssize_t receive(int fd, void *bytes, size_t size)
{
    ssize_t result = recv(fd, bytes, size, MSG_DONTWAIT | MSG_TRUNC);

    if (result < 0 && errno == ECONNRESET) {
        result = recv(fd, bytes, size, MSG_DONTWAIT | MSG_TRUNC);
    }
    return result;
}

/* 1: an event; 0: nothing waits. */
static int slot_read(struct peer *peer, int connection, struct peer_event *ret_event)
{
    struct peer_slot *slot = &peer->slots[connection];
    ssize_t size;

    if (slot->fd < 0 || slot->left == 0 ||
        !ready_has(peer->options.ready, READY_FIRST + connection)) {
        return 0;
    }
    size = receive(slot->fd, ret_event->bytes, sizeof(ret_event->bytes));
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    slot->left--;
    ret_event->connection = connection;
    ret_event->size = size > 0 ? (size_t)size : 0;
    ret_event->kind = size > 0 ? PEER_MESSAGE : PEER_CLOSED;
    if (size <= 0) {
        peer_drop(peer, connection);
    }
    return 1;
}

/* Connections first: those that end make room for those that wait. */
int peer_next(struct peer *peer, struct peer_event *ret_event)
{
    while (peer->turn < PEER_CONNECTIONS) {
        if (slot_read(peer, peer->turn, ret_event) == 1) {
            return 1;
        }
        peer->turn++;
    }
    while (peer->accepts_left > 0 && ready_has(peer->options.ready, READY_DOOR)) {
        int result = door_open(peer, ret_event);

        peer->accepts_left = result != 0 ? peer->accepts_left - 1 : 0;
        if (result == 1) {
            peer->turn = ret_event->connection; /* what it sent already is for this tick */
            return 1;
        }
    }
    return 0;
}

int peer_send(struct peer *peer, int connection, const void *message, size_t size)
{
    int error;

    if (connection < 0 || connection >= PEER_CONNECTIONS || peer->slots[connection].fd < 0) {
        return -ENOTCONN;
    }
    if (send(peer->slots[connection].fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        return 0;
    }
    error = -errno;
    peer->counters.unsent += error == -EAGAIN ? 1 : 0;
    return error;
}

struct peer_counters peer_counters(const struct peer *peer)
{
    return peer->counters;
}
