// The least that a fan-out can do: each POST's body goes to every GET's connection with one send(), as it is.
//
//   floor PORT
//
// It reads no paths, frames nothing, remembers nothing, and ends when a viewer's connection takes less than all: what it
// costs is what the kernel costs.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 64 * 1024, LIMIT = 65536 };

// What somebody has asked so far; a viewer asks nothing more.
struct asking {
    size_t length;
    char text[ROOM + 1];
};

static struct asking *askings[LIMIT];
static int viewers[LIMIT], count, polling;

static void say(int fd, const char *text, size_t length) {
    if (send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length) err(1, "send");
}

static void leave(int fd) {
    for (int each = 0; each < count; each++)
        if (viewers[each] == fd) viewers[each] = viewers[--count];
    free(askings[fd]);
    askings[fd] = NULL;
    close(fd);
}

static void view(int fd) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    say(fd, head, sizeof head - 1);
    viewers[count++] = fd;
    free(askings[fd]);
    askings[fd] = NULL;
}

static void publish(int fd, struct asking *asking, char *body) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char *field = strcasestr(asking->text, "content-length:");
    size_t wanted = field ? strtoul(field + 15, NULL, 10) : 0;
    if (asking->text + asking->length < body + wanted) return;
    for (int each = 0; each < count; each++) say(viewers[each], body, wanted);
    say(fd, answer, sizeof answer - 1);
    asking->length -= body + wanted - asking->text;
    memmove(asking->text, body + wanted, asking->length);
}

static void hear(int fd) {
    char rest[512];
    struct asking *asking = askings[fd];
    ssize_t length = asking ? recv(fd, asking->text + asking->length, ROOM - asking->length, 0) : recv(fd, rest, 512, 0);
    if (length <= 0) {
        leave(fd);
        return;
    }
    if (!asking) return;
    asking->length += length;
    asking->text[asking->length] = 0;
    char *end = strstr(asking->text, "\r\n\r\n");
    if (end && !strncmp(asking->text, "GET", 3)) view(fd);
    else if (end) publish(fd, asking, end + 4);
}

static void greet(int listening) {
    int fd, on = 1;
    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= LIMIT || !(askings[fd] = malloc(sizeof **askings))) errx(1, "too many");
        askings[fd]->length = 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(polling, EPOLL_CTL_ADD, fd, &wanted);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) errx(2, "floor PORT");
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&address, sizeof address) < 0 || listen(listening, 4096) < 0) err(1, "listen");
    polling = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listening}, events[512];
    epoll_ctl(polling, EPOLL_CTL_ADD, listening, &wanted);
    for (;;) {
        int happened = epoll_wait(polling, events, 512, -1);
        for (int each = 0; each < happened; each++) {
            if (events[each].data.fd == listening) greet(listening);
            else hear(events[each].data.fd);
        }
    }
}
