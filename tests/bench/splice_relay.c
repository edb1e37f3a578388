// The floor for a tunnel: bytes from one socket to another through a pipe, by splice(2), and nothing else.
// Its pipes are as large as anybody may have them: with the 64 KiB of an ordinary one it takes half as much again.
// usage: splice_relay LISTEN_PORT TARGET_PORT. One connection at a time, from the client to 127.0.0.1:TARGET_PORT and
// back; it ends with SIGTERM. What a tunnel of the proxy costs is compared with the processor time of this.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE = 1 << 20 };

struct half {
  int from, to, pipe[2];
  size_t held;  // bytes in the pipe
  int ended;
};

static void die(const char* what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return at;
}

// Until both ends have nothing to give or to take. True when the half is over.
static int move(struct half* h) {
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  for (;;) {
    if (h->held == 0 && !h->ended) {
      const ssize_t got = splice(h->from, NULL, h->pipe[1], NULL, PIPE, flags);
      if (got > 0) h->held = got;
      if (got == 0 || (got < 0 && errno != EAGAIN)) h->ended = 1;
      if (got < 0 && errno == EAGAIN) return 0;
    }
    if (h->held == 0) break;
    const ssize_t put = splice(h->pipe[0], NULL, h->to, NULL, h->held, flags);
    if (put < 0 && errno == EAGAIN) return 0;
    if (put <= 0) return 1;
    h->held -= put;
  }
  shutdown(h->to, SHUT_WR);
  return 1;
}

// Nothing is tried that cannot have changed.
static int concerns(const struct half* h, const struct epoll_event* events, int count) {
  for (int i = 0; i < count; i++) {
    if (events[i].data.fd == h->from && (events[i].events & ~EPOLLOUT)) return 1;
    if (events[i].data.fd == h->to && h->held > 0 && (events[i].events & ~EPOLLIN)) return 1;
  }
  return 0;
}

static void relay(int client, int target) {
  struct half halves[2] = {{.from = client, .to = target}, {.from = target, .to = client}};
  int over[2] = {0, 0};
  const int loop = epoll_create1(0);
  for (int i = 0; i < 2; i++) {
    if (pipe2(halves[i].pipe, O_NONBLOCK)) die("pipe");
    fcntl(halves[i].pipe[0], F_SETPIPE_SZ, PIPE);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = halves[i].from};
    epoll_ctl(loop, EPOLL_CTL_ADD, halves[i].from, &event);
  }
  while (!over[0] || !over[1]) {
    struct epoll_event events[8];
    const int count = epoll_wait(loop, events, 8, -1);
    for (int i = 0; i < 2; i++)
      if (!over[i] && concerns(&halves[i], events, count)) over[i] = move(&halves[i]);
  }
  for (int i = 0; i < 2; i++) close(halves[i].pipe[0]), close(halves[i].pipe[1]);
  close(loop);
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "usage: splice_relay LISTEN_PORT TARGET_PORT\n"), 2;
  const int listening = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const struct sockaddr_in here = loopback(atoi(argv[1])), there = loopback(atoi(argv[2]));
  if (bind(listening, (const struct sockaddr*)&here, sizeof here) || listen(listening, 16)) die("listen");
  for (;;) {
    const int client = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
    const int target = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(target, (const struct sockaddr*)&there, sizeof there)) die("connect");
    fcntl(target, F_SETFL, O_NONBLOCK);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(target, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    relay(client, target);
    close(client);
    close(target);
  }
}
