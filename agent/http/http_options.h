/* What can be configured about the HTTP interface. */
#ifndef AGENT_HTTP_HTTP_OPTIONS_H
#define AGENT_HTTP_HTTP_OPTIONS_H

#include "hal/base/setting.h"

/* [http] */
struct http_options {
    char listen[SETTING_STRING_SIZE];     /* ADDRESS:PORT, [ADDRESS]:PORT */
    char token_file[SETTING_STRING_SIZE]; /* "": no token is asked for */
};

extern const struct setting_table http_table;

#endif
