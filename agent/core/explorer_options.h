/* What can be configured about driving from answers. */
#ifndef AGENT_CORE_EXPLORER_OPTIONS_H
#define AGENT_CORE_EXPLORER_OPTIONS_H

#include "hal/base/setting.h"

/* [explorer] */
struct explorer_options {
    int64_t forward_mm_s;
    int64_t backward_mm_s;
    int64_t turn_mrad_s;
    int64_t hold_percent;       /* below this confidence the car stands */
    int64_t full_percent;       /* from this confidence on it drives at full speed */
    int64_t flip_votes;         /* equal answers in a row before a turn changes its side */
    int64_t stuck_ms;           /* without progress until the car gets itself out; 0: never */
    int64_t degenerate_answers; /* window of the degenerate-answer alarm */
    int64_t degenerate_ms;      /* and how long, with a car */
};

extern const struct setting_table explorer_table;

#endif
