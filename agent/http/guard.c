/* See guard.h. */
#include "agent/http/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_MAX 255

/* One visible line; what stands behind its end has to be nothing. */
static int take_token(struct guard *guard, const char *text, size_t size, const char **ret_why)
{
    size_t length = 0;

    while (length < size && text[length] > ' ' && text[length] < 0x7f) {
        length++;
    }
    if (length < GUARD_TOKEN_MIN || length > GUARD_TOKEN_MAX ||
        !(length == size || (length + 1 == size && text[length] == '\n'))) {
        *ret_why = "expected one line of 16 to 256 visible characters";
        return -EINVAL;
    }
    memcpy(guard->token, text, length);
    guard->token[length] = '\0';
    return 0;
}

int guard_read(struct guard *guard, const char *path, const char **ret_why)
{
    char text[GUARD_TOKEN_MAX + 2];
    struct stat status;
    ssize_t size;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), result;

    if (fd < 0) {
        return -errno;
    }
    size = fstat(fd, &status) < 0 ? -1 : read(fd, text, sizeof(text));
    result = size < 0 ? -errno : 0;
    (void)close(fd);
    if (result == 0 && (!S_ISREG(status.st_mode) || (status.st_mode & 037) != 0)) {
        *ret_why = "expected a regular file of mode 0640 or less";
        return -EINVAL;
    }
    return result == 0 ? take_token(guard, text, (size_t)size, ret_why) : result;
}

/* All of the token is looked at, whatever was brought: the time tells nothing of how much of it was
 * right. */
static bool is_equal(const char *token, const char *brought, size_t size)
{
    unsigned char difference = strlen(token) != size;

    for (size_t i = 0; token[i] != '\0'; i++) {
        difference |= (unsigned char)(token[i] ^ brought[size == 0 ? 0 : i % size]);
    }
    return difference == 0;
}

bool guard_token_is_good(const struct guard *guard, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    bool fits = strncasecmp(authorization, scheme, sizeof(scheme) - 1) == 0;
    const char *brought = fits ? authorization + sizeof(scheme) - 1 : "";

    return guard->token[0] == '\0' || is_equal(guard->token, brought, strlen(brought));
}

/* Without the port, and without the brackets of an IPv6 address. */
static bool read_host(const char *host, char ret_name[HOST_MAX + 1])
{
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    size_t size;

    if (host[0] == '[') {
        host++;
    }
    size = end != NULL ? (size_t)(end - host) : strlen(host);
    if (size == 0 || size > HOST_MAX) {
        return false;
    }
    memcpy(ret_name, host, size);
    ret_name[size] = '\0';
    return true;
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);

    return size > end_size && strcasecmp(name + size - end_size, end) == 0;
}

/* An address cannot be made to point elsewhere, and neither can a name without a dot or one that is
 * resolved in the house: no public name server answers for those. */
bool guard_host_is_good(const char *host)
{
    char name[HOST_MAX + 1];
    struct in6_addr in6;
    struct in_addr in;

    if (!read_host(host, name)) {
        return false;
    }
    return inet_pton(AF_INET, name, &in) == 1 || inet_pton(AF_INET6, name, &in6) == 1 ||
           strchr(name, '.') == NULL || ends_with(name, ".local") || ends_with(name, ".lan") ||
           ends_with(name, ".home.arpa");
}

bool guard_origin_is_good(const char *origin, const char *host)
{
    const char *place = strstr(origin, "://");

    return origin[0] == '\0' || (place != NULL && strcasecmp(place + 3, host) == 0);
}
