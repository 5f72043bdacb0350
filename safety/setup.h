/* The whole configuration of the safety process, as structs. */
#ifndef SAFETY_SETUP_H
#define SAFETY_SETUP_H

#include "hal/body/battery.h"
#include "hal/body/gpio_options.h"
#include "hal/body/lidar_options.h"
#include "hal/body/mecanum.h"
#include "hal/body/motor_options.h"
#include "hal/body/sonar_options.h"
#include "safety/gate_options.h"
#include "safety/safety_options.h"

/* Filled by the main, constant afterwards. */
struct setup {
    struct safety_options safety;
    struct look_options look;
    struct gate_options gate;
    struct motor_options motor;
    struct battery_options battery;
    struct lidar_options lidar;
    struct sonar_options sonar;
    struct gpio_options gpio;
    struct keys_options keys;
    struct mecanum_settings wheels; /* made from `motor` */
    struct battery_limits limits;   /* made from `battery` */
};

#endif
