/* The loop: frames through the whole way from JPEG to intent, with or without a car.
 *
 * Every frame is read, fitted, asked about, decided and explored, and reported with the time of
 * each stage. Frames come from a folder, one after the other, or from a camera, the newest one.
 * Without a link it is a dry run: there is no socket to the safety process, and the
 * explorer sees a verdict that permits everything. With one it is an exploration: one mission is
 * armed, each intent is wished for, and the run ends when permission is lost. While one question is
 * under way the next frame is read, encoded and written into the idle request body. One question
 * per frame: a failed one is reported and not repeated.
 */
#ifndef AGENT_CORE_PILOT_H
#define AGENT_CORE_PILOT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/core/explorer_options.h"
#include "agent/core/link.h"
#include "agent/core/note.h"
#include "agent/core/report.h"
#include "hal/base/log.h"
#include "hal/camera/camera.h"
#include "hal/camera/folder.h"
#include "vlm/jpeg.h"
#include "vlm/vlm.h"

struct pilot_options {
    int64_t period_ns; /* between questions at least; 0: as fast as the answers come */
    uint64_t limit;    /* frames at most; 0: all */
    bool loop;
    int stop_fd; /* ends the run when it becomes readable */
};

/* Who looks on, and may end the run. All of it is called from the loop, and none may wait. */
struct pilot_watcher {
    void *context;
    int fd; /* wakes the loop; -1: none */

    /* Every turn, also while the car is being armed, and before each decision becomes a wish. Not 0
     * ends the run with PILOT_ENDED. */
    int (*turn)(void *context, int64_t now_ns);
    void (*armed)(void *context, int64_t now_ns);
    void (*event)(void *context, const struct wire_event *event);
    void (*picture)(void *context, uint64_t seq, const struct jpeg_picture *picture);
    void (*decided)(void *context, const struct report_frame *frame, bool degenerate);
    void (*motor)(void *context, int64_t duration_ns); /* from a picture to its motor frame */
};

/* Everything is borrowed for the time of the run; `vlm` and `percept` have been learned. */
struct pilot {
    struct pilot_options options;
    struct explorer_options explorer;
    struct note note; /* what is told behind each picture */
    enum question question;
    struct folder *folder; /* or NULL: then there is a camera */
    struct camera *camera;
    struct jpeg *jpeg;
    struct vlm *vlm;
    struct vlm *percept; /* asked instead once the answers are degenerate; NULL: never */
    struct link *link;   /* NULL: a dry run */
    const struct pilot_watcher *watcher; /* or NULL */
    struct report *report;
    struct log *log;
};

enum pilot_result {
    PILOT_STOPPED = 1,   /* by stop_fd; the summary was written */
    PILOT_NO_OUTPUT = 2, /* standard output does not take any more */
    PILOT_NO_CAR = 3,    /* the safety process cannot be reached, or does not arm: it was logged */
    PILOT_DISARMED = 4,  /* permission was lost on the way: it was logged */
    PILOT_ENDED = 5,     /* by the watcher; the summary was written */
};

/* Runs to the end of the frames. 0, a pilot_result or -errno. Reads the clock: this is the loop of
 * a main. */
int pilot_run(const struct pilot *pilot);

#endif
