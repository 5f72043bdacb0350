/* The agent's end of the socket to the safety process.
 *
 * The link connects by itself, says HELLO, and connects again when it was cut; a new connection has
 * no permission. A wish (the intent of the last decision) is sent at once and renewed at 20 Hz for
 * as long as the frame behind it is young enough; after that there is silence, and silence is stop.
 * Nothing waits: a message that does not fit into the queue is dropped and counted, and the next
 * renewal takes its place.
 *
 * What the safety process says is kept: the last verdict, as long as it is fresh, and events until
 * they are taken. One thread; time is a parameter.
 */
#ifndef AGENT_CORE_LINK_H
#define AGENT_CORE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/wire.h"

#define LINK_VERDICT_FRESH_MS 300 /* it comes at 10 Hz at least */

struct link;

/* Does not connect yet. 0; -ENAMETOOLONG; -ENOMEM. Free with link_free, which accepts NULL, disarms
 * if there is a connection, and closes it. */
int link_new(const char *path, struct link **ret_link);
void link_free(struct link *link);

/* For the loop: -1 while there is no connection; when to call link_step at the latest. */
int link_fd(const struct link *link);
int64_t link_wake_ns(const struct link *link);

/* Connects when it is time to, receives, renews the wish. 0, also without a connection; see
 * link_error. */
void link_step(struct link *link, int64_t now_ns);

bool link_is_up(const struct link *link);

/* Why there is no connection: 0 or -errno of the last attempt. */
int link_error(const struct link *link);

/* Asks for permission; the answer is an event and the verdict's mission. `mission` as wire.h says.
 * 0 or -ENOTCONN, -EAGAIN. */
int link_arm(struct link *link, uint64_t mission, int64_t now_ns);

/* What is wished from now on, decided from this frame. Replaces the last wish. */
void link_wish(struct link *link, const struct twist *twist, uint64_t frame_seq, int64_t capture_ns,
               int64_t now_ns);

/* What a person at a remote control wishes, received at `received_ns`; `number` counts them from 1.
 * It holds until `until_ns`, and no longer. */
void link_drive(struct link *link, const struct twist *twist, uint64_t number, int64_t received_ns,
                int64_t until_ns, int64_t now_ns);

/* Pan and tilt of the camera. 0 or -ENOTCONN, -EAGAIN. */
int link_look(struct link *link, int32_t pan_mrad, int32_t tilt_mrad, int64_t now_ns);

/* Says ESTOP or RESET; the verdict or an event is the answer. 0 or -ENOTCONN, -EAGAIN. */
int link_say(struct link *link, enum wire_type type, int64_t now_ns);

/* Ends the wish and gives permission back. */
void link_disarm(struct link *link, int64_t now_ns);

/* The last verdict; a zeroed one, which permits nothing, when it is not fresh. */
struct wire_verdict link_verdict(const struct link *link, int64_t now_ns);

/* What the lidar sees, if it came since the last call. */
bool link_scan(struct link *link, struct wire_scan *ret_scan);

/* The oldest event that waits; false: none. Of more than 16 that wait the newest are dropped. */
bool link_event(struct link *link, struct wire_event *ret_event);

#endif
