/* The command line of turbonav-standin. */
#ifndef VLM_STANDIN_OPTIONS_H
#define VLM_STANDIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "vlm/standin/fault.h"
#include "vlm/standin/tokens.h"

enum flavour {
    FLAVOUR_LLAMA,  /* llama.cpp's llama-server */
    FLAVOUR_OPENAI, /* vLLM and its like */
};

enum thinking {
    THINKING_AUTO,   /* chat_template_kwargs.enable_thinking decides; llama: on, openai: off */
    THINKING_ALWAYS, /* nothing turns it off */
};

/* Constant once read; every thread may look. */
struct options {
    char host[64];
    uint16_t port;
    int64_t service_ns; /* 0: as fast as it goes */
    int64_t jitter_ns;
    int64_t loading_ns;
    bool vision;
    bool log;
    enum thinking thinking;
    enum flavour flavour;
    struct vocabulary vocabulary;
    int context;
    int image_tokens_min, image_tokens_max;
    char model[128];
    uint64_t seed;
    bool seeded;
    struct fault faults[FAULT_COUNT_MAX];
    size_t fault_count;
};

enum options_outcome {
    OPTIONS_RUN,  /* 0 */
    OPTIONS_DONE, /* --help or --version was printed: exit 0 */
    OPTIONS_BAD,  /* one line was written to standard error: exit EXIT_USAGE */
};

/* Reads argv; touches standard output and standard error only as said above. */
enum options_outcome options_read(int argc, char **argv, struct options *ret_options);

#endif
