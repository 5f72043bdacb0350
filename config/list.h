/* The one list of all key tables. It is data: a program links it to judge the whole file, whichever
 * of the modules it uses itself. */
#ifndef CONFIG_LIST_H
#define CONFIG_LIST_H

#include "hal/base/setting.h"

extern const struct setting_table *const config_list[];
extern const size_t config_list_count;

#endif
