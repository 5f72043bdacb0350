/* /openapi.json, made from the routes. */
#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/routes.h"

#define NAME_SIZE 64

static cJSON *field_schema(const struct route_field *field)
{
    cJSON *schema = cJSON_CreateObject();

    cJSON_AddStringToObject(schema, "type", field->text ? "string" : "number");
    if (field->text) {
        cJSON_AddNumberToObject(schema, "maxLength", field->max);
    } else {
        cJSON_AddNumberToObject(schema, "minimum", field->min);
        cJSON_AddNumberToObject(schema, "maximum", field->max);
    }
    cJSON_AddStringToObject(schema, "description", field->help);
    return schema;
}

static cJSON *object_schema(void)
{
    cJSON *schema = cJSON_CreateObject();

    cJSON_AddStringToObject(schema, "type", "object");
    cJSON_AddBoolToObject(schema, "additionalProperties", false);
    cJSON_AddObjectToObject(schema, "properties");
    return schema;
}

/* "limits.speed_mm_s" goes into an object "limits". */
static void add_field(cJSON *schema, const struct route_field *field)
{
    cJSON *properties = cJSON_GetObjectItem(schema, "properties"), *required;
    const char *dot = strchr(field->name, '.'), *name = field->name;
    char outer[NAME_SIZE];

    if (dot != NULL) {
        cJSON *inner;

        (void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - field->name), field->name);
        inner = cJSON_GetObjectItem(properties, outer);
        if (inner == NULL) {
            inner = object_schema();
            cJSON_AddItemToObject(properties, outer, inner);
        }
        properties = cJSON_GetObjectItem(inner, "properties");
        name = dot + 1;
    }
    cJSON_AddItemToObject(properties, name, field_schema(field));
    if (field->needed) {
        required = cJSON_GetObjectItem(schema, "required");
        required = required != NULL ? required : cJSON_AddArrayToObject(schema, "required");
        cJSON_AddItemToArray(required, cJSON_CreateString(name));
    }
}

static void add_content(cJSON *json, const char *type, cJSON *schema)
{
    cJSON *content = cJSON_GetObjectItem(json, "content");

    content = content != NULL ? content : cJSON_AddObjectToObject(json, "content");
    cJSON_AddItemToObject(cJSON_AddObjectToObject(content, type), "schema", schema);
}

static void add_body(cJSON *operation, const struct route_field *fields)
{
    cJSON *body = cJSON_AddObjectToObject(operation, "requestBody"), *schema = object_schema();

    for (int i = 0; fields[i].name != NULL; i++) {
        add_field(schema, &fields[i]);
    }
    add_content(body, "application/json", schema);
    if (fields[0].text) {
        cJSON *text = cJSON_CreateObject();

        cJSON_AddStringToObject(text, "type", "string");
        add_content(body, "text/plain", text);
    }
}

static cJSON *child_of(cJSON *schema, const char *name, size_t size)
{
    cJSON *properties = cJSON_GetObjectItem(schema, "properties"), *child;
    char key[NAME_SIZE];

    (void)snprintf(key, sizeof(key), "%.*s", (int)size, name);
    if (properties == NULL) {
        cJSON_AddStringToObject(schema, "type", "object");
        properties = cJSON_AddObjectToObject(schema, "properties");
    }
    child = cJSON_GetObjectItem(properties, key);
    if (child == NULL) {
        child = cJSON_AddObjectToObject(properties, key);
    }
    return child;
}

/* "decisions[].intent.vx_mm_s" is a property of a property of the items of a list. */
static void add_answer(cJSON *schema, const struct route_answer *field)
{
    const char *name = field->name;

    for (size_t size; (size = strcspn(name, ".")), name[size] != '\0'; name += size + 1) {
        bool list = size > 2 && strncmp(name + size - 2, "[]", 2) == 0;

        schema = child_of(schema, name, list ? size - 2 : size);
        if (list && cJSON_GetObjectItem(schema, "items") == NULL) {
            cJSON_AddStringToObject(schema, "type", "array");
            cJSON_AddObjectToObject(schema, "items");
        }
        schema = list ? cJSON_GetObjectItem(schema, "items") : schema;
    }
    schema = child_of(schema, name, strlen(name));
    cJSON_AddStringToObject(schema, "type", field->type);
    cJSON_AddStringToObject(schema, "description", field->help);
}

static void add_schemas(cJSON *components)
{
    cJSON *schemas = cJSON_AddObjectToObject(components, "schemas");

    for (const struct route_schema *schema = route_schemas; schema->name != NULL; schema++) {
        cJSON *json = cJSON_AddObjectToObject(schemas, schema->name);

        for (const struct route_answer *field = schema->fields; field->name != NULL; field++) {
            add_answer(json, field);
        }
    }
}

static cJSON *reference(const char *schema)
{
    cJSON *json = cJSON_CreateObject();
    char path[NAME_SIZE];

    if (schema != NULL) {
        (void)snprintf(path, sizeof(path), "#/components/schemas/%s", schema);
        cJSON_AddStringToObject(json, "$ref", path);
    }
    return json;
}

static void add_answers(cJSON *operation, const struct route *route)
{
    cJSON *answers = cJSON_AddObjectToObject(operation, "responses");
    char status[4] = "";

    for (const char *at = route->statuses; *at != '\0'; at += strspn(at, " ")) {
        cJSON *answer;
        bool good = at[0] == '2';

        (void)snprintf(status, sizeof(status), "%.3s", at);
        at += 3;
        answer = cJSON_AddObjectToObject(answers, status);
        cJSON_AddStringToObject(answer, "description",
                                good ? "done, or begun" : "refused, see title");
        add_content(answer, good ? route->type : "application/problem+json",
                    reference(good ? route->schema : "Problem"));
    }
    if (!route->open) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(answers, "401"), "description",
                                "a token is needed");
    }
    cJSON_AddStringToObject(cJSON_AddObjectToObject(answers, "403"), "description",
                            "Host or Origin is not of here");
}

static void add_route(cJSON *paths, const struct route *route)
{
    cJSON *path = cJSON_GetObjectItem(paths, route->path), *operation;
    char method[8] = "";

    for (size_t i = 0; route->method[i] != '\0' && i + 1 < sizeof(method); i++) {
        method[i] = (char)(route->method[i] | 0x20);
    }
    path = path != NULL ? path : cJSON_AddObjectToObject(paths, route->path);
    operation = cJSON_AddObjectToObject(path, method);
    cJSON_AddStringToObject(operation, "summary", route->help);
    if (route->open) {
        cJSON_AddArrayToObject(operation, "security");
    }
    if (strstr(route->path, "{id}") != NULL) {
        cJSON *parameter = cJSON_CreateObject();

        cJSON_AddStringToObject(parameter, "name", "id");
        cJSON_AddStringToObject(parameter, "in", "path");
        cJSON_AddBoolToObject(parameter, "required", true);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(parameter, "schema"), "type", "string");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(operation, "parameters"), parameter);
    }
    if (route->fields != NULL) {
        add_body(operation, route->fields);
    }
    add_answers(operation, route);
}

char *api_describe(void)
{
    cJSON *json = cJSON_CreateObject(), *info, *paths, *components, *scheme;
    char *text;

    cJSON_AddStringToObject(json, "openapi", "3.1.0");
    info = cJSON_AddObjectToObject(json, "info");
    cJSON_AddStringToObject(info, "title", "turbonav");
    cJSON_AddStringToObject(info, "version", TURBONAV_VERSION);
    cJSON_AddStringToObject(
        info, "description",
        "A robot car that asks a model where to go. Errors are "
        "application/problem+json (RFC 9457). Frame: x ahead, y to the left, wz "
        "counter-clockwise.");
    paths = cJSON_AddObjectToObject(json, "paths");
    for (size_t i = 0; i < route_count; i++) {
        add_route(paths, &route_list[i]);
    }
    components = cJSON_AddObjectToObject(json, "components");
    add_schemas(components);
    scheme =
        cJSON_AddObjectToObject(cJSON_AddObjectToObject(components, "securitySchemes"), "token");
    cJSON_AddStringToObject(scheme, "type", "http");
    cJSON_AddStringToObject(scheme, "scheme", "bearer");
    cJSON_AddArrayToObject(json, "security");
    scheme = cJSON_CreateObject();
    cJSON_AddArrayToObject(scheme, "token");
    cJSON_AddItemToArray(cJSON_GetObjectItem(json, "security"), scheme);
    text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}
