/* The camera as a device: a thread that renders pictures and gives them to whoever is connected.
 *
 * What is sent stands in hal/camera/camera_sim.h. The thread sleeps until a picture is due, copies
 * the room under the lock of its owner, renders without it, and sends without waiting: a receiver
 * that is slow loses pictures. With nobody connected nothing is rendered.
 */
#ifndef HAL_SIM_PHOTO_H
#define HAL_SIM_PHOTO_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/sim/eye.h"
#include "hal/sim/world.h"

#define PHOTO_WIDTH  640
#define PHOTO_HEIGHT 480

/* What the owner changes under the lock, and the thread copies. */
struct photo_scene {
    struct world world; /* `plan` stays as it is */
    struct world_pose camera;
    struct eye eye;
    bool covered; /* no pictures */
};

struct photo;

/* Listens at the path (a socket that was left there is replaced) and starts the thread. 0 or
 * -errno. `scene` and `lock` are borrowed until photo_close, which accepts NULL. */
int photo_open(const char *path, int fps, struct photo_scene *scene, pthread_mutex_t *lock,
               uint64_t seed, struct photo **ret_photo);
void photo_close(struct photo *photo);

/* Pictures that were sent. Any thread. */
uint64_t photo_sent(const struct photo *photo);

#endif
