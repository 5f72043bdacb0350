/* turbonav-sim: a TurboPi in a room, in real time.
 *
 * One loop plays everything but the camera, which has a thread of its own (photo.h) because a
 * picture takes longer than the lidar's packets are apart. Each turn does what is due: bytes of the
 * host, steps of the world, packets, distances, reports. What a stall of the machine delayed is
 * stepped through; packets that it swallowed are lost, as a lidar does not wait either.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/exit.h"
#include "hal/base/log.h"
#include "hal/body/sim_input.h"
#include "hal/sim/arguments.h"
#include "hal/sim/board.h"
#include "hal/sim/car.h"
#include "hal/sim/chaos.h"
#include "hal/sim/chart.h"
#include "hal/sim/furnish.h"
#include "hal/sim/line.h"
#include "hal/sim/photo.h"
#include "hal/sim/scanner.h"
#include "hal/sim/survey.h"

#define MS               CLOCK_NS_PER_MS
#define STEP_NS          (5 * MS)
#define STEPS_MAX        100 /* caught up with after a stall */
#define PACKETS_LATE_MAX 20
#define INPUT_NS         (30 * MS)
#define BATTERY_NS       (400 * MS)
#define SURVEY_NS        (100 * MS)
#define STATUS_NS        (200 * MS)
#define PAN_SERVO        2
#define TILT_SERVO       1
#define PULSE_MIDDLE_US  1500
#define RAD_PER_US       (M_PI / 2000)
#define NOISE_MM         8
#define DROPOUT          0.02
#define ROOMS_SUFFIX     ".room"

struct sim {
    const struct arguments *arguments;
    struct log log;
    struct plan plan;
    struct car car;
    struct board board;
    struct scanner scanner;
    struct survey survey;
    struct chart chart;
    struct chaos chaos;
    struct random random;
    struct line motor, lidar;
    int folder_fd, input_fd;
    struct photo *photo;
    pthread_mutex_t lock; /* of `scene` */
    struct photo_scene scene;
    FILE *frames;
    int64_t begin_ns, step_ns, packet_ns, input_ns, battery_ns, survey_ns, status_ns;
    uint64_t motor_frames;
    int contacts; /* that were told */
};

/* Set by a signal; a handler needs a place that it can reach. */
static volatile sig_atomic_t ends;

static void on_signal(int number)
{
    (void)number;
    ends = 1;
}

/* The plan that is asked for. 0 or an exit code. */
static int load_plan(struct sim *sim)
{
    const char *room = sim->arguments->room;
    char path[400], error[300] = "";
    int result;

    if (strcmp(room, "random") == 0) {
        furnish(&sim->plan, sim->arguments->seed);
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/%s" ROOMS_SUFFIX, TURBONAV_ROOMS, room);
    if (strchr(room, '/') != NULL || access(path, R_OK) < 0) {
        (void)snprintf(path, sizeof(path), "%s", room);
    }
    result = plan_load(path, &sim->plan, error, sizeof(error));
    if (result < 0) {
        log_error(&sim->log,
                  "--room %s: %s: expected empty, living, corridor, office, trap, glass, "
                  "random or a file",
                  room, strerror(-result));
    } else if (result == PLAN_REFUSED) {
        log_error(&sim->log, "%s", error);
    }
    return result == 0 ? 0 : EXIT_BAD_INPUT;
}

static void build(struct sim *sim)
{
    const struct arguments *arguments = sim->arguments;
    struct world_pose pose = {(double)sim->plan.x_mm, (double)sim->plan.y_mm,
                              (double)sim->plan.angle_rad};
    struct mecanum_settings wheels = car_wheels();
    struct car_vices vices;

    random_init(&sim->random, arguments->seed);
    vices = car_vices_draw(&sim->random, 1);
    world_init(&sim->scene.world, &sim->plan);
    car_init(&sim->car, &wheels, &vices, &pose, arguments->battery_mv);
    scanner_init(&sim->scanner, arguments->lidar, random_next(&sim->random));
    sim->scanner.noise_mm = NOISE_MM;
    sim->scanner.dropout = DROPOUT;
    survey_init(&sim->survey, &sim->plan);
    chart_init(&sim->chart);
    sim->scene.eye = (struct eye){
        .height_mm = CAR_CAMERA_MM, .view_rad = arguments->view_deg * M_PI / 180, .noise = 3};
    sim->begin_ns = clock_now_ns();
    sim->step_ns = sim->packet_ns = sim->begin_ns;
    chaos_init(&sim->chaos, random_next(&sim->random), sim->begin_ns);
}

static int system_failed(struct sim *sim, const char *what, int error)
{
    log_error(&sim->log, "%s: %s", what, strerror(-error));
    return EXIT_SYSTEM;
}

/* One simulator to a folder, for as long as it lives. 0 or an exit code. */
static int take_folder(struct sim *sim)
{
    sim->folder_fd = open(sim->arguments->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sim->folder_fd < 0) {
        return system_failed(sim, sim->arguments->dir, -errno);
    }
    if (flock(sim->folder_fd, LOCK_EX | LOCK_NB) < 0) {
        log_error(&sim->log, "%s: another simulator has its car there", sim->arguments->dir);
        return EXIT_SYSTEM;
    }
    return 0;
}

/* The car's devices. 0 or an exit code. */
static int open_devices(struct sim *sim)
{
    const struct arguments *arguments = sim->arguments;
    char path[200];
    int result;

    (void)snprintf(path, sizeof(path), "%s/motor", arguments->dir);
    result = line_open(&sim->motor, path);
    if (result == 0) {
        (void)snprintf(path, sizeof(path), "%s/lidar", arguments->dir);
        result = line_open(&sim->lidar, path);
    }
    if (result == 0) {
        (void)snprintf(path, sizeof(path), "%s/camera.sock", arguments->dir);
        result =
            photo_open(path, arguments->fps, &sim->scene, &sim->lock, arguments->seed, &sim->photo);
    }
    if (result < 0) {
        return system_failed(sim, path, result);
    }
    sim->input_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sim->input_fd < 0) {
        return system_failed(sim, "socket", -errno);
    }
    if (arguments->log != NULL) {
        sim->frames = fopen(arguments->log, "we");
        if (sim->frames == NULL) {
            return system_failed(sim, arguments->log, -errno);
        }
        /* Each frame is told when it comes: who reads along, or kills us, misses none. */
        (void)setvbuf(sim->frames, NULL, _IOLBF, BUFSIZ);
    }
    return 0;
}

static double seconds_at(const struct sim *sim, int64_t now_ns)
{
    return (double)(now_ns - sim->begin_ns) / 1e9;
}

static void note_frame(struct sim *sim, const int duty[BOARD5_MOTORS], int64_t now_ns)
{
    sim->motor_frames++;
    if (sim->frames != NULL) {
        (void)fprintf(sim->frames, "%.6f %d %d %d %d\n", (double)now_ns / 1e9, duty[0], duty[1],
                      duty[2], duty[3]);
    }
}

/* Pan and tilt as the servos were told. */
static void look_around(struct sim *sim)
{
    uint16_t pan = sim->board.pulse_us[PAN_SERVO], tilt = sim->board.pulse_us[TILT_SERVO];

    sim->scene.eye.pan_rad = pan == 0 ? 0 : (pan - PULSE_MIDDLE_US) * RAD_PER_US;
    sim->scene.eye.tilt_rad =
        tilt == 0 ? 0 : fmin(fmax((tilt - PULSE_MIDDLE_US) * RAD_PER_US, -1), 1);
}

static void hear_board(struct sim *sim, int64_t now_ns)
{
    uint8_t bytes[1024];
    ssize_t count;

    if (sim->chaos.trouble == CHAOS_BOARD_DEAF) {
        return;
    }
    while ((count = line_read(&sim->motor, bytes, sizeof(bytes))) > 0) {
        const uint8_t *at = bytes;
        size_t left = (size_t)count;
        struct board_event event;

        while (board_next(&sim->board, &at, &left, &event)) {
            switch (event.order) {
            case BOARD_NOTHING:
                break;
            case BOARD_DUTIES:
                car_tell(&sim->car, event.duty);
                note_frame(sim, event.duty, now_ns);
                break;
            case BOARD_ANSWER:
                (void)line_write(&sim->motor, event.answer, event.answer_size);
                break;
            case BOARD_PULSES:
                look_around(sim);
                break;
            }
        }
    }
}

static void hear_lidar(struct sim *sim)
{
    uint8_t bytes[256], answer[SCANNER_ANSWER_MAX];
    ssize_t count;

    while ((count = line_read(&sim->lidar, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            size_t size = scanner_take(&sim->scanner, bytes[i], answer);

            if (size > 0) {
                (void)line_write(&sim->lidar, answer, size);
            }
        }
    }
}

static struct world_pose camera_pose(const struct sim *sim)
{
    struct world_pose pose = sim->car.pose;

    pose.x_mm += CAR_CAMERA_X_MM * cos(pose.angle_rad);
    pose.y_mm += CAR_CAMERA_X_MM * sin(pose.angle_rad);
    return pose;
}

static void step_world(struct sim *sim, int64_t now_ns)
{
    if (now_ns - sim->step_ns > STEPS_MAX * STEP_NS) {
        sim->step_ns = now_ns - STEPS_MAX * STEP_NS;
    }
    (void)pthread_mutex_lock(&sim->lock);
    for (; sim->step_ns + STEP_NS <= now_ns; sim->step_ns += STEP_NS) {
        world_step(&sim->scene.world, (double)STEP_NS / 1e9, &sim->car.pose);
        car_step(&sim->car, &sim->scene.world, (double)STEP_NS / 1e9);
    }
    sim->scene.camera = camera_pose(sim);
    sim->scene.covered = sim->chaos.trouble == CHAOS_CAMERA_COVERED;
    (void)pthread_mutex_unlock(&sim->lock);
}

static void send_packets(struct sim *sim, int64_t now_ns)
{
    int64_t period_ns = scanner_period_ns(&sim->scanner);
    enum chaos_trouble trouble = sim->chaos.trouble;
    uint8_t bytes[SCANNER_PACKET_MAX];

    sim->scanner.fault = trouble == CHAOS_LIDAR_SILENT    ? SCANNER_SILENT
                         : trouble == CHAOS_LIDAR_BLIND   ? SCANNER_BLIND
                         : trouble == CHAOS_LIDAR_GARBAGE ? SCANNER_GARBAGE
                                                          : SCANNER_GOOD;
    if (now_ns - sim->packet_ns > PACKETS_LATE_MAX * period_ns) {
        sim->packet_ns = now_ns - PACKETS_LATE_MAX * period_ns;
    }
    for (; sim->packet_ns + period_ns <= now_ns; sim->packet_ns += period_ns) {
        size_t size = scanner_packet(&sim->scanner, &sim->scene.world, &sim->car.pose, CAR_LIDAR_MM,
                                     sim->packet_ns - sim->begin_ns, bytes);

        if (size > 0) {
            (void)line_write(&sim->lidar, bytes, size);
        }
    }
}

static void tell(const struct sim *sim, const char *name, const struct sim_input_message *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", sim->arguments->dir, name);
    (void)sendto(sim->input_fd, message, sizeof(*message), 0, (const struct sockaddr *)&address,
                 sizeof(address)); /* nobody there yet, or no room: the next one */
}

static void tell_inputs(struct sim *sim, int64_t now_ns)
{
    double distance = car_sonar_mm(&sim->car, &sim->scene.world, NULL);
    struct sim_input_message message = {
        .magic = SIM_INPUT_MAGIC,
        .version = SIM_INPUT_VERSION,
        .sonar_kind = distance > 0 ? SONAR_GOOD : SONAR_NO_ECHO,
        .estop = KEYS_RELEASED,
        .start = KEYS_RELEASED,
        .sonar_mm = distance > 0 ? (int32_t)distance : 0,
        .time_ns = now_ns,
    };

    if (sim->chaos.trouble == CHAOS_KEYS_SILENT) {
        return;
    }
    if (sim->chaos.trouble == CHAOS_SONAR_FAULT) {
        message.sonar_kind = SONAR_TIMEOUT;
        message.sonar_mm = 0;
    }
    tell(sim, "sonar.sock", &message);
    tell(sim, "keys.sock", &message);
}

static void tell_battery(struct sim *sim)
{
    uint8_t bytes[BOARD5_FRAME_MAX];
    size_t size = board_battery((unsigned)fmax(sim->car.supply_mv, 0), bytes);

    if (sim->car.reset_s == 0) {
        (void)line_write(&sim->motor, bytes, size);
    }
}

static void tell_contacts(struct sim *sim, int64_t now_ns)
{
    if (sim->contacts == sim->car.contacts) {
        return;
    }
    sim->contacts = sim->car.contacts;
    chart_add(&sim->chart, CHART_CONTACT, &sim->car.pose);
    log_warning(&sim->log, "contact %d at %.1f s: x %.0f mm, y %.0f mm, direction %.0f degrees",
                sim->contacts, seconds_at(sim, now_ns), sim->car.pose.x_mm, sim->car.pose.y_mm,
                sim->car.pose.angle_rad * 180 / M_PI);
}

static void tell_status(struct sim *sim, int64_t now_ns)
{
    const struct car *car = &sim->car;
    bool moving = car->still_s == 0 && car->distance_mm + car->turned_rad > 0;

    if (!sim->arguments->json) {
        return;
    }
    (void)printf("{\"seconds\":%.1f,\"x_mm\":%.0f,\"y_mm\":%.0f,\"direction_deg\":%.0f,"
                 "\"distance_m\":%.2f,\"floor_seen\":%.3f,\"contacts\":%d,\"gap_mm\":%.0f,"
                 "\"battery_mv\":%.0f,\"moving\":%s,\"trouble\":\"%s\"}\n",
                 seconds_at(sim, now_ns), car->pose.x_mm, car->pose.y_mm,
                 remainder(car->pose.angle_rad, 2 * M_PI) * 180 / M_PI, car->distance_mm / 1000,
                 survey_share(&sim->survey), car->contacts, car->gap_mm, car->supply_mv,
                 moving ? "true" : "false", chaos_name(sim->chaos.trouble));
    (void)fflush(stdout);
}

static bool is_due(int64_t *due_ns, int64_t period_ns, int64_t now_ns)
{
    if (now_ns < *due_ns) {
        return false;
    }
    *due_ns = now_ns + period_ns;
    return true;
}

static void turn(struct sim *sim, int64_t now_ns)
{
    if (sim->arguments->chaos && chaos_step(&sim->chaos, now_ns)) {
        log_info(&sim->log, "%.2f s: trouble: %s", seconds_at(sim, now_ns),
                 chaos_name(sim->chaos.trouble));
        if (sim->frames != NULL) {
            (void)fprintf(sim->frames, "# %.6f %s\n", (double)now_ns / 1e9,
                          chaos_name(sim->chaos.trouble));
        }
    }
    hear_board(sim, now_ns);
    hear_lidar(sim);
    step_world(sim, now_ns);
    send_packets(sim, now_ns);
    tell_contacts(sim, now_ns);
    if (is_due(&sim->input_ns, INPUT_NS, now_ns)) {
        tell_inputs(sim, now_ns);
    }
    if (is_due(&sim->battery_ns, BATTERY_NS, now_ns)) {
        tell_battery(sim);
    }
    if (is_due(&sim->survey_ns, SURVEY_NS, now_ns)) {
        survey_look(&sim->survey, &sim->scene.world, &sim->scene.camera, sim->scene.eye.view_rad);
        chart_add(&sim->chart, CHART_WAY, &sim->car.pose);
    }
    if (is_due(&sim->status_ns, STATUS_NS, now_ns)) {
        tell_status(sim, now_ns);
    }
}

static void play(struct sim *sim)
{
    int64_t period_ns = scanner_period_ns(&sim->scanner);
    int64_t end_ns = sim->arguments->seconds > 0
                         ? sim->begin_ns + sim->arguments->seconds * CLOCK_NS_PER_S
                         : INT64_MAX;

    while (ends == 0) {
        int64_t now_ns = clock_now_ns(), wake_ns = sim->packet_ns + period_ns;
        bool deaf = sim->chaos.trouble == CHAOS_BOARD_DEAF;
        struct pollfd ready[] = {{.fd = deaf ? -1 : sim->motor.fd, .events = POLLIN},
                                 {.fd = sim->lidar.fd, .events = POLLIN}};
        struct timespec rest = {0};

        if (now_ns >= end_ns) {
            return;
        }
        if (now_ns < wake_ns) {
            rest.tv_nsec = (long)(wake_ns - now_ns);
            (void)ppoll(ready, 2, &rest, NULL);
        }
        turn(sim, clock_now_ns());
    }
}

static int finish(struct sim *sim)
{
    const struct car *car = &sim->car;
    int64_t now_ns = clock_now_ns();
    int result = 0;

    if (sim->arguments->picture != NULL) {
        result = chart_write(&sim->chart, &sim->scene.world, &sim->survey, &car->pose,
                             sim->arguments->picture);
        if (result < 0) {
            result = system_failed(sim, sim->arguments->picture, result);
        }
    }
    if (sim->arguments->json) {
        (void)printf("{\"result\":{\"room\":\"%s\",\"seed\":%llu,\"seconds\":%.1f,"
                     "\"distance_m\":%.2f,\"floor_seen\":%.3f,\"contacts\":%d,"
                     "\"unseen_contacts\":%d,\"closing_mm_s\":%.0f,\"least_gap_mm\":%.0f,"
                     "\"longest_still_s\":%.1f,\"motor_frames\":%llu,\"pictures\":%llu,\"resets\":%"
                     "d,\"troubles\":%d}}\n",
                     strpbrk(sim->plan.name, "\"\\") == NULL ? sim->plan.name : "room",
                     (unsigned long long)sim->arguments->seed, seconds_at(sim, now_ns),
                     car->distance_mm / 1000, survey_share(&sim->survey), car->contacts,
                     car->unseen_contacts, car->closing_mm_s, car->least_gap_mm,
                     car->longest_still_s, (unsigned long long)sim->motor_frames,
                     (unsigned long long)photo_sent(sim->photo), car->resets, sim->chaos.count);
    } else {
        (void)printf("%s: %.1f s, %.1f m, %.0f %% of the floor seen, %d contacts\n", sim->plan.name,
                     seconds_at(sim, now_ns), car->distance_mm / 1000,
                     100 * survey_share(&sim->survey), car->contacts);
    }
    return result;
}

int main(int argc, char **argv)
{
    static struct sim sim = {.motor = {.fd = -1, .keep_fd = -1},
                             .lidar = {.fd = -1, .keep_fd = -1},
                             .folder_fd = -1,
                             .input_fd = -1,
                             .lock = PTHREAD_MUTEX_INITIALIZER};
    struct arguments arguments;
    struct sigaction action = {.sa_handler = on_signal};
    int result = arguments_parse(argc, argv, &arguments);

    if (result != 0) {
        return result == ARGUMENTS_ANSWERED ? 0 : EXIT_USAGE;
    }
    log_init(&sim.log, ARGUMENTS_PROGRAM);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    sim.arguments = &arguments;
    result = load_plan(&sim);
    if (result == 0) {
        result = take_folder(&sim);
    }
    if (result == 0) {
        build(&sim);
        result = open_devices(&sim);
    }
    if (result == 0) {
        log_info(&sim.log, "%s, seed %llu; the car's devices are in %s", sim.plan.name,
                 (unsigned long long)arguments.seed, arguments.dir);
        play(&sim);
    }
    if (sim.photo != NULL && result == 0) {
        result = finish(&sim);
    }
    photo_close(sim.photo);
    line_close(&sim.lidar);
    line_close(&sim.motor);
    if (sim.folder_fd >= 0) {
        (void)close(sim.folder_fd);
    }
    if (sim.input_fd >= 0) {
        (void)close(sim.input_fd);
    }
    if (sim.frames != NULL) {
        (void)fclose(sim.frames);
    }
    return result;
}
