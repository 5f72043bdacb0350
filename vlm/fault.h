/* Everything that can go wrong with one question, by name: the transport's faults and those of a
 * reply that arrived. A frame whose question failed leads to no decision; nothing is retried. */
#ifndef VLM_FAULT_H
#define VLM_FAULT_H

enum fault {
    FAULT_NONE,
    FAULT_CONNECT,       /* no connection: refused, unreachable, name unknown, TLS */
    FAULT_DEADLINE,      /* no complete answer in time */
    FAULT_CUT,           /* the connection ended in the middle of an exchange */
    FAULT_LOADING,       /* 503: the server loads its model or is overloaded */
    FAULT_HTTP,          /* any other status than 200 */
    FAULT_TOO_LARGE,     /* more than 1 MB */
    FAULT_EMPTY,         /* no byte of a body */
    FAULT_NUL,           /* a NUL byte in the body */
    FAULT_TRUNCATED,     /* JSON that ends too early */
    FAULT_DEPTH,         /* JSON nested deeper than any real reply */
    FAULT_NOT_JSON,      /* any other breach of the JSON grammar */
    FAULT_SHAPE,         /* JSON, but a field is missing or of a wrong type */
    FAULT_SERVER,        /* status 200 with an error object */
    FAULT_NO_WORD,       /* empty content */
    FAULT_REASONING,     /* empty content because the answer went into reasoning */
    FAULT_UNKNOWN_WORD,  /* one word, but none of the question's */
    FAULT_SEVERAL_WORDS, /* more than one word */
    FAULT_COUNT,
};

/* "deadline", "unknown_word": for JSON and counters. */
const char *fault_name(enum fault fault);

/* "no answer in time": for people. */
const char *fault_text(enum fault fault);

#endif
