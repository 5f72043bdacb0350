/* See prompt.h. */
#include "vlm/standin/prompt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_TURN  "<|turn>system\n"
#define THINK        "<|think|>"
#define PICTURE_FLAG (UINT64_C(1) << 63)

static const char no_vision[] = "image input is not supported - hint: if this is unexpected, you "
                                "may need to provide the mmproj";

int refuse(struct refusal *refusal, int status, const char *format, ...)
{
    va_list arguments;

    *refusal = (struct refusal){.status = status};
    refusal->type = status == 404   ? "not_found_error"
                    : status == 501 ? "not_supported_error"
                    : status == 503 ? "unavailable_error"
                    : status >= 500 ? "server_error"
                                    : "invalid_request_error";
    va_start(arguments, format);
    (void)vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
    va_end(arguments);
    return status;
}

static int refuse_memory(struct refusal *refusal)
{
    return refuse(refusal, 500, "out of memory");
}

const cJSON *prompt_field(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNull(item) ? NULL : item;
}

static const char *field_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(prompt_field(object, name));

    return text != NULL ? text : "";
}

void prompt_fini(struct prompt *prompt)
{
    free(prompt->text);
    free(prompt->tokens);
    for (size_t i = 0; i < prompt->file_count; i++) {
        image_file_fini(&prompt->files[i]);
    }
    *prompt = (struct prompt){0};
}

static int add_file(struct prompt *prompt, const char *base64, struct refusal *refusal)
{
    if (prompt->file_count == PROMPT_IMAGES_MAX) {
        return refuse(refusal, 400, "turbonav-standin takes at most %d pictures",
                      PROMPT_IMAGES_MAX);
    }

    struct image_file *file = &prompt->files[prompt->file_count];

    if (image_file_decode(base64, strlen(base64), file) != 0) {
        return refuse_memory(refusal);
    }
    prompt->file_count++;
    return 0;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* A data: URI, or bare base64 (facts section 3). Nothing is ever downloaded. */
static int add_url(struct prompt *prompt, const char *url, struct refusal *refusal)
{
    const char *comma = strchr(url, ',');
    const char *data = url;

    if (starts_with(url, "http")) {
        return refuse(refusal, 500, "Failed to download image");
    }
    if (starts_with(url, "file://")) {
        return refuse(refusal, 400,
                      "file:// URLs are not allowed unless --media-path is specified");
    }
    if (comma != NULL || starts_with(url, "data:")) {
        if (comma == NULL || strchr(comma + 1, ',') != NULL) {
            return refuse(refusal, 500, "Invalid url value");
        }
        if (!starts_with(url, "data:image/")) {
            return refuse(refusal, 500, "Invalid url format: %.*s", (int)(comma - url), url);
        }
        if (comma - url < 6 || memcmp(comma - 6, "base64", 6) != 0) {
            return refuse(refusal, 500, "url must be base64 encoded");
        }
        data = comma + 1;
    }

    int status = add_file(prompt, data, refusal);

    if (status == 0 && prompt->files[prompt->file_count - 1].size == 0) {
        return refuse(refusal, 500, "Invalid url value");
    }
    return status;
}

/* Text under construction. Once out of memory it stays NULL. */
struct writer {
    char *text;
    size_t size, room;
};

static void write_bytes(struct writer *writer, const char *bytes, size_t size)
{
    if (writer->text == NULL) {
        return;
    }
    if (writer->size + size >= writer->room) {
        size_t room = 2 * (writer->size + size) + 1;
        char *text = realloc(writer->text, room);

        if (text == NULL) {
            free(writer->text);
            writer->text = NULL;
            return;
        }
        writer->text = text;
        writer->room = room;
    }
    memcpy(writer->text + writer->size, bytes, size);
    writer->size += size;
    writer->text[writer->size] = '\0';
}

static void write_text(struct writer *writer, const char *text)
{
    write_bytes(writer, text, strlen(text));
}

/* Without the white space around it, as the template does. */
static void write_trimmed(struct writer *writer, const char *text)
{
    size_t size = strlen(text + strspn(text, " \t\r\n"));

    text += strspn(text, " \t\r\n");
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    write_bytes(writer, text, size);
}

/* Parts of a content array: text parts are joined by line feeds, pictures stand alone. */
static int write_parts(const struct options *options, const char *marker, const cJSON *content,
                       struct prompt *prompt, struct writer *writer, struct refusal *refusal)
{
    bool after_text = false;
    const cJSON *part;

    cJSON_ArrayForEach(part, content)
    {
        const char *type = field_text(part, "type");

        if (strcmp(type, "text") == 0) {
            write_text(writer, after_text ? "\n" : "");
            write_trimmed(writer, field_text(part, "text"));
            after_text = true;
        } else if (strcmp(type, "image_url") == 0) {
            if (!options->vision) {
                return refuse(refusal, 500, "%s", no_vision);
            }

            int status =
                add_url(prompt, field_text(prompt_field(part, "image_url"), "url"), refusal);

            if (status != 0) {
                return status;
            }
            write_text(writer, marker);
            after_text = false;
        } else {
            return refuse(refusal, 400, "unsupported content[].type");
        }
    }
    return 0;
}

static int write_message(const struct options *options, const char *marker, const cJSON *message,
                         bool think, struct prompt *prompt, struct writer *writer,
                         struct refusal *refusal)
{
    const char *role = field_text(message, "role");
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
    bool system = strcmp(role, "system") == 0 || strcmp(role, "developer") == 0;
    int status = 0;

    if (content == NULL) {
        return strcmp(role, "assistant") == 0
                   ? refuse(refusal, 400,
                            "Assistant message must contain either 'content' or 'tool_calls'!")
                   : refuse(refusal, 400, "All non-assistant messages must contain 'content'");
    }
    write_text(writer, "<|turn>");
    write_text(writer, system ? "system" : strcmp(role, "assistant") == 0 ? "model" : role);
    write_text(writer, "\n");
    if (think) {
        write_text(writer, THINK "\n");
    }
    if (cJSON_IsString(content)) {
        write_trimmed(writer, content->valuestring);
    } else if (cJSON_IsArray(content)) {
        status = write_parts(options, marker, content, prompt, writer, refusal);
    } else if (!cJSON_IsNull(content)) {
        status = refuse(refusal, 400, "Expected 'content' to be a string or an array");
    }
    write_text(writer, "<turn|>\n");
    return status;
}

/* Whether the thought is switched on; the kwarg must be a boolean (facts section 0). */
static int read_thinking(const struct options *options, const cJSON *body, bool *ret_think,
                         struct refusal *refusal)
{
    const cJSON *kwargs = prompt_field(body, "chat_template_kwargs");
    const cJSON *kwarg = prompt_field(kwargs, "enable_thinking");
    bool think = options->flavour == FLAVOUR_LLAMA;

    if (cJSON_IsString(kwarg)) {
        return refuse(refusal, 400,
                      "invalid type for \"enable_thinking\" (expected boolean, got string)");
    }
    if (cJSON_IsBool(kwarg)) {
        think = cJSON_IsTrue(kwarg);
    } else if (strcmp(field_text(body, "reasoning_effort"), "none") == 0) {
        think = false;
    }
    *ret_think = think || options->thinking == THINKING_ALWAYS;
    return 0;
}

static int write_messages(const struct options *options, const char *marker, const cJSON *messages,
                          bool think, struct prompt *prompt, struct writer *writer,
                          struct refusal *refusal)
{
    const char *first = field_text(cJSON_GetArrayItem(messages, 0), "role");
    const cJSON *message;

    if (think && strcmp(first, "system") != 0 && strcmp(first, "developer") != 0) {
        write_text(writer, SYSTEM_TURN THINK "<turn|>\n");
        think = false;
    }
    cJSON_ArrayForEach(message, messages)
    {
        int status = write_message(options, marker, message, think, prompt, writer, refusal);

        if (status != 0) {
            return status;
        }
        think = false;
    }
    write_text(writer, "<|turn>model\n");
    return 0;
}

int prompt_from_chat(const struct options *options, const char *marker, const cJSON *body,
                     struct prompt *prompt, struct refusal *refusal)
{
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(body, "messages");
    struct writer writer = {.text = calloc(1, 4096), .room = 4096};
    bool think = false;
    int status;

    if (messages == NULL) {
        status = refuse(refusal, 400, "'messages' is required");
    } else if (!cJSON_IsArray(messages)) {
        status = refuse(refusal, 400, "Expected 'messages' to be an array");
    } else {
        status = read_thinking(options, body, &think, refusal);
    }
    if (status == 0) {
        status = write_messages(options, marker, messages, think, prompt, &writer, refusal);
    }
    if (status == 0 && writer.text == NULL) {
        status = refuse_memory(refusal);
    }
    if (status != 0) {
        free(writer.text);
        return status;
    }
    prompt->text = writer.text;
    prompt->media = true;
    return 0;
}

static int take_multimodal(const struct options *options, const cJSON *data, struct prompt *prompt,
                           struct refusal *refusal)
{
    const cJSON *entry;

    if (!options->vision) {
        return refuse(refusal, 500, "%s", no_vision);
    }
    cJSON_ArrayForEach(entry, data)
    {
        if (!cJSON_IsString(entry)) {
            return refuse(refusal, 400, "[json.exception.type_error.302] type must be string");
        }

        int status = add_file(prompt, entry->valuestring, refusal);

        if (status != 0) {
            return status;
        }
    }
    prompt->media = true;
    return 0;
}

int prompt_from_completion(const struct options *options, const cJSON *body, struct prompt *prompt,
                           struct refusal *refusal)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(body, "prompt");
    const cJSON *text = given, *data = NULL;

    if (given == NULL) {
        return refuse(refusal, 400, "[json.exception.out_of_range.403] key 'prompt' not found");
    }
    if (cJSON_IsArray(given) && cJSON_GetArraySize(given) > 0) {
        prompt->parts = given;
    } else if (cJSON_IsObject(given)) {
        text = cJSON_GetObjectItemCaseSensitive(given, "prompt_string");
        data = cJSON_GetObjectItemCaseSensitive(given, "multimodal_data");
    }
    if (prompt->parts == NULL && !cJSON_IsString(text)) {
        return refuse(refusal, 400,
                      "\"prompt\" elements must be a string, a list of tokens, a JSON object "
                      "containing a prompt string, or a list of mixed strings & tokens.");
    }
    prompt->text = strdup(prompt->parts == NULL ? text->valuestring : "");
    if (prompt->text == NULL) {
        return refuse_memory(refusal);
    }
    return data != NULL ? take_multimodal(options, data, prompt, refusal) : 0;
}

/* Tokens under construction, with room for the worst case: one for each byte. */
struct token_writer {
    const struct vocabulary *vocabulary;
    uint64_t *tokens;
    size_t count;
};

static void write_tokens(struct token_writer *writer, const char *text, size_t size)
{
    char before = 0;

    while (size > 0) {
        struct token token = tokens_first(writer->vocabulary, true, before, text, size);

        writer->tokens[writer->count++] = token.id;
        before = text[token.size - 1];
        text += token.size;
        size -= token.size;
    }
}

static void write_part_tokens(struct token_writer *writer, const cJSON *parts)
{
    const cJSON *part;

    cJSON_ArrayForEach(part, parts)
    {
        if (cJSON_IsString(part)) {
            write_tokens(writer, part->valuestring, strlen(part->valuestring));
        } else {
            writer->tokens[writer->count++] = (uint64_t)(uint32_t)part->valueint;
        }
    }
}

static size_t count_markers(const char *text, const char *marker)
{
    size_t count = 0;

    for (const char *at = strstr(text, marker); at != NULL; at = strstr(at + 1, marker)) {
        count++;
    }
    return count;
}

static int read_images(struct prompt *prompt, struct refusal *refusal)
{
    for (size_t i = 0; i < prompt->file_count; i++) {
        int error = image_read(&prompt->files[i], &prompt->images[i]);

        if (error == -ENOMEM) {
            return refuse_memory(refusal);
        }
        if (error != 0) {
            return refuse(refusal, 400, "Failed to load image or audio file");
        }
    }
    return 0;
}

/* Most tokens that the prompt can have. */
static size_t token_room(const struct options *options, const struct prompt *prompt)
{
    size_t room = 1 + strlen(prompt->text) + prompt->file_count * (size_t)options->image_tokens_max;
    const cJSON *part;

    cJSON_ArrayForEach(part, prompt->parts)
    {
        room += cJSON_IsString(part) ? strlen(part->valuestring) : 1;
    }
    return room;
}

int prompt_tokenize(const struct options *options, const char *marker, struct prompt *prompt,
                    struct refusal *refusal)
{
    struct token_writer writer = {.vocabulary = &options->vocabulary};
    const char *text = prompt->text;
    int status = read_images(prompt, refusal);

    if (status != 0) {
        return status;
    }
    if (prompt->media && count_markers(text, marker) != prompt->file_count) {
        return refuse(refusal, 400, "Failed to tokenize prompt");
    }
    writer.tokens = calloc(token_room(options, prompt), sizeof(writer.tokens[0]));
    if (writer.tokens == NULL) {
        return refuse_memory(refusal);
    }
    writer.tokens[writer.count++] = TOKENS_BOS;
    for (size_t i = 0; prompt->media && i < prompt->file_count; i++) {
        const char *at = strstr(text, marker);
        int count =
            image_tokens(&prompt->images[i], options->image_tokens_min, options->image_tokens_max);

        write_tokens(&writer, text, (size_t)(at - text));
        for (int token = 0; token < count; token++) {
            writer.tokens[writer.count++] = prompt->images[i].hash | PICTURE_FLAG;
        }
        text = at + strlen(marker);
    }
    write_tokens(&writer, text, strlen(text));
    write_part_tokens(&writer, prompt->parts);
    prompt->tokens = writer.tokens;
    prompt->token_count = writer.count;
    if (prompt->token_count >= (size_t)options->context) {
        status = refuse(refusal, 400,
                        "request (%zu tokens) exceeds the available context size (%d tokens), "
                        "try increasing it",
                        prompt->token_count, options->context);
        refusal->type = "exceed_context_size_error";
        refusal->prompt_tokens = prompt->token_count;
    }
    return status;
}
