/* See address.h. */
#include "agent/http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

static int read_port(const char *text, uint16_t *ret_port)
{
    unsigned long port;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return -EINVAL;
    }
    port = strtoul(text, NULL, 10);
    if (port > PORT_MAX) {
        return -EINVAL;
    }
    *ret_port = htons((uint16_t)port);
    return 0;
}

static void set_v4(struct address *address, struct in_addr in, uint16_t port)
{
    struct sockaddr_in *socket = (struct sockaddr_in *)&address->socket;

    socket->sin_family = AF_INET;
    socket->sin_addr = in;
    socket->sin_port = port;
    address->size = sizeof(*socket);
    address->loopback = ntohl(in.s_addr) >> 24 == 127;
}

static void set_v6(struct address *address, const struct in6_addr *in, uint16_t port)
{
    struct sockaddr_in6 *socket = (struct sockaddr_in6 *)&address->socket;

    socket->sin6_family = AF_INET6;
    socket->sin6_addr = *in;
    socket->sin6_port = port;
    address->size = sizeof(*socket);
    address->loopback = IN6_IS_ADDR_LOOPBACK(in);
}

int address_read(const char *text, struct address *ret_address)
{
    const char *colon = strrchr(text, ':');
    struct address address = {0};
    char host[INET6_ADDRSTRLEN + 2];
    size_t size = colon != NULL ? (size_t)(colon - text) : sizeof(host);
    struct in6_addr in6;
    struct in_addr in;
    uint16_t port;

    if (size >= sizeof(host) || read_port(colon + 1, &port) < 0) {
        return -EINVAL;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        if (inet_pton(AF_INET6, host + 1, &in6) != 1) {
            return -EINVAL;
        }
        set_v6(&address, &in6, port);
    } else if (inet_pton(AF_INET, host, &in) == 1) {
        set_v4(&address, in, port);
    } else {
        return -EINVAL;
    }
    *ret_address = address;
    return 0;
}
