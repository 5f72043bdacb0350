/* See list.h. */
#include "config/list.h"

#include "agent/core/explorer_options.h"
#include "vlm/vlm_options.h"

const struct setting_table *const config_list[] = {
    &vlm_endpoint_table,
    &question_table,
    &picture_table,
    &explorer_table,
};

const size_t config_list_count = sizeof(config_list) / sizeof(config_list[0]);
