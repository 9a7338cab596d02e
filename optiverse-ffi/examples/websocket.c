#include "websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <wslay/wslay.h>

struct websocket {
  int fd;
  wslay_event_context_ptr context;
  websocket_on_text on_text;
  void *user_data;
};

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *buffer, size_t length, int flags, void *user_data) {
  (void)flags;
  ssize_t count = recv(((websocket *)user_data)->fd, buffer, length, 0);
  if (count > 0) return count;
  int would_wait = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  wslay_event_set_error(context, would_wait ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t length, int flags,
                       void *user_data) {
  (void)flags;
  ssize_t count = send(((websocket *)user_data)->fd, data, length, MSG_NOSIGNAL);
  if (count >= 0) return count;
  int would_wait = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  wslay_event_set_error(context, would_wait ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static int on_mask(wslay_event_context_ptr context, uint8_t *buffer, size_t length, void *user_data) {
  (void)context, (void)user_data;
  return getrandom(buffer, length, 0) == (ssize_t)length ? 0 : -1;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message,
                       void *user_data) {
  (void)context;
  websocket *self = user_data;
  if (message->opcode == WSLAY_TEXT_FRAME) self->on_text(self->user_data, message->msg, message->msg_length);
}

// A connected socket whose reads and writes end after five seconds, or -1.
static int connect_to(const char *host, const char *port) {
  struct addrinfo hints, *addresses = NULL;
  struct timeval patience = {5, 0};
  int fd = -1;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, port, &hints, &addresses) != 0) return -1;
  for (struct addrinfo *address = addresses; address && fd < 0; address = address->ai_next) {
    fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (fd < 0) continue;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(addresses);
  return fd;
}

// The opening handshake (RFC 6455, section 4.1): whether the server answers with the digest of our key.
static int shake_hands(int fd, const char *host, const char *port, const char *path) {
  uint8_t nonce[16], digest[SHA1_DIGEST_SIZE];
  char key[BASE64_ENCODE_RAW_LENGTH(sizeof nonce) + 1] = {0};
  char accept[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) + 1] = {0};
  char request[2048], answer[4096], expected[128];
  size_t length = 0;
  if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce) return 0;
  base64_encode_raw(key, sizeof nonce, nonce);
  int written = snprintf(request, sizeof request,
                         "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                         path, host, port, key);
  if (written < 0 || (size_t)written >= sizeof request) return 0;
  if (send(fd, request, (size_t)written, MSG_NOSIGNAL) != written) return 0;
  // Byte by byte, so that nothing of the first frame is taken for the answer.
  do {
    if (length + 1 == sizeof answer || recv(fd, answer + length, 1, 0) != 1) return 0;
    answer[++length] = 0;
  } while (length < 4 || strcmp(answer + length - 4, "\r\n\r\n") != 0);

  static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  struct sha1_ctx hash;
  sha1_init(&hash);
  sha1_update(&hash, strlen(key), (const uint8_t *)key);
  sha1_update(&hash, sizeof suffix - 1, (const uint8_t *)suffix);
  sha1_digest(&hash, sizeof digest, digest);
  base64_encode_raw(accept, sizeof digest, digest);
  snprintf(expected, sizeof expected, "sec-websocket-accept: %s", accept);
  if (strncmp(answer, "HTTP/1.1 101", 12) != 0) return 0;
  for (char *line = strtok(answer, "\r\n"); line; line = strtok(NULL, "\r\n")) {
    size_t name = strlen("sec-websocket-accept:");
    if (strncasecmp(line, expected, name) == 0) return strcmp(line + name, expected + name) == 0;
  }
  return 0;
}

websocket *websocket_open(const char *host, const char *port, const char *path, websocket_on_text on_text,
                          void *user_data) {
  static const struct wslay_event_callbacks callbacks = {on_recv, on_send, on_mask, NULL, NULL, NULL, on_message};
  websocket *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->fd = connect_to(host, port);
  self->on_text = on_text;
  self->user_data = user_data;
  if (self->fd < 0 || !shake_hands(self->fd, host, port, path) ||
      fcntl(self->fd, F_SETFL, O_NONBLOCK) != 0 ||
      wslay_event_context_client_init(&self->context, &callbacks, self) != 0) {
    if (self->fd >= 0) close(self->fd);
    free(self);
    return NULL;
  }
  return self;
}

int websocket_fd(const websocket *self) { return self->fd; }

short websocket_events(const websocket *self) {
  int events = wslay_event_want_read(self->context) ? POLLIN : 0;
  return (short)(wslay_event_want_write(self->context) ? events | POLLOUT : events);
}

int websocket_send(websocket *self, const uint8_t *text, size_t length) {
  struct wslay_event_msg message = {WSLAY_TEXT_FRAME, text, length};
  return wslay_event_queue_msg(self->context, &message) == 0;
}

int websocket_run(websocket *self) {
  if (wslay_event_recv(self->context) != 0 || wslay_event_send(self->context) != 0) return 0;
  // After the closing handshake neither is wanted any more.
  return websocket_events(self) != 0;
}

void websocket_close(websocket *self) {
  if (!self) return;
  // The server is told, if it can be without waiting.
  wslay_event_queue_close(self->context, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
  wslay_event_send(self->context);
  wslay_event_context_free(self->context);
  close(self->fd);
  free(self);
}
