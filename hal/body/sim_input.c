/* See sim_input.h. The socket's queue is short (the kernel's max_dgram_qlen) and keeps the oldest
 * messages, so each read empties it, with a limit, because a sender may be faster than we are.
 */
#include "hal/body/sim_input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hal/base/clock.h"

#define MESSAGES_MAX     64 /* in one read */
#define MESSAGES_AT_ONCE 4
#define SONAR_PERIOD_MS  20

struct sim_input {
    int fd;
    struct sockaddr_un address;
    bool bound;
    struct sim_input_message last; /* magic 0: none yet */
    uint64_t malformed;
};

_Static_assert(sizeof(struct sim_input_message) == 24, "a message has no padding");

enum sim_input_fault sim_input_decode(const void *bytes, size_t size, int64_t now_ns,
                                      struct sim_input_message *ret_message)
{
    struct sim_input_message message;

    if (size != sizeof(message)) {
        return SIM_INPUT_SIZE;
    }
    memcpy(&message, bytes, sizeof(message));
    if (message.magic != SIM_INPUT_MAGIC || message.version != SIM_INPUT_VERSION) {
        return SIM_INPUT_FOREIGN;
    }
    if (message.sonar_kind < SONAR_GOOD || message.sonar_kind > SONAR_MISSING ||
        message.estop > KEYS_PRESSED || message.start > KEYS_PRESSED || message.reserved != 0) {
        return SIM_INPUT_NONSENSE;
    }
    if (message.sonar_mm < 0 || message.sonar_mm > UINT16_MAX ||
        (message.sonar_kind != SONAR_GOOD && message.sonar_mm != 0)) {
        return SIM_INPUT_NONSENSE;
    }
    if (message.time_ns <= 0 || message.time_ns > now_ns + SIM_INPUT_AHEAD_MS * CLOCK_NS_PER_MS) {
        return SIM_INPUT_NONSENSE;
    }
    *ret_message = message;
    return SIM_INPUT_OK;
}

/* The mode of an unbound socket is that of the file which bind makes, so nobody else can ever
 * connect in between. */
static int socket_bind(struct sim_input *input)
{
    const struct sockaddr *address = (const struct sockaddr *)&input->address;
    struct stat status;

    if (lstat(input->address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        (void)unlink(input->address.sun_path);
    }
    if (fchmod(input->fd, 0600) < 0 || bind(input->fd, address, sizeof(input->address)) < 0) {
        return -errno;
    }
    input->bound = true;
    return 0;
}

static int socket_open(struct sim_input *input, const char *path)
{
    if (strlen(path) >= sizeof(input->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    input->address.sun_family = AF_UNIX;
    strcpy(input->address.sun_path, path);
    input->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return input->fd < 0 ? -errno : socket_bind(input);
}

int sim_input_open(const char *path, bool allowed, struct sim_input **ret_input)
{
    struct sim_input *input;
    int r;

    if (!allowed) {
        return -EPERM;
    }
    input = calloc(1, sizeof(*input));
    if (input == NULL) {
        return -ENOMEM;
    }
    input->fd = -1;
    r = socket_open(input, path);
    if (r < 0) {
        sim_input_close(input);
        return r;
    }
    *ret_input = input;
    return 0;
}

void sim_input_close(struct sim_input *input)
{
    if (input == NULL) {
        return;
    }
    if (input->bound) {
        (void)unlink(input->address.sun_path);
    }
    if (input->fd >= 0) {
        (void)close(input->fd);
    }
    free(input);
}

int sim_input_fd(const struct sim_input *input)
{
    return input->fd;
}

static void message_take(struct sim_input *input, const void *bytes, size_t size, int64_t now_ns)
{
    struct sim_input_message message;

    if (sim_input_decode(bytes, size, now_ns, &message) != SIM_INPUT_OK ||
        message.time_ns <= input->last.time_ns) {
        input->malformed++;
        return;
    }
    input->last = message;
}

/* Messages out of the socket by one call, up to MESSAGES_AT_ONCE: how many; -errno. */
static int messages_take(struct sim_input *input, int64_t now_ns)
{
    /* Of a longer one so much that it is still too long. */
    uint8_t bytes[MESSAGES_AT_ONCE][sizeof(struct sim_input_message) + 1] = {0};
    struct iovec places[MESSAGES_AT_ONCE];
    struct mmsghdr messages[MESSAGES_AT_ONCE] = {0};
    int count;

    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        places[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
        messages[i].msg_hdr.msg_iov = &places[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    count = recvmmsg(input->fd, messages, MESSAGES_AT_ONCE, 0, NULL);
    for (int i = 0; i < count; i++) {
        message_take(input, bytes[i], messages[i].msg_len, now_ns);
    }
    return count < 0 ? -errno : count;
}

int sim_input_read(struct sim_input *input, int64_t now_ns, struct sim_input_message *ret_message)
{
    int r = MESSAGES_AT_ONCE;

    for (int i = 0; i < MESSAGES_MAX && r == MESSAGES_AT_ONCE; i += MESSAGES_AT_ONCE) {
        r = messages_take(input, now_ns);
    }
    if (r < 0 && r != -EAGAIN) {
        return r;
    }
    if (input->last.magic == 0 ||
        now_ns - input->last.time_ns > SIM_INPUT_SILENT_MS * CLOCK_NS_PER_MS) {
        return SIM_INPUT_SILENT;
    }
    *ret_message = input->last;
    return 0;
}

uint64_t sim_input_malformed(const struct sim_input *input)
{
    return input->malformed;
}

/* --- The sonar. --- */

struct sonar_device {
    struct sim_input *input;
    int64_t time_ns; /* of the last message that became a reading */
};

static int sonar_device_open(const struct sonar_place *place, void **ret_device)
{
    struct sonar_device *device = calloc(1, sizeof(*device));
    int r;

    if (device == NULL) {
        return -ENOMEM;
    }
    r = sim_input_open(place->options.socket, place->sim_allowed, &device->input);
    if (r < 0) {
        free(device);
        return r;
    }
    *ret_device = device;
    return 0;
}

static void sonar_device_close(void *argument)
{
    struct sonar_device *device = argument;

    sim_input_close(device->input);
    free(device);
}

/* Waits for a message that was not a reading yet. */
static int message_wait(struct sonar_device *device, int64_t deadline_ns,
                        struct sim_input_message *ret_message)
{
    struct pollfd ready = {.fd = sim_input_fd(device->input), .events = POLLIN};

    for (;;) {
        int64_t left_ns = deadline_ns - clock_now_ns(), now_ns;
        int r;

        (void)poll(&ready, 1, left_ns > 0 ? (int)(left_ns / CLOCK_NS_PER_MS) + 1 : 0);
        now_ns = clock_now_ns();
        r = sim_input_read(device->input, now_ns, ret_message);
        if (r < 0) {
            return r;
        }
        if (r == 0 && ret_message->time_ns > device->time_ns) {
            return 0;
        }
        if (now_ns >= deadline_ns) {
            return SIM_INPUT_SILENT;
        }
    }
}

static void sonar_device_measure(void *argument, struct sonar_reading *ret_reading)
{
    struct sonar_device *device = argument;
    struct sonar_reading reading = {.time_ns = clock_now_ns()};
    int64_t deadline_ns = reading.time_ns + SIM_INPUT_SILENT_MS * CLOCK_NS_PER_MS;
    struct sim_input_message message;
    int r = message_wait(device, deadline_ns, &message);

    if (r < 0) {
        reading.kind = SONAR_BUS;
        reading.error = r;
    } else if (r == SIM_INPUT_SILENT) {
        reading.kind = SONAR_TIMEOUT;
    } else {
        device->time_ns = reading.time_ns = message.time_ns;
        reading.kind = (enum sonar_kind)message.sonar_kind;
        reading.mm = message.sonar_mm;
    }
    *ret_reading = reading;
}

const struct sonar_driver sim_input_sonar_driver = {
    .name = "sim",
    .period_ms = SONAR_PERIOD_MS,
    .simulated = true,
    .open = sonar_device_open,
    .close = sonar_device_close,
    .measure = sonar_device_measure,
};

/* --- The keys. --- */

static int keys_device_open(const struct keys_place *place, void **ret_device)
{
    struct sim_input *input;
    int r = sim_input_open(place->options->socket, place->sim_allowed, &input);

    if (r < 0) {
        return r;
    }
    *ret_device = input;
    return 0;
}

static void keys_device_close(void *argument)
{
    sim_input_close(argument);
}

static struct keys_levels keys_device_read(void *argument, int64_t now_ns)
{
    struct sim_input_message message;

    if (sim_input_read(argument, now_ns, &message) != 0) {
        return (struct keys_levels){KEYS_UNREADABLE, KEYS_UNREADABLE};
    }
    return (struct keys_levels){(enum keys_level)message.estop, (enum keys_level)message.start};
}

const struct keys_driver sim_input_keys_driver = {
    .name = "sim",
    .open = keys_device_open,
    .close = keys_device_close,
    .read = keys_device_read,
};
