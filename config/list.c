/* See list.h. */
#include "config/list.h"

#include "agent/core/explorer_options.h"
#include "agent/http/http_options.h"
#include "hal/body/gpio_options.h"
#include "hal/body/lidar_options.h"
#include "hal/body/motor_options.h"
#include "hal/body/sonar_options.h"
#include "hal/camera/camera_options.h"
#include "safety/gate_options.h"
#include "safety/safety_options.h"
#include "vlm/vlm_options.h"

const struct setting_table *const config_list[] = {
    &vlm_endpoint_table, &question_table, &picture_table, &camera_table,  &explorer_table,
    &safety_table,       &gate_table,     &motor_table,   &battery_table, &lidar_table,
    &sonar_table,        &keys_table,     &gpio_table,    &look_table,    &http_table,
};

const size_t config_list_count = sizeof(config_list) / sizeof(config_list[0]);
