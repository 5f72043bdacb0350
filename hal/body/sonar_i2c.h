/* The glowing ultrasonic sensor on the I2C bus (facts, hardware section 3a: Hiwonder's Sonar.py and
 * field notes of MataTurboPi): address 0x77, write [0x00], wait 20 ms, read u16 little endian in
 * mm; 255 while it is still measuring. Transient NACKs are normal: at most four attempts, 20 ms
 * apart, all of them under the time of the first trigger. At most 20 readings a second.
 */
#ifndef HAL_BODY_SONAR_I2C_H
#define HAL_BODY_SONAR_I2C_H

#include <stdint.h>

#include "hal/body/sonar.h"

#define SONAR_I2C_ADDRESS  0x77
#define SONAR_I2C_ATTEMPTS 4

extern const struct sonar_driver sonar_i2c_driver;

/* The two bytes of an answer: SONAR_GOOD and the distance, or what they are instead. Pure. */
enum sonar_kind sonar_i2c_decode(const uint8_t bytes[static 2], int32_t *ret_mm);

#endif
