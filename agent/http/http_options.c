/* See http_options.h. Data only, see vlm_options.c. */
#include "agent/http/http_options.h"

#include <stddef.h>

#include "agent/http/address.h"

static const char *check_listen(const char *value)
{
    struct address address;

    return address_read(value, &address) == 0
               ? NULL
               : "ADDRESS:PORT with a number as address, 127.0.0.1:8090 or [::1]:8090";
}

#define FIELD(name) offsetof(struct http_options, name)
static const struct setting http_settings[] = {
    {.key = "listen",
     .type = SETTING_STRING,
     .offset = FIELD(listen),
     .fallback = "127.0.0.1:8090",
     .check = check_listen,
     .help = "where turbonav-agent --serve answers; other than loopback only with a token_file"},
    {.key = "token_file",
     .type = SETTING_PATH,
     .offset = FIELD(token_file),
     .fallback = "",
     .help = "a file that only its owner may read, with the token that each request has to bring"},
};
#undef FIELD

const struct setting_table http_table = {
    .section = "http",
    .settings = http_settings,
    .count = sizeof(http_settings) / sizeof(http_settings[0]),
    .size = sizeof(struct http_options),
    .help = "The HTTP interface of turbonav-agent --serve",
};
