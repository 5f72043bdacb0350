/* What the loop and the HTTP server hand each other. Neither ever waits for the other.
 *
 * Two queues of fixed length, each with one writer and one reader: records (what happened, newest
 * pictures included) from the loop, commands from the server. A descriptor wakes the reader. A
 * queue that is full drops what comes and counts it: viewers lose pictures, the loop loses nothing.
 *
 * Stopping does not queue. A stop is a number that grows; the loop looks at it before each decision
 * becomes a wish, so that what was decided from an older picture never reaches the wheels.
 */
#ifndef AGENT_CORE_HUB_H
#define AGENT_CORE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/mission.h"
#include "agent/core/report.h"
#include "safety/wire.h"

#define HUB_RECORDS     64
#define HUB_COMMANDS    16
#define HUB_PICTURE_MAX (160 * 1024) /* a larger one is not shown */
#define HUB_TEXT_SIZE   384

/* What is told about the agent as a whole, ten times a second. */
struct hub_status {
    bool safety;                     /* is heard; otherwise `verdict` is zeroed */
    bool model;                      /* was found */
    bool camera;                     /* gave a picture lately */
    bool remote;                     /* a person drives */
    bool degenerate;                 /* the answers are all the same */
    char safety_text[HUB_TEXT_SIZE]; /* what is wrong; "": nothing */
    char model_text[HUB_TEXT_SIZE];  /* the model, or what is wrong */
    char camera_text[HUB_TEXT_SIZE]; /* what gives the pictures, or what is wrong */
    struct wire_verdict verdict;
    struct mission mission; /* the running or the last one */
};

enum hub_kind {
    HUB_STATUS,
    HUB_SCAN,
    HUB_EVENT,    /* what the safety process said */
    HUB_PICTURE,  /* as it is shown to the model */
    HUB_DECISION, /* about an earlier picture of this number */
};

struct hub_record {
    enum hub_kind kind;
    int64_t time_ns;
    union {
        struct hub_status status;
        struct wire_scan scan;
        struct wire_event event;
        struct report_frame frame;
        uint64_t picture_seq;
    };
    size_t size; /* of the picture */
    uint8_t bytes[HUB_PICTURE_MAX];
};

enum hub_order {
    HUB_EXPLORE,
    HUB_ESTOP,
    HUB_RESET,
    HUB_DRIVE,
    HUB_LOOK,
};

struct hub_command {
    enum hub_order order;
    uint64_t stops;  /* that were before it; hub_order fills it in */
    int64_t time_ns; /* of its arrival */
    struct mission_order explore;
    struct twist drive;
    int64_t drive_ms;            /* how long it holds */
    int32_t pan_mrad, tilt_mrad; /* look */
};

struct hub;

/* 0 or -errno. Free with hub_free, which accepts NULL, when both sides are done. */
int hub_new(struct hub **ret_hub);
void hub_free(struct hub *hub);

/* The loop's side. `hub_record` gives the place of the next record or NULL when there is none: fill
 * it and tell it with hub_tell. */
struct hub_record *hub_record(struct hub *hub);
void hub_tell(struct hub *hub);
int hub_command_fd(const struct hub *hub);
bool hub_command(struct hub *hub, struct hub_command *ret_command);

/* The server's side. `hub_peek` gives the oldest record or NULL; hub_done gives its place back. */
int hub_record_fd(const struct hub *hub);
const struct hub_record *hub_peek(struct hub *hub);
void hub_done(struct hub *hub);

/* 0; -EAGAIN: the loop does not take them. One thread. */
int hub_order(struct hub *hub, const struct hub_command *command);

/* Ends what the car does, whatever waits. Any thread. */
void hub_stop(struct hub *hub);

/* How many stops there were. Any thread. */
uint64_t hub_stops(const struct hub *hub);

/* Records that found no place. Any thread. */
uint64_t hub_dropped(const struct hub *hub);

#endif
