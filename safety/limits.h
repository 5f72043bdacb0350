/* Limits that agent and safety process share: one copy, in one place. Configuration may tighten
 * what is a ceiling here, never loosen it. */
#ifndef SAFETY_LIMITS_H
#define SAFETY_LIMITS_H

#define LIMITS_INTENT_MS        300  /* an intent is valid so long after its receipt */
#define LIMITS_INTENT_RENEW_MS  50   /* the agent renews it at 20 Hz */
#define LIMITS_DISARM_MS        3000 /* without intents: permission is dropped */
#define LIMITS_FRAME_MS         1000 /* default: a decision from an older frame is void */
#define LIMITS_FRAME_CEILING_MS 1500
#define LIMITS_TRAVEL_MM        300 /* on one decision */
#define LIMITS_ARM_AGE_MS       300 /* an older ARM is refused */
#define LIMITS_ARM_QUIET_MS     500 /* an ARM sooner after a fault is refused */

#define LIMITS_TICK_MS 10

/* Ceilings of speed, whoever asks. */
#define LIMITS_FORWARD_MM_S  400
#define LIMITS_BACKWARD_MM_S 200
#define LIMITS_STRAFE_MM_S   200
#define LIMITS_TURN_MRAD_S   1500

#endif
