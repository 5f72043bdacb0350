/* What the simulator tells of sensors that have no bytes to fake: distance and keys, for the
 * drivers named `sim` of sonar and keys.
 *
 * Each driver binds a SOCK_DGRAM Unix socket of its own at the path of its section; the simulator
 * sends the same message to both, 20 times a second or more, and neither side notices a restart of
 * the other. A message is one sim_input_message in host byte order; what is not exactly that is
 * silence and counted. It carries the sender's CLOCK_MONOTONIC time, which both ends share, so what
 * waited in the socket is as old as it is. Silence for 200 ms is a fault: the sonar times out, the
 * keys cannot be read, and that is the e-stop.
 *
 * Whoever can write to that socket says what is in the car's way. Therefore it belongs to the user
 * alone (mode 0600), and is refused unless the caller says that the motors are a pty.
 */
#ifndef HAL_BODY_SIM_INPUT_H
#define HAL_BODY_SIM_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/body/keys.h"
#include "hal/body/sonar.h"

#define SIM_INPUT_MAGIC     0x49534e54u /* "TNSI", little endian */
#define SIM_INPUT_VERSION   1
#define SIM_INPUT_SILENT_MS 200
#define SIM_INPUT_AHEAD_MS                                                                         \
    10 /* the caller's `now` may be so much older than a message: one tick                         \
        */

/* For the person, when _open returns -EPERM. */
#define SIM_INPUT_REFUSED                                                                          \
    "the driver sim is for simulated cars: it needs a motor device that is a pty"

/* No padding. */
struct sim_input_message {
    uint32_t magic;
    uint8_t version;
    uint8_t sonar_kind; /* enum sonar_kind, SONAR_GOOD to SONAR_MISSING */
    uint8_t estop;      /* enum keys_level, to KEYS_PRESSED */
    uint8_t start;
    int32_t sonar_mm;  /* of SONAR_GOOD, 0 to 65535, else 0; the judge judges it */
    uint32_t reserved; /* 0 */
    int64_t time_ns;   /* when it was so; larger than in the message before */
};

/* What arrived, judged. */
enum sim_input_fault {
    SIM_INPUT_OK,
    SIM_INPUT_SIZE,     /* not the size of a message */
    SIM_INPUT_FOREIGN,  /* magic or version */
    SIM_INPUT_NONSENSE, /* a field outside of its range, or a time in the future */
};

/* Judges the bytes of one message; the output is untouched unless SIM_INPUT_OK. Total, pure. */
enum sim_input_fault sim_input_decode(const void *bytes, size_t size, int64_t now_ns,
                                      struct sim_input_message *ret_message);

struct sim_input;

enum sim_input_result {
    SIM_INPUT_SILENT = 1, /* no message yet, or the last one is older than 200 ms */
};

/* -EPERM: not `allowed`. -EADDRINUSE: something that is no socket stands at the path (a socket is
 * taken over: one left by a killed process looks like a living one). -ENAMETOOLONG: more than 107
 * bytes. Otherwise what the system refused. One thread. Free with sim_input_close, which removes
 * the socket and accepts NULL. */
int sim_input_open(const char *path, bool allowed, struct sim_input **ret_input);
void sim_input_close(struct sim_input *input);

/* Readable when there is a message. */
int sim_input_fd(const struct sim_input *input);

/* Takes what has arrived, without waiting: 0 and the newest message, SIM_INPUT_SILENT, or -errno.
 */
int sim_input_read(struct sim_input *input, int64_t now_ns, struct sim_input_message *ret_message);

/* Messages that were none. */
uint64_t sim_input_malformed(const struct sim_input *input);

extern const struct sonar_driver sim_input_sonar_driver;
extern const struct keys_driver sim_input_keys_driver;

#endif
