// Joins a shared session from a plain loop over poll(): one socket, standard input, and the time. Prints what happens.
//
//   cc session.c websocket.c -o session $(pkg-config --cflags --libs optiverse) -lwslay -lnettle
//   ./session HOST PORT SESSION USER [LAYOUT.json]
//
// A layout is added to the session. Commands on standard input, one a line: `move ITEM X Y`, `remove ITEM`, `undo`, `redo`,
// `show ITEM`. At its end the program waits until the relay has everything, and ends.
#include <optiverse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "websocket.h"

typedef struct {
  optiverse_session *session;
  websocket *socket;
  const char *host, *port;
  char path[512];
  char line[1024];
  size_t line_length;
  int input_ended;
} program;

static void check(optiverse_result result) {
  if (result == OPTIVERSE_RESULT_OK) return;
  optiverse_error error;
  optiverse_last_error(&error);
  fprintf(stderr, "%s: %s\n", optiverse_result_name(result), error.message.data);
  exit(1);
}

// As `check` for what a user asked for: says why it was refused and goes on.
static void tell(optiverse_result result) {
  if (result == OPTIVERSE_RESULT_OK) return;
  optiverse_error error;
  optiverse_last_error(&error);
  printf("refused: %s\n", error.message.data);
}

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static optiverse_replica_key random_key(void) {
  optiverse_replica_key key;
  if (getrandom(key.bytes, sizeof key.bytes, 0) != (ssize_t)sizeof key.bytes) {
    perror("getrandom");
    exit(1);
  }
  return key;
}

static void on_text(void *user_data, const uint8_t *text, size_t length) {
  program *self = user_data;
  check(optiverse_session_handle_frame(self->session, text, length, now_ms()));
}

static void disconnect(program *self) {
  websocket_close(self->socket);
  self->socket = NULL;
  check(optiverse_session_handle_disconnected(self->session, now_ms()));
}

static void show_change(const optiverse_changed_event *change) {
  for (size_t i = 0; i < change->added_count; i++) printf("added %s\n", change->added[i].data);
  for (size_t i = 0; i < change->removed_count; i++) printf("removed %s\n", change->removed[i].data);
  for (size_t i = 0; i < change->changed_count; i++) {
    printf("changed %s:", change->changed[i].item.data);
    for (size_t k = 0; k < change->changed[i].key_count; k++) printf(" %s", change->changed[i].keys[k].data);
    printf("\n");
  }
}

static void on_event(program *self, const optiverse_event *event) {
  static const char *const statuses[] = {"offline", "connecting", "catching up", "sending", "unconfirmed", "synchronised"};
  switch (event->kind) {
    case OPTIVERSE_EVENT_KIND_CONNECT:
      self->socket = websocket_open(self->host, self->port, self->path, on_text, self);
      if (self->socket) check(optiverse_session_handle_connected(self->session, now_ms()));
      else check(optiverse_session_handle_disconnected(self->session, now_ms()));
      break;
    case OPTIVERSE_EVENT_KIND_DISCONNECT: disconnect(self); break;
    case OPTIVERSE_EVENT_KIND_STATUS: printf("status: %s\n", statuses[event->body.status.status]); break;
    case OPTIVERSE_EVENT_KIND_CHANGED: show_change(&event->body.changed); break;
    case OPTIVERSE_EVENT_KIND_REFUSED:
      printf("refused: %s: %s\n", event->body.refused.item.data, event->body.refused.message.data);
      break;
    case OPTIVERSE_EVENT_KIND_USER_JOINED: printf("joined: %s\n", event->body.text.data); break;
    case OPTIVERSE_EVENT_KIND_USER_LEFT: printf("left: %s\n", event->body.text.data); break;
    default: break;
  }
}

// Shows and does what the session says, and queues what it sends, until it has no more.
static void settle(program *self) {
  optiverse_event event;
  optiverse_bytes frame;
  for (;;) {
    check(optiverse_session_poll_event(self->session, &event));
    if (event.kind == OPTIVERSE_EVENT_KIND_NONE) break;
    on_event(self, &event);
  }
  for (;;) {
    check(optiverse_session_poll_transmit(self->session, &frame));
    if (!frame.data) break;
    if (self->socket && !websocket_send(self->socket, frame.data, frame.length)) disconnect(self);
  }
  fflush(stdout);
}

static void show_item(const program *self, const char *id) {
  optiverse_scene *scene;
  double x, y;
  check(optiverse_session_scene(self->session, &scene));
  optiverse_result found = optiverse_scene_number(scene, id, "x_mm", &x);
  if (found == OPTIVERSE_RESULT_OK) found = optiverse_scene_number(scene, id, "y_mm", &y);
  if (found == OPTIVERSE_RESULT_OK) printf("%s is at %g, %g\n", id, x, y);
  tell(found);
  check(optiverse_scene_free(scene));
}

static void obey(const program *self, const char *line) {
  char id[256];
  double x, y;
  uint8_t is_done;
  optiverse_edit *edit;
  check(optiverse_edit_new(&edit));
  if (sscanf(line, "move %255s %lf %lf", id, &x, &y) == 3) {
    check(optiverse_edit_move(edit, id, x, y));
    tell(optiverse_session_edit(self->session, edit, OPTIVERSE_UNDO_STEP_NEW, now_ms()));
  } else if (sscanf(line, "remove %255s", id) == 1) {
    check(optiverse_edit_remove(edit, id));
    tell(optiverse_session_edit(self->session, edit, OPTIVERSE_UNDO_STEP_NEW, now_ms()));
  } else if (sscanf(line, "show %255s", id) == 1) {
    show_item(self, id);
  } else if (strcmp(line, "undo") == 0) {
    tell(optiverse_session_undo(self->session, now_ms(), &is_done));
  } else if (strcmp(line, "redo") == 0) {
    tell(optiverse_session_redo(self->session, now_ms(), &is_done));
  } else {
    printf("not understood: %s\n", line);
  }
  check(optiverse_edit_free(edit));
}

static void read_input(program *self) {
  char buffer[256];
  ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
  if (count <= 0) self->input_ended = 1;
  for (ssize_t i = 0; i < count; i++) {
    if (buffer[i] == '\n') {
      self->line[self->line_length] = 0;
      self->line_length = 0;
      obey(self, self->line);
    } else if (self->line_length + 1 < sizeof self->line) {
      self->line[self->line_length++] = buffer[i];
    }
  }
}

// The time to wait for, as poll() wants it.
static int timeout_ms(const program *self) {
  uint64_t at, now = now_ms();
  check(optiverse_session_poll_timeout(self->session, &at));
  if (at <= now) return 0;
  return at - now > 60000 ? 60000 : (int)(at - now);
}

static int is_finished(const program *self) {
  optiverse_session_info info;
  check(optiverse_session_state(self->session, &info));
  return self->input_ended && info.pending == 0 && info.status == OPTIVERSE_STATUS_SYNCHRONISED;
}

int main(int argc, char **argv) {
  if (argc < 5 || argc > 6) {
    fprintf(stderr, "usage: %s HOST PORT SESSION USER [LAYOUT.json]\n", argv[0]);
    return 2;
  }
  program self;
  memset(&self, 0, sizeof self);
  self.host = argv[1];
  self.port = argv[2];
  snprintf(self.path, sizeof self.path, "/ws/%s/%s", argv[3], argv[4]);
  const optiverse_replica_key key = random_key();
  check(optiverse_session_new(&key, &self.session));
  if (argc == 6) {
    optiverse_scene *scene;
    check(optiverse_scene_load(argv[5], &scene));
    check(optiverse_session_share(self.session, scene, now_ms()));
    check(optiverse_scene_free(scene));
  }

  for (settle(&self); !is_finished(&self); settle(&self)) {
    // poll() passes over a negative descriptor.
    struct pollfd waiting[2] = {{self.input_ended ? -1 : STDIN_FILENO, POLLIN, 0}, {-1, 0, 0}};
    if (self.socket) {
      waiting[1].fd = websocket_fd(self.socket);
      waiting[1].events = websocket_events(self.socket);
    }
    if (poll(waiting, 2, timeout_ms(&self)) < 0) {
      perror("poll");
      return 1;
    }
    if (waiting[0].revents) read_input(&self);
    if (self.socket && !websocket_run(self.socket)) disconnect(&self);
    uint64_t at;
    check(optiverse_session_poll_timeout(self.session, &at));
    if (at <= now_ms()) check(optiverse_session_handle_timeout(self.session, now_ms()));
  }
  websocket_close(self.socket);
  check(optiverse_session_free(self.session));
  return 0;
}
