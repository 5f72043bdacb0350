/* The socket that the agent and the person's command connect to: who they are is checked once, then
 * their messages are handed out one by one.
 *
 * A listening SOCK_SEQPACKET socket with at most PEER_CONNECTIONS connections, numbered as permit.h
 * numbers them. The credentials are those that the kernel stored at connect() (SO_PEERCRED): root,
 * the user that this process runs as, the users of the options, and members of the options' group.
 * Nothing here judges bytes (wire.h) or waits: the 100 Hz loop calls peer_poll once a tick and then
 * peer_next until it has nothing more; what its `ready` does not name is not tried. One connection
 * gets at most PEER_BURST messages a tick, so a flood of one delays neither the tick nor another's
 * stop.
 *
 * Opaque; one thread. Allocates in peer_open only.
 */
#ifndef SAFETY_PEER_H
#define SAFETY_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "safety/permit.h"
#include "safety/ready.h"
#include "safety/wire.h"

#define PEER_CONNECTIONS PERMIT_CONNECTIONS
#define PEER_BURST       16
#define PEER_USERS       4

struct peer;

struct peer_options {
    const char *path; /* a socket that nobody listens behind any more is replaced */
    mode_t mode;      /* of the socket's file; connecting needs the right to write */
    uid_t users[PEER_USERS];
    size_t user_count;
    gid_t group;         /* (gid_t)-1: no group */
    struct ready *ready; /* borrowed, polled by the caller; NULL: all are tried in each tick */
};

enum peer_kind {
    PEER_OPENED,  /* a connection was accepted under this number */
    PEER_MESSAGE, /* bytes arrived */
    PEER_CLOSED,  /* the connection ended; its number may be used again */
};

struct peer_event {
    enum peer_kind kind;
    int connection;
    pid_t pid; /* opened: who it was at connect(), for the log */
    uid_t uid;
    size_t size; /* message: of the whole message, even where it is longer than `bytes` */
    uint8_t bytes[WIRE_SIZE_MAX];
};

/* What did not happen, for status and metrics. */
struct peer_counters {
    uint64_t strangers; /* refused by their credentials */
    uint64_t full;      /* refused because every connection was taken */
    uint64_t unsent;    /* messages that did not fit into a connection's queue */
};

/* 0: listens; free with peer_close. -EADDRINUSE: another process listens there, or something that
 * is no socket is in the way. -EINVAL: a path that does not fit. -errno. */
int peer_open(const struct peer_options *options, struct peer **ret_peer);

/* Ends every connection and removes the socket's file. NULL is allowed. */
void peer_close(struct peer *peer);

/* Begins a tick: every connection may hand out PEER_BURST messages again. */
void peer_poll(struct peer *peer);

/* The next thing that happened; never waits. 1: `ret_event` is filled; 0: nothing more in this
 * tick, `ret_event` untouched. An empty message cannot be told from the end and counts as it. */
int peer_next(struct peer *peer, struct peer_event *ret_event);

/* One message, whole or not at all; never waits. 0; -ENOTCONN: no such connection; -EAGAIN: its
 * queue is full, counted; -errno: it is about to be reported as closed. */
int peer_send(struct peer *peer, int connection, const void *message, size_t size);

/* Ends one connection without a PEER_CLOSED; the caller tells permit_close. */
void peer_drop(struct peer *peer, int connection);

struct peer_counters peer_counters(const struct peer *peer);

#endif
