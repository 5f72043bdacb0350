/* An HC-SR04 on two GPIO lines (facts, hardware section 3b: Hiwonder's white ultrasonic module): a
 * trigger of 10 us or more, then an echo whose width is 58 us for each cm. Both edges are stamped
 * by the kernel, so the width does not depend on when the thread wakes. At least 60 ms from trigger
 * to trigger, so that an old echo is not taken for a new one.
 */
#ifndef HAL_BODY_SONAR_HCSR04_H
#define HAL_BODY_SONAR_HCSR04_H

#include <stdint.h>

#include "hal/body/sonar.h"

#define SONAR_HCSR04_NS_PER_MM 5800
#define SONAR_HCSR04_ECHO_MS                                                                       \
    60 /* deadline of both edges; a module that hears nothing gives 38 ms */

extern const struct sonar_driver sonar_hcsr04_driver;

/* The width of an echo: SONAR_GOOD and the distance, or what it is instead. Pure. */
enum sonar_kind sonar_hcsr04_decode(int64_t width_ns, int32_t *ret_mm);

#endif
