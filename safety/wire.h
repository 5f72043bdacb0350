/* What agent and safety process say to each other.
 *
 * /run/turbonav/safety.sock is a SOCK_SEQPACKET socket: one message is one fixed-size struct, in
 * host byte order, because both ends are on the same machine. Every message begins with a
 * wire_header. A message whose magic, version, type, size or content is not as stated here is
 * silence: it is counted and reported, and asks for nothing; and since silence is stop, what its
 * sender asked for before ends with it (permit.h). Times are CLOCK_MONOTONIC nanoseconds, which
 * both ends share.
 *
 * Base frame at the centre of rotation: x forward, y left, wz counter-clockwise; mm/s and mrad/s.
 *
 * Structs have no padding; reserved fields are 0. Values only: nothing here owns anything. Pure: no
 * I/O, clock or allocation; any thread. The agent includes this header and limits.h, and nothing
 * else of safety/.
 */
#ifndef SAFETY_WIRE_H
#define SAFETY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC        0x56414e54u /* "TNAV", little endian */
#define WIRE_VERSION      1
#define WIRE_SOCKET_PATH  "/run/turbonav/safety.sock"
#define WIRE_SIZE_MAX     2048
#define WIRE_TEXT_SIZE    160
#define WIRE_SCAN_SECTORS 180 /* of 2 degrees, counter-clockwise, sector 0 begins ahead */

/* What a field may hold. A twist beyond the bound (10 m/s and 10 rad/s, 25 and 7 times the ceilings
 * of limits.h) is no wish for a car of this size but a wrong unit, a float's bits or noise, so it
 * is malformed and not merely clamped; within it three axes times a Q14 sine stay in 32 bits. Times
 * up to 73 years of uptime, so that adding and subtracting any two of them cannot overflow. */
#define WIRE_SPEED_MAX        10000 /* mm/s and mrad/s, each axis, either sign */
#define WIRE_TIME_MAX_NS      (INT64_MAX / 4)
#define WIRE_LOOK_MAX_MRAD    1571 /* the servos turn half a circle in all */
#define WIRE_RANGE_MAX_MM     60000
#define WIRE_BEARING_MAX_MRAD 3142
#define WIRE_BATTERY_MAX_MV   30000

/* A motion. Zeroed: stand still. */
struct twist {
    int32_t vx_mm_s;
    int32_t vy_mm_s;
    int32_t wz_mrad_s;
};

enum wire_type {
    /* To safety. */
    WIRE_HELLO = 1, /* first message of a connection; disarms */
    WIRE_ARM = 2,
    WIRE_INTENT = 3,
    WIRE_DISARM = 4,
    WIRE_ESTOP = 5, /* latches until WIRE_RESET */
    WIRE_RESET = 6, /* refused while the key is pressed */
    WIRE_LOOK = 7,
    /* From safety. */
    WIRE_VERDICT = 64, /* in the tick when it changes or has a new decision, else 10 Hz */
    WIRE_SCAN = 65,    /* 10 Hz */
    WIRE_EVENT = 66,   /* what a person should read */
};

/* Why the car may not do all that was asked: a bit set. */
enum wire_reason {
    REASON_NOT_ARMED = 1 << 0,    /* no permission: not given, or dropped */
    REASON_ESTOP = 1 << 1,        /* latched or pressed */
    REASON_SELF_TEST = 1 << 2,    /* not passed since start */
    REASON_NO_INTENT = 1 << 3,    /* none, or expired 300 ms after receipt */
    REASON_INTENT_OLD = 1 << 4,   /* its frame is too old, or from before the ARM */
    REASON_INTENT_BAD = 1 << 5,   /* outside of what the wire allows */
    REASON_TRAVEL = 1 << 6,       /* one decision has carried the car far enough */
    REASON_LIDAR_STALE = 1 << 7,  /* no packet, or beams missing all around */
    REASON_LIDAR_BLIND = 1 << 8,  /* packets, but too few returns to believe them */
    REASON_SONAR_FAULT = 1 << 9,  /* no good reading: ahead at creep speed only */
    REASON_SONAR_OFF = 1 << 10,   /* switched off by configuration: ahead slower */
    REASON_OBSTACLE = 1 << 11,    /* something is in the way of the stopping motion */
    REASON_UNSEEN = 1 << 12,      /* a bearing in the way has not been seen lately, or is masked */
    REASON_DARK = 1 << 13,        /* a bearing in the way gives no return: slower */
    REASON_SONAR_NEAR = 1 << 14,  /* the sonar sees something in the way */
    REASON_REVERSAL = 1 << 15,    /* still moving the other way */
    REASON_STOPPING = 1 << 16,    /* the motion under way cannot end clear: zero */
    REASON_TOO_SLOW = 1 << 17,    /* what is left is below the wheels' minimum: zero */
    REASON_CLEARING = 1 << 18,    /* after a veto, until the way was clear for ten ticks */
    REASON_CEILING = 1 << 19,     /* asked for more than the speed limits */
    REASON_BATTERY_LOW = 1 << 20, /* below the stop voltage */
    REASON_USB_SUPPLY = 1 << 21,  /* motors without a battery */
    REASON_BATTERY_SILENT = 1 << 22, /* no report for 2 s: slower */
    REASON_MOTOR_FAULT = 1 << 23,    /* the board does not take frames */
    REASON_OVERRUN = 1 << 24,        /* the loop was late */
};

#define WIRE_REASON_COUNT 25

struct wire_header {
    uint32_t magic;
    uint8_t version;
    uint8_t type;  /* enum wire_type */
    uint16_t size; /* of the whole message */
    uint64_t seq;  /* counts the sender's messages from 1; never the same or less on a connection */
    int64_t time_ns; /* when it was made; more than 0, up to WIRE_TIME_MAX_NS */
};

/* HELLO, DISARM, ESTOP, RESET. */
struct wire_plain {
    struct wire_header header;
};

struct wire_arm {
    struct wire_header header;
    uint64_t mission; /* not 0, and never one that was used before; make them increase (permit.h) */
};

enum wire_source {
    WIRE_SOURCE_VLM = 1,
    WIRE_SOURCE_DRIVE = 2, /* a person; stamped at the HTTP receipt */
};

struct wire_intent {
    struct wire_header header;
    uint64_t mission; /* not 0 */
    uint64_t
        frame_seq; /* of the frame that it was decided from, not 0; drive intents: counts them */
    int64_t capture_ns; /* when that frame was captured, as header.time_ns; drive: its receipt */
    struct twist twist;
    uint32_t source; /* enum wire_source */
};

/* Pan and tilt of the camera hang on the motor board. */
struct wire_look {
    struct wire_header header;
    int32_t pan_mrad;  /* to the left */
    int32_t tilt_mrad; /* up */
};

struct wire_verdict {
    struct wire_header header;
    uint64_t tick;
    uint64_t mission;   /* armed for; 0: not armed */
    uint64_t frame_seq; /* of the intent that was judged; 0: none */
    uint32_t reasons;   /* enum wire_reason */
    uint32_t changed;   /* number of times that the reasons changed */
    struct twist asked;
    struct twist given;
    int32_t clear_front_mm, clear_left_mm, clear_rear_mm, clear_right_mm; /* from the hull */
    int32_t open_bearing_mrad; /* where the way is longest */
    int32_t sonar_mm;          /* -1: no good reading, -2: switched off */
    int32_t battery_mv;        /* -1: no report yet */
    uint32_t overruns;
};

struct wire_scan {
    struct wire_header header;
    uint16_t sector_mm[WIRE_SCAN_SECTORS]; /* nearest return; 0: none */
};

enum wire_severity {
    WIRE_INFO = 0,
    WIRE_WARNING = 1,
    WIRE_ERROR = 2,
};

enum wire_event_code {
    WIRE_EVENT_TEXT = 0,
    WIRE_EVENT_ARMED = 1,
    WIRE_EVENT_ARM_REFUSED = 2,
    WIRE_EVENT_DISARMED = 3,
    WIRE_EVENT_ESTOP = 4,
    WIRE_EVENT_RESET = 5,
    WIRE_EVENT_RESET_REFUSED = 6,
    WIRE_EVENT_START_KEY = 7, /* the agent may arm */
    WIRE_EVENT_FAULT = 8,
    WIRE_EVENT_MALFORMED = 9, /* a message was not as it should be */
};

struct wire_event {
    struct wire_header header;
    uint32_t code;             /* enum wire_event_code */
    uint32_t severity;         /* enum wire_severity */
    char text[WIRE_TEXT_SIZE]; /* printable ASCII, then zeros up to the end, at least one */
};

/* What arrived, judged. */
enum wire_fault {
    WIRE_OK,
    WIRE_SHORT,    /* fewer bytes than a header or than its type has */
    WIRE_LONG,     /* more */
    WIRE_FOREIGN,  /* magic or version */
    WIRE_UNKNOWN,  /* a type that is not sent in this direction */
    WIRE_NONSENSE, /* a field outside of its range, or a header that states another size */
};

/* A message is what it looks like in memory: no compiler may pad it. */
_Static_assert(sizeof(struct wire_header) == 24, "wire_header is padded");
_Static_assert(sizeof(struct wire_plain) == 24, "wire_plain is padded");
_Static_assert(sizeof(struct wire_arm) == 32, "wire_arm is padded");
_Static_assert(sizeof(struct wire_intent) == 64, "wire_intent is padded");
_Static_assert(sizeof(struct wire_look) == 32, "wire_look is padded");
_Static_assert(sizeof(struct wire_verdict) == 112, "wire_verdict is padded");
_Static_assert(sizeof(struct wire_scan) == 384, "wire_scan is padded");
_Static_assert(sizeof(struct wire_event) == 192, "wire_event is padded");

/* Any message to safety: what the header's type says is valid. */
union wire_request {
    struct wire_header header;
    struct wire_plain plain;
    struct wire_arm arm;
    struct wire_intent intent;
    struct wire_look look;
};

/* Any message from safety. */
union wire_report {
    struct wire_header header;
    struct wire_verdict verdict;
    struct wire_scan scan;
    struct wire_event event;
};

/* Judges the bytes of one message. Total: any bytes, at any alignment. WIRE_OK: every field of the
 * message is in its range and the header's type says which member is valid. Anything else: the
 * output is untouched. */
enum wire_fault wire_request_read(const void *bytes, size_t size, union wire_request *ret_request);
enum wire_fault wire_report_read(const void *bytes, size_t size, union wire_report *ret_report);

/* Size of a message of this type; 0: no such type. */
size_t wire_size(enum wire_type type);

/* A message is sent by filling its struct: the header with this, and the fields. */
struct wire_header wire_header(enum wire_type type, uint64_t seq, int64_t time_ns);

/* Fills the text of an event: what is not printable ASCII becomes '?', what is too long is cut,
 * what is left is zeros. */
void wire_text_set(struct wire_event *event, const char *text);

/* "obstacle", "not_armed": the name of one bit, for JSON, metrics and people; NULL: not one bit, or
 * no reason. Valid for ever. */
const char *wire_reason_name(enum wire_reason reason);

/* "too short", "with a field out of its range": for people. Valid for ever; never NULL. */
const char *wire_fault_text(enum wire_fault fault);

#endif
