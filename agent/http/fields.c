/* See fields.h. */
#include "agent/http/fields.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hal/base/text.h"

#define SHOWN_SIZE 48

static int count_of(const struct route_field *fields)
{
    int count = 0;

    while (fields[count].name != NULL) {
        count++;
    }
    return count;
}

static int refuse(char why[FIELDS_WHY_SIZE], const char *name, const char *shown,
                  const struct route_field *field)
{
    if (field == NULL) {
        (void)snprintf(why, FIELDS_WHY_SIZE, "%s: no such field", name);
    } else if (field->text) {
        (void)snprintf(why, FIELDS_WHY_SIZE, "%s: %s: expected text of at most %.0f bytes", name,
                       shown, field->max);
    } else {
        (void)snprintf(why, FIELDS_WHY_SIZE, "%s: %s: expected a number from %g to %g", name, shown,
                       field->min, field->max);
    }
    return 422;
}

static const struct route_field *find(const struct route_field *fields, const char *name,
                                      int *ret_index)
{
    for (int i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            *ret_index = i;
            return &fields[i];
        }
    }
    return NULL;
}

static int take_text(struct fields *taken, const struct route_field *field, int index,
                     const char *value, char why[FIELDS_WHY_SIZE])
{
    char shown[SHOWN_SIZE];

    text_escape(value, strlen(value), shown, sizeof(shown));
    if (!field->text || (double)strlen(value) > field->max || taken->text[index] != NULL) {
        return refuse(why, field->name, shown, field);
    }
    taken->text[index] = strdup(value);
    return taken->text[index] != NULL ? 0 : 500;
}

static int take_number(struct fields *taken, const struct route_field *field, int index,
                       double value, char why[FIELDS_WHY_SIZE])
{
    char shown[SHOWN_SIZE];

    (void)snprintf(shown, sizeof(shown), "%g", value);
    if (field->text || !(value >= field->min && value <= field->max) ||
        !isnan(taken->number[index])) {
        return refuse(why, field->name, shown, field);
    }
    taken->number[index] = value;
    return 0;
}

static int take_json(struct fields *taken, const struct route_field *fields, const char *prefix,
                     const cJSON *object, char why[FIELDS_WHY_SIZE])
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        const struct route_field *field;
        char name[SHOWN_SIZE], shown[SHOWN_SIZE];
        int index = 0, result;

        text_escape(item->string, strlen(item->string), shown, sizeof(shown));
        (void)snprintf(name, sizeof(name), "%s%s", prefix, shown);
        if (cJSON_IsObject(item) && prefix[0] == '\0') {
            (void)snprintf(name, sizeof(name), "%.40s.", shown);
            result = take_json(taken, fields, name, item, why);
        } else if ((field = find(fields, name, &index)) == NULL) {
            result = refuse(why, name, "", NULL);
        } else if (cJSON_IsString(item)) {
            result = take_text(taken, field, index, item->valuestring, why);
        } else if (cJSON_IsNumber(item)) {
            result = take_number(taken, field, index, item->valuedouble, why);
        } else {
            result = refuse(why, name, "neither text nor a number", field);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int read_json(struct fields *taken, const struct route_field *fields, const char *text,
                     size_t size, char why[FIELDS_WHY_SIZE])
{
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    int result;

    while (json != NULL && end < text + size && strchr(" \t\r\n", *end) != NULL && *end != '\0') {
        end++;
    }
    if (!cJSON_IsObject(json) || end != text + size) {
        (void)snprintf(why, FIELDS_WHY_SIZE, "the body is not one JSON object: see byte %zu",
                       json == NULL || end == NULL ? (size_t)0 : (size_t)(end - text));
        cJSON_Delete(json);
        return 400;
    }
    result = take_json(taken, fields, "", json, why);
    cJSON_Delete(json);
    return result;
}

static int hex(char c)
{
    const char digits[] = "0123456789abcdef";
    const char *place = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return place != NULL ? (int)(place - digits) : -1;
}

/* application/x-www-form-urlencoded, in place. False: a bad %XX, or a zero. */
static bool decode(char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        char c = text[i] == '+' ? ' ' : text[i];

        if (c == '%') {
            int high = i + 2 < size ? hex(text[i + 1]) : -1;
            int low = i + 2 < size ? hex(text[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return false;
        }
        text[used++] = c;
    }
    text[used] = '\0';
    return true;
}

static int take_pair(struct fields *taken, const struct route_field *fields, char *pair,
                     size_t size, char why[FIELDS_WHY_SIZE])
{
    char *equals = memchr(pair, '=', size), *value, *end, shown[SHOWN_SIZE];
    size_t name_size = equals != NULL ? (size_t)(equals - pair) : size;
    const struct route_field *field;
    int index = 0;
    double number;

    value = equals != NULL ? equals + 1 : pair + size;
    size = equals != NULL ? size - name_size - 1 : 0;
    pair[name_size] = '\0'; /* the '=', or behind the pair */
    if (!decode(pair, name_size) || !decode(value, size)) {
        (void)snprintf(why, FIELDS_WHY_SIZE, "the form has a byte that stands for nothing");
        return 400;
    }
    text_escape(pair, strlen(pair), shown, sizeof(shown));
    field = find(fields, pair, &index);
    if (field == NULL) {
        return refuse(why, shown, "", NULL);
    }
    if (field->text) {
        return take_text(taken, field, index, value, why);
    }
    number = strtod(value, &end);
    return take_number(taken, field, index, end != value && *end == '\0' ? number : NAN, why);
}

static int read_form(struct fields *taken, const struct route_field *fields, char *text,
                     size_t size, char why[FIELDS_WHY_SIZE])
{
    while (size > 0) {
        char *end = memchr(text, '&', size);
        size_t length = end != NULL ? (size_t)(end - text) : size;
        int result = take_pair(taken, fields, text, length, why);

        if (result != 0) {
            return result;
        }
        text += end != NULL ? length + 1 : length;
        size -= end != NULL ? length + 1 : length;
    }
    return 0;
}

static bool is_type(const char *content_type, const char *type)
{
    size_t size = strlen(type);

    return strncasecmp(content_type, type, size) == 0 &&
           strchr("; \t", content_type[size]) != NULL; /* or its end */
}

static int check_needed(const struct fields *taken, const struct route_field *fields,
                        char why[FIELDS_WHY_SIZE])
{
    for (int i = 0; fields[i].name != NULL; i++) {
        bool missing = fields[i].text ? taken->text[i] == NULL : isnan(taken->number[i]);

        if (fields[i].needed && missing) {
            return refuse(why, fields[i].name, "missing", &fields[i]);
        }
    }
    return 0;
}

static int read_any(const struct api_request *request, const struct route_field *fields,
                    struct fields *taken, char *copy, char why[FIELDS_WHY_SIZE])
{
    if (request->size == 0) {
        return 0;
    }
    if (memchr(request->body, '\0', request->size) != NULL) {
        (void)snprintf(why, FIELDS_WHY_SIZE, "the body has a zero byte");
        return 400;
    }
    if (is_type(request->content_type, "application/x-www-form-urlencoded")) {
        return read_form(taken, fields, copy, request->size, why);
    }
    if (is_type(request->content_type, "text/plain") && fields[0].text) {
        return take_text(taken, &fields[0], 0, copy, why);
    }
    if (request->content_type[0] == '\0' || is_type(request->content_type, "application/json")) {
        return read_json(taken, fields, copy, request->size, why);
    }
    (void)snprintf(why, FIELDS_WHY_SIZE, "expected application/json, a form%s",
                   fields[0].text ? " or text/plain" : "");
    return 415;
}

int fields_read(const struct api_request *request, const struct route_field *fields,
                struct fields *ret_fields, char ret_why[FIELDS_WHY_SIZE])
{
    static const struct route_field none[] = {{.name = NULL}};
    char *copy = malloc(request->size + 1);
    int result;

    *ret_fields = (struct fields){0};
    for (int i = 0; i < FIELDS_MAX; i++) {
        ret_fields->number[i] = NAN;
    }
    ret_why[0] = '\0';
    if (copy == NULL) {
        return 500;
    }
    memcpy(copy, request->body, request->size);
    copy[request->size] = '\0';
    fields = fields != NULL && count_of(fields) <= FIELDS_MAX ? fields : none;
    result = read_any(request, fields, ret_fields, copy, ret_why);
    if (result == 0) {
        result = check_needed(ret_fields, fields, ret_why);
    }
    free(copy);
    return result;
}

void fields_fini(struct fields *taken)
{
    for (int i = 0; i < FIELDS_MAX; i++) {
        free(taken->text[i]);
    }
}
