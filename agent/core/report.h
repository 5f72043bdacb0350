/* What a dry run tells: a line per frame and a summary, for people or as JSON.
 *
 * Frames and summary go to standard output, everything else (warnings, unreadable frames, the live
 * line) to standard error, so that the output can be piped. On a terminal a live line with the
 * progress stands below the lines of the frames.
 *
 * Caller's memory through report_new; one thread.
 */
#ifndef AGENT_CORE_REPORT_H
#define AGENT_CORE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/answers.h"
#include "agent/core/explorer.h"
#include "vlm/fault.h"

/* Where the time of a frame goes. */
enum stage {
    STAGE_READ,    /* file to memory */
    STAGE_ENCODE,  /* check, scale and encode, or pass through */
    STAGE_LOAD,    /* base64 into the request body */
    STAGE_WAIT,    /* ready, but the last question or the wanted rate was not */
    STAGE_REQUEST, /* question sent to answer complete */
    STAGE_SERVER,  /* of which the server says that it worked; not told by all */
    STAGE_PARSE,   /* answer to decision */
    STAGE_DECIDE,  /* decision to intent */
    STAGE_TOTAL,   /* start of reading, or the camera's time of the picture, to intent */
    STAGE_MOTOR,   /* the same to the motor frame that the intent comes to; with a car only */
    STAGE_COUNT,
};

struct report_frame {
    uint64_t seq;
    char name[256];   /* as the file is called: any bytes */
    enum fault fault; /* FAULT_NONE: decision and intent hold */
    char detail[160];
    struct decision decision;
    struct intent intent;
    bool driven; /* with a car: the verdict holds */
    struct wire_verdict verdict;
    bool connected; /* a connection had to be opened before the question could be sent */
    int64_t stage_ns[STAGE_COUNT]; /* -1: not known */
};

struct report;

struct report_options {
    bool json;
    bool quiet;      /* counts, and prints nothing of frames and summary */
    size_t expected; /* frames that will come; 0: no end */
};

/* 0 or -errno. Free with report_free, which accepts NULL. */
int report_new(const struct report_options *options, struct report **ret_report);
void report_free(struct report *report);

/* 0, or -EIO when standard output does not take it. */
int report_frame(struct report *report, const struct report_frame *frame);

/* What --json prints of a frame: one line, the caller's to free; NULL without memory. */
char *report_frame_json(const struct report_frame *frame);

/* "encode", "request": for people and JSON. */
const char *report_stage_name(enum stage stage);

/* A decision has reached the wheels: so long after its picture. */
void report_motor(struct report *report, int64_t duration_ns);

/* Takes the live line away, so that something else can be written to standard error. */
void report_clear(const struct report *report);

/* A frame that was skipped: its name, any bytes, and why as the end of a sentence that starts with
 * it. */
void report_unreadable(struct report *report, const char *name, const char *why);

/* The end: `degenerate` adds the warning, `elapsed_ns` from the first question to the last answer.
 * 0; or -EIO when standard output did not take it all. */
int report_summary(struct report *report, const struct answers *answers, enum question question,
                   bool degenerate, int64_t elapsed_ns);

uint64_t report_unreadable_count(const struct report *report);
uint64_t report_answered_count(const struct report *report);
uint64_t report_failed_count(const struct report *report);

#endif
