/* The floor for "through a daemon": a process between client and agent that reads every frame, finds its correlation id, puts one of its own in its
 * place, remembers both, and puts the client's back into the answer. It decides nothing, opens one connection to the agent for each client, and
 * trusts both: an answer must come for every event, and no more than SLOTS may be under way on a connection.
 * relay LISTEN_PATH AGENT_PATH serves until it is stopped. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ID = 32, SLOTS = 65536, MOST_PAIRS = 256, BUFFER = 32 << 20, FIRST_EVENT = 16 };

struct half { int from, to; size_t used; char *bytes; };
struct pair { struct half out, back; char (*ids)[ID]; uint32_t next; };

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

static int is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/* An event gets the number of the next slot as its id, an answer the id that its slot holds. Either may name it more than once; in MessagePack and in
 * JSON it is the text after the name, with a few bytes between that are no digits. */
static void replace_ids(struct pair *pair, int is_answer, char *frame, size_t length)
{
    static const char name[] = "correlation_id";
    char *end = frame + length, *at = frame, own[ID + 1];
    uint32_t slot = is_answer ? 0 : pair->next++ % SLOTS;
    int found = 0;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1)) != NULL) {
        at += sizeof name - 1;
        while (at < end && !is_hex(*at))
            at++;
        if (end - at < ID)
            return;
        if (!found++) {
            if (is_answer) {
                memcpy(own, at, ID);
                own[ID] = 0;
                slot = (uint32_t)strtoul(own, NULL, 16) % SLOTS;
            } else {
                memcpy(pair->ids[slot], at, ID);
                snprintf(own, sizeof own, "%032x", slot);
            }
        }
        memcpy(at, is_answer ? pair->ids[slot] : own, ID);
        at += ID;
    }
}

/* Passes on what whole frames there are: a length of four bytes, a type, the rest. */
static int pass(struct pair *pair, struct half *half)
{
    ssize_t count = read(half->from, half->bytes + half->used, BUFFER - half->used);
    if (count <= 0)
        return -1;
    half->used += (size_t)count;
    size_t whole = 0;
    while (half->used - whole >= 5) {
        unsigned char *head = (unsigned char *)half->bytes + whole;
        size_t length = 4 + ((size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
        if (length > BUFFER)
            return -1;
        if (half->used - whole < length)
            break;
        if (head[4] >= FIRST_EVENT)
            replace_ids(pair, half == &pair->back, (char *)head + 5, length - 5);
        whole += length;
    }
    for (size_t sent = 0; sent < whole;) {
        ssize_t written = write(half->to, half->bytes + sent, whole - sent);
        if (written <= 0)
            return -1;
        sent += (size_t)written;
    }
    half->used -= whole;
    memmove(half->bytes, half->bytes + whole, half->used);
    return 0;
}

static struct pair *open_pair(int client, const char *agent_path)
{
    struct sockaddr_un agent = address(agent_path);
    struct pair *pair = calloc(1, sizeof *pair);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    if (!pair || connect(server, (struct sockaddr *)&agent, sizeof agent) != 0) {
        perror("relay: the agent");
        exit(1);
    }
    *pair = (struct pair){ { client, server, 0, malloc(BUFFER) }, { server, client, 0, malloc(BUFFER) }, malloc(SLOTS * ID), 0 };
    if (!pair->out.bytes || !pair->back.bytes || !pair->ids)
        exit(1);
    return pair;
}

static void close_pair(struct pair *pair)
{
    close(pair->out.from);
    close(pair->back.from);
    free(pair->out.bytes);
    free(pair->back.bytes);
    free(pair->ids);
    free(pair);
}

int main(int argc, char **argv)
{
    struct pollfd polled[1 + 2 * MOST_PAIRS];
    struct pair *pairs[MOST_PAIRS];
    int count = 0, listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc != 3) {
        fprintf(stderr, "usage: relay LISTEN_PATH AGENT_PATH\n");
        return 2;
    }
    struct sockaddr_un own = address(argv[1]);
    unlink(argv[1]);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0 || listen(listener, 64) != 0) {
        perror("relay");
        return 1;
    }
    polled[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
    for (;;) {
        if (poll(polled, (nfds_t)(1 + 2 * count), -1) < 0)
            return 1;
        for (int i = count - 1; i >= 0; i--) {
            struct pair *pair = pairs[i];
            if ((polled[1 + 2 * i].revents && pass(pair, &pair->out) != 0) || (polled[2 + 2 * i].revents && pass(pair, &pair->back) != 0)) {
                close_pair(pair);
                pairs[i] = pairs[--count];
                memcpy(&polled[1 + 2 * i], &polled[1 + 2 * count], 2 * sizeof *polled);
            }
        }
        if (polled[0].revents && count < MOST_PAIRS) {
            struct pair *pair = pairs[count] = open_pair(accept(listener, NULL, NULL), argv[2]);
            polled[1 + 2 * count] = (struct pollfd){ .fd = pair->out.from, .events = POLLIN };
            polled[2 + 2 * count++] = (struct pollfd){ .fd = pair->back.from, .events = POLLIN };
        }
    }
}
