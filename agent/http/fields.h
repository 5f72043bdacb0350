/* Reads the body of a request against the fields that a route takes. */
#ifndef AGENT_HTTP_FIELDS_H
#define AGENT_HTTP_FIELDS_H

#include "agent/http/routes.h"

#define FIELDS_MAX      8
#define FIELDS_WHY_SIZE 200

/* By the order of the fields; a number that was not sent is NAN, a string NULL. */
struct fields {
    double number[FIELDS_MAX];
    char *text[FIELDS_MAX];
};

/* JSON; or an HTML form, where the content type says so; or, where the first field is a string,
 * plain text that becomes it. An empty body has no fields. 0, or the status to refuse it with and
 * one sentence that names the field, its value and what was expected. */
int fields_read(const struct api_request *request, const struct route_field *fields,
                struct fields *ret_fields, char ret_why[FIELDS_WHY_SIZE]);
void fields_fini(struct fields *fields);

#endif
