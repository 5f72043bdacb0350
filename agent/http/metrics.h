/* /metrics, in the text format of Prometheus. Names have the prefix nav_, base units and no label
 * that grows: see https://prometheus.io/docs/practices/naming/. */
#ifndef AGENT_HTTP_METRICS_H
#define AGENT_HTTP_METRICS_H

#include "agent/http/api.h"

/* The caller's to free; NULL without memory. */
char *metrics_text(const struct api *api, int64_t now_ns);

#endif
