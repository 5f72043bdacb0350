/* An address to listen on, and whether a name in a request means this machine. Pure. */
#ifndef AGENT_HTTP_ADDRESS_H
#define AGENT_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct address {
    struct sockaddr_storage socket;
    socklen_t size;
    bool loopback; /* nobody else can reach it */
};

/* "127.0.0.1:8090", "[::1]:8090": numbers only, so that no name server has a say; port 0 lets the
 * system choose. 0 or -EINVAL. */
int address_read(const char *text, struct address *ret_address);

#endif
