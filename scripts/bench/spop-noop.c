/* The least an SPOP agent can do: says HELLO and answers every NOTIFY with txn.sc.act = "allow". One thread, epoll.
 * The floor for what asking HAProxy's SPOE filter costs, beside which bench.sh --haproxy puts the sidecar.
 *   spop-noop SOCKET [both]      both: wants the response with its body too, so that HAProxy asks twice
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1024, IN_SIZE = 256 * 1024, OUT_SIZE = 64 * 1024, MAX_FRAME = 65536 };

struct connection { size_t have; unsigned char in[IN_SIZE]; };

static struct connection *table[MAX_CONNECTIONS];
static unsigned char out[OUT_SIZE];
static int both;

static void die(const char *what) { perror(what); exit(1); }

static void send_all(int fd, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = write(fd, bytes, count);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        bytes += sent;
        count -= (size_t)sent;
    }
}

static size_t put_length(unsigned char *frame, size_t total) {
    uint32_t length = (uint32_t)(total - 4);
    frame[0] = (unsigned char)(length >> 24); frame[1] = (unsigned char)(length >> 16);
    frame[2] = (unsigned char)(length >> 8); frame[3] = (unsigned char)length;
    return total;
}

/* Bytes of a variable-length integer. */
static size_t integer_size(const unsigned char *at) {
    size_t size = 1;
    if (at[0] >= 240) do { size++; } while (at[size - 1] >= 128);
    return size;
}

static size_t hello(unsigned char *frame) {
    /* max-frame-size 16380, HAProxy's default offer. */
    static const unsigned char body[] = "\x65\0\0\0\1\0\0\7version\x08\3" "2.0\xemax-frame-size\3\xfc\xf0\6\xc" "capabilities\x08\xapipelining";
    memcpy(frame + 4, body, sizeof body - 1);
    return put_length(frame, 4 + sizeof body - 1);
}

static size_t ack(unsigned char *frame, const unsigned char *notify) {
    static const unsigned char action[] = "\1\3\2\3act\x08\5allow";
    /* The same with res and resb true, and ract, whichever of the two phases it is. */
    static const unsigned char all[] = "\1\3\2\3act\x08\5allow\1\3\2\3res\x11\1\3\2\4resb\x11\1\3\2\4ract\x08\5allow";
    const unsigned char *ids = notify + 9;
    size_t size = integer_size(ids);
    size += integer_size(ids + size);
    memcpy(frame + 4, "\x67\0\0\0\1", 5);
    memcpy(frame + 9, ids, size);
    size_t length = (both ? sizeof all : sizeof action) - 1;
    memcpy(frame + 9 + size, both ? all : action, length);
    return put_length(frame, 9 + size + length);
}

/* Answers every whole frame, in one write. 0 when the connection is to be closed. */
static int serve(int fd, struct connection *c) {
    ssize_t got = read(fd, c->in + c->have, IN_SIZE - c->have);
    if (got <= 0) return got < 0 && errno == EINTR;
    c->have += (size_t)got;
    size_t at = 0, written = 0;
    int keep = 1;
    while (keep && c->have - at >= 4) {
        const unsigned char *frame = c->in + at;
        size_t length = ((size_t)frame[0] << 24) | ((size_t)frame[1] << 16) | ((size_t)frame[2] << 8) | frame[3];
        if (length < 7 || length > MAX_FRAME) return 0;
        if (c->have - at < 4 + length) break;
        if (frame[4] == 1) written += hello(out + written);
        else if (frame[4] == 3) written += ack(out + written, frame);
        else keep = 0;
        if (written > OUT_SIZE - 256) { send_all(fd, out, written); written = 0; }
        at += 4 + length;
    }
    send_all(fd, out, written);
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    return keep;
}

int main(int argc, char **argv) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    both = argc == 3 && strcmp(argv[2], "both") == 0;
    if (argc != 2 + both || strlen(argv[1]) >= sizeof address.sun_path) { fprintf(stderr, "usage: spop-noop SOCKET [both]\n"); return 2; }
    strcpy(address.sun_path, argv[1]);
    unlink(argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) die("listen");
    int loop = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event)) die("epoll");
    for (;;) {
        struct epoll_event ready[64];
        int count = epoll_wait(loop, ready, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                int accepted = accept(listener, NULL, NULL);
                if (accepted < 0) continue;
                if (accepted >= MAX_CONNECTIONS) { close(accepted); continue; }
                if (!table[accepted] && !(table[accepted] = calloc(1, sizeof **table))) die("calloc");
                table[accepted]->have = 0;
                event.data.fd = accepted;
                epoll_ctl(loop, EPOLL_CTL_ADD, accepted, &event);
            } else if (!serve(fd, table[fd])) {
                close(fd);
            }
        }
    }
}
