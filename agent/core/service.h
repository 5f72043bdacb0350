/* The agent as a service: between missions it shows what the camera and the lidar see, and lets a
 * person drive; on an order it explores.
 *
 * One loop, as in pilot.h, which runs the missions. Orders come through the hub and everything that
 * happens goes there; who shows it, and to whom, is nothing of this file. The car moves only in a
 * mission that was ordered, or while a person holds the remote control.
 */
#ifndef AGENT_CORE_SERVICE_H
#define AGENT_CORE_SERVICE_H

#include "agent/core/finder.h"
#include "agent/core/hub.h"
#include "agent/core/pilot.h"

/* Everything is borrowed for the time of the run. */
struct service {
    struct pilot pilot; /* with a link and a jpeg, and a folder or a camera; no vlm, no report */
    struct hub *hub;
    struct finder *finder;
};

/* Runs until pilot.options.stop_fd is readable. 0 or -errno. */
int service_run(const struct service *service);

#endif
